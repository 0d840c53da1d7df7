//! Privileges that the options of a virtual machine need, besides the permission of the method
//! (`check_vm_modify_config_perm` and its neighbours in `qemu-server`).

use proxmox_mpc_model::Answers;
use proxmox_mpc_model::drive::Drive;
use proxmox_mpc_model::property::Properties;
use proxmox_mpc_model::ranges::Ranges;
use proxmox_mpc_model::volume::VolumeId;
use serde_json::{Map, Value};

use super::enforcement::Rights;
use super::login_privileges::Bearer;
use super::read_checks::{volume_seen, zone_of};
use crate::call::{CONFIG, Call, ROOT_ONLY, Refusal};

/// Privileges by the options that need them, without the numbers at their ends.
const PRIVILEGES: &[(&str, &[&str])] = &[
    ("VM.Config.CPU", &["cores", "cpu", "cpulimit", "cpuunits", "numa", "runningcpu", "smp", "sockets", "vcpus"]),
    ("VM.Config.Memory", &["memory", "balloon", "shares", "allow-ksm"]),
    (
        "VM.Config.HWType",
        &[
            "acpi",
            "hotplug",
            "kvm",
            "machine",
            "runningmachine",
            "scsihw",
            "smbios",
            "tablet",
            "vga",
            "watchdog",
            "audio",
            "rng",
        ],
    ),
    (
        "VM.Config.Options",
        &[
            "agent",
            "autostart",
            "bios",
            "description",
            "keyboard",
            "localtime",
            "migrate_downtime",
            "migrate_speed",
            "name",
            "onboot",
            "ostype",
            "protection",
            "reboot",
            "startdate",
            "startup",
            "tdf",
            "template",
        ],
    ),
    ("VM.PowerMgmt", &["freeze"]),
    ("VM.Config.Disk", &["boot", "bootdisk", "vmstatestorage"]),
    ("VM.Config.Network", &["net"]),
];
const CLOUD_INIT: &[&str] =
    &["cicustom", "cipassword", "citype", "ciuser", "ciupgrade", "nameserver", "searchdomain", "sshkeys", "ipconfig"];
/// Options whose values decide on the privilege.
const BY_VALUE: &[&str] = &["tags", "cdrom", "serial", "usb", "hostpci", "virtiofs"];
const DRIVES: &[&str] = &["ide", "sata", "scsi", "virtio", "efidisk", "tpmstate", "unused"];

/// A key without its number.
fn family(name: &str) -> &str {
    name.trim_end_matches(|letter: char| letter.is_ascii_digit())
}

/// Rights of a login to one virtual machine; every right where nothing is checked.
pub(crate) struct MachineRights<'a, A> {
    bearer: Option<Bearer<'a, A>>,
    path: String,
    pool: Option<String>,
}

impl<'a, A: Answers> MachineRights<'a, A> {
    /// The rights to the virtual machine that a call names. `pool` is the one that it is made in; `rights` are `None`
    /// for who may do everything.
    pub(crate) fn new(rights: Option<&'a Rights>, answers: &'a A, call: &'a Call, pool: Option<String>) -> Self {
        let bearer = rights.and_then(|rights| rights.bearer(answers, &call.login));
        Self { bearer, path: format!("/vms/{}", call.text("vmid").unwrap_or_default()), pool }
    }

    /// Refuses options that the login may not set or take away.
    pub(crate) fn options<'n>(&self, names: impl IntoIterator<Item = &'n String>) -> Result<(), Refusal> {
        if self.bearer.is_none() {
            return Ok(());
        }
        names.into_iter().try_for_each(|name| self.option(name))
    }

    fn option(&self, name: &str) -> Result<(), Refusal> {
        let family = family(name);
        if BY_VALUE.contains(&family) || DRIVES.contains(&family) {
            return Ok(());
        }
        if CLOUD_INIT.contains(&family) {
            return self.one_of(&["VM.Config.Cloudinit", "VM.Config.Network"]);
        }
        if name == "vmstate" {
            return self.all_of(&["VM.Config.Disk", "VM.PowerMgmt"]);
        }
        let Some((privilege, _)) = PRIVILEGES.iter().find(|(_, families)| families.contains(&family)) else {
            return Err(Refusal::failed(format!("{ROOT_ONLY} set '{name}' {CONFIG}")));
        };
        self.all_of(&[*privilege])?;
        if name == "startup" { self.at("/", "Sys.Modify") } else { Ok(()) }
    }

    /// Refuses a device of the node, which is for root alone unless it is mapped.
    pub(crate) fn device(&self, name: &str, value: &str) -> Result<(), Refusal> {
        if self.bearer.is_none() {
            return Ok(());
        }
        let properties = Properties::parse(value);
        let mapped = |kind: &str| match properties.get("mapping") {
            Some(mapping) => self.at(&format!("/mapping/{kind}/{mapping}"), "Mapping.Use"),
            None => Err(Refusal::failed("either 'host' or 'mapping' must be set.")),
        };
        let root = |what: &str| Err(Refusal::failed(format!("{ROOT_ONLY} set '{name}' {CONFIG} for {what} devices")));
        match family(name) {
            "serial" if value == "socket" => self.all_of(&["VM.Config.HWType"]),
            "serial" => root("real"),
            "usb" => {
                self.all_of(&["VM.Config.HWType"])?;
                match properties.get_or_bare("host") {
                    Some(host) if host.eq_ignore_ascii_case("spice") => Ok(()),
                    Some(_) => root("real"),
                    None => mapped("usb"),
                }
            }
            "hostpci" => {
                if properties.get_or_bare("host").is_some() {
                    return root("non-mapped");
                }
                mapped("pci")?;
                self.all_of(&["VM.Config.HWType"])?;
                match properties.get("romfile") {
                    Some(_) => Err(Refusal::parameter(name, "only root@pam can set 'romfile' option")),
                    None => Ok(()),
                }
            }
            "rng" if properties.get_or_bare("source") == Some("/dev/hwrng") => self.at("/mapping/hwrng", "Mapping.Use"),
            "virtiofs" => {
                self.all_of(&["VM.Config.Disk"])?;
                let directory = properties.get_or_bare("dirid").unwrap_or_default();
                self.at(&format!("/mapping/dir/{directory}"), "Mapping.Use")
            }
            _ => Ok(()),
        }
    }

    /// Refuses disks on storages that the login may not use.
    pub(crate) fn storages(&self, given: &Map<String, Value>) -> Result<(), Refusal> {
        let Some(bearer) = &self.bearer else { return Ok(()) };
        for (_, value) in given.iter().filter(|(name, _)| DRIVES.contains(&family(name))) {
            let drive = Drive::parse(value.as_str().unwrap_or_default());
            if drive.volume.to_string() == "cdrom" {
                self.at("/", "Sys.Console")?;
            }
            let Some(volume) = drive.stored() else { continue };
            if volume.name() != "cloudinit" {
                self.volume(volume)?;
            }
            if let Some(source) = drive.properties.get("import-from") {
                volume_seen(bearer, source)?;
            }
        }
        match given.get("vmstatestorage").and_then(Value::as_str) {
            Some(storage) => self.at(&format!("/storage/{storage}"), "Datastore.AllocateSpace"),
            None => Ok(()),
        }
    }

    /// Refuses a volume that the login may not use, or make: `local:8` is 8 GiB on `local`.
    pub(super) fn volume(&self, volume: &VolumeId) -> Result<(), Refusal> {
        let Some(bearer) = &self.bearer else { return Ok(()) };
        if volume.name().parse::<f64>().is_ok() {
            return self.at(&format!("/storage/{}", volume.storage()), "Datastore.AllocateSpace");
        }
        if volume.owner().is_some_and(|owner| self.is(&owner.to_string())) {
            return Ok(());
        }
        volume_seen(bearer, volume.as_str())
    }

    fn is(&self, vmid: &str) -> bool {
        self.path.strip_prefix("/vms/") == Some(vmid)
    }

    /// Refuses bridges and virtual networks that the login may not use.
    pub(crate) fn bridges(&self, given: &Map<String, Value>) -> Result<(), Refusal> {
        let Some(bearer) = &self.bearer else { return Ok(()) };
        for (_, value) in given.iter().filter(|(name, _)| family(name) == "net") {
            let device = Properties::parse(value.as_str().unwrap_or_default());
            let Some(bridge) = device.get("bridge") else { continue };
            let zone = zone_of(bearer, bridge)?.unwrap_or_else(|| "localnetwork".to_owned());
            let path = format!("/sdn/zones/{zone}/{bridge}");
            let tag = device.get("tag").filter(|tag| *tag != "0");
            let trunks = device.get("trunks").and_then(Ranges::parse);
            let trunks = trunks.iter().flat_map(|trunks| trunks.iter().cloned().flatten());
            let tags: Vec<String> =
                tag.map(str::to_owned).into_iter().chain(trunks.map(|tag| tag.to_string())).collect();
            if tags.is_empty() {
                self.at(&path, "SDN.Use")?;
            }
            tags.iter().try_for_each(|tag| self.at(&format!("{path}/{tag}"), "SDN.Use"))?;
        }
        Ok(())
    }

    /// Refuses a custom CPU model of the cluster, unless the virtual machine has it already.
    pub(crate) fn cpu(&self, value: &str, held: &str) -> Result<(), Refusal> {
        let model = |value: &str| Properties::parse(value).get_or_bare("cputype").map(str::to_owned);
        match model(value).filter(|own| Some(own) != model(held).as_ref()) {
            Some(custom) if custom.starts_with("custom-") => {
                self.at(&format!("/mapping/cpu/{}", custom.trim_start_matches("custom-")), "Mapping.Use")
            }
            _ => Ok(()),
        }
    }

    /// Refuses a drive that the login may not change on this machine.
    pub(crate) fn drive(&self, value: &str) -> Result<(), Refusal> {
        let drive = Drive::parse(value);
        match () {
            () if drive.is_cloudinit() => self.all_of(&["VM.Config.Cloudinit", "VM.Config.CDROM"]),
            () if drive.is_cdrom() => self.all_of(&["VM.Config.CDROM"]),
            () => self.all_of(&["VM.Config.Disk"]),
        }
    }

    pub(super) fn at(&self, path: &str, privilege: &str) -> Result<(), Refusal> {
        self.bearer.as_ref().map_or(Ok(()), |bearer| bearer.require_all(path, &[privilege]))
    }

    pub(super) fn all_of(&self, privileges: &[&str]) -> Result<(), Refusal> {
        let Some(bearer) = &self.bearer else { return Ok(()) };
        match &self.pool {
            Some(pool) if bearer.require_all(&format!("/pool/{pool}"), privileges).is_ok() => Ok(()),
            _ => bearer.require_all(&self.path, privileges),
        }
    }

    fn one_of(&self, privileges: &[&str]) -> Result<(), Refusal> {
        let Some(bearer) = &self.bearer else { return Ok(()) };
        match &self.pool {
            Some(pool) if bearer.require_any(&format!("/pool/{pool}"), privileges).is_ok() => Ok(()),
            _ => bearer.require_any(&self.path, privileges),
        }
    }
}
