//! What writes check by themselves, once their parameters are known to be right.

use proxmox_mpc_model::property::Properties;
use proxmox_mpc_model::schema::Verb;
use proxmox_mpc_model::{Answers, list};

use super::bearer::Bearer;
use super::expression::{denied, normalized};
use super::own::{guest_of, kind_of, on_storage, task, zone_of};
use crate::writes::{Call, Refusal};

/// Refuses a write.
pub(super) fn check<A: Answers>(bearer: &Bearer<'_, A>, call: &Call) -> Result<(), Refusal> {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    match (call.method.verb, &segments[..]) {
        (Verb::Post, ["nodes", _, "qemu" | "lxc"]) => creates(bearer, call),
        (Verb::Put | Verb::Post, ["nodes", _, "qemu", vmid, "config"]) => options(bearer, call, vmid),
        (Verb::Post, ["nodes", _, all @ ("startall" | "stopall" | "suspendall" | "migrateall")]) => {
            on_many(bearer, call, all)
        }
        (Verb::Post, ["nodes", _, "vzdump"]) | (Verb::Post | Verb::Put, ["cluster", "backup", ..]) => {
            backs_up(bearer, call)
        }
        (Verb::Put, ["pools", ..]) => moves(bearer, call),
        (Verb::Put, ["access", "acl"]) => gives(bearer, call),
        (Verb::Delete, ["nodes", node, "tasks", upid]) => task(bearer, node, upid, "Sys.Modify"),
        (_, ["cluster", "sdn", "vnets", vnet, rest @ ..]) => {
            let Some(zone) = zone_of(bearer, vnet)? else { return Ok(()) };
            bearer.require_all(&format!("/sdn/zones/{zone}/{vnet}"), &["SDN.Allocate"])?;
            let moved = call.text("zone").filter(|_| rest.is_empty());
            moved.map_or(Ok(()), |zone| bearer.require_all(&format!("/sdn/zones/{zone}/{vnet}"), &["SDN.Allocate"]))
        }
        (_, ["cluster", "replication", ..]) => {
            let job = call.text("id").unwrap_or_default();
            bearer.require_all(&format!("/vms/{}", guest_of(&job)), &["VM.Replicate"])
        }
        (_, ["nodes", _, "storage", storage, "content", volume]) => removes(bearer, storage, volume),
        _ => Ok(()),
    }
}

/// A guest may be created by who may allocate it, by itself or in its pool.
fn creates<A: Answers>(bearer: &Bearer<'_, A>, call: &Call) -> Result<(), Refusal> {
    if let Some(storage) = call.text("storage") {
        bearer.require_all(&format!("/storage/{storage}"), &["Datastore.AllocateSpace"])?;
    }
    let vmid = call.text("vmid").unwrap_or_default();
    let mut allowed = bearer.any(&format!("/vms/{vmid}"), &["VM.Allocate"])?;
    if let Some(pool) = call.text("pool") {
        allowed = allowed || bearer.any(&format!("/pool/{pool}"), &["VM.Allocate"])?;
    }
    let restores = call.flag("force") && (call.text("archive").is_some() || call.flag("restore"));
    if allowed || restores && bearer.any(&format!("/vms/{vmid}"), &["VM.Backup"])? { Ok(()) } else { Err(denied("")) }
}

/// Each option of a virtual machine has its privilege (`check_vm_modify_config_perm`). What needs one on a storage or a
/// bridge as well is not looked at here.
fn options<A: Answers>(bearer: &Bearer<'_, A>, call: &Call, vmid: &str) -> Result<(), Refusal> {
    let path = format!("/vms/{vmid}");
    let taken = call.list("delete").into_iter().chain(call.list("revert")).map(|name| (name, None));
    let given = call.given().into_iter().map(|(name, _)| {
        let value = call.text(&name);
        (name, value)
    });
    for (name, value) in taken.chain(given) {
        match privilege_of(&name) {
            Needs::Nothing => {}
            Needs::All(privileges) => bearer.require_all(&path, privileges)?,
            Needs::Any(privileges) => bearer.require_any(&path, privileges)?,
            Needs::Root => return Err(Refusal::failed(format!("only root can set '{name}' config"))),
            Needs::Device(mappings) => device(bearer, &path, &name, value.as_deref(), mappings)?,
        }
        if name == "startup" {
            bearer.require_all("/", &["Sys.Modify"])?;
        }
    }
    Ok(())
}

/// What an option of a virtual machine asks for.
enum Needs {
    Nothing,
    All(&'static [&'static str]),
    Any(&'static [&'static str]),
    /// Hardware of the node, which is root's unless it is mapped here.
    Device(&'static str),
    Root,
}

fn privilege_of(name: &str) -> Needs {
    const CPU: &[&str] = &["cores", "cpu", "cpulimit", "cpuunits", "smp", "sockets", "vcpus"];
    const MEMORY: &[&str] = &["memory", "balloon", "shares", "allow-ksm"];
    const HARDWARE: &[&str] =
        &["acpi", "hotplug", "kvm", "machine", "scsihw", "smbios", "tablet", "vga", "watchdog", "audio", "rng"];
    const GENERAL: &[&str] = &[
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
    ];
    const DISK: &[&str] = &["boot", "bootdisk", "vmstatestorage"];
    const CLOUD_INIT: &[&str] = &[
        "cicustom",
        "cipassword",
        "citype",
        "ciuser",
        "ciupgrade",
        "nameserver",
        "searchdomain",
        "sshkeys",
        "ipconfig",
    ];
    // What the call itself takes, drives, and tags, whose rights depend on their values.
    const ELSEWHERE: &[&str] = &[
        "delete",
        "revert",
        "digest",
        "skiplock",
        "force",
        "background_delay",
        "import-working-storage",
        "tags",
        "cdrom",
        "ide",
        "sata",
        "scsi",
        "virtio",
        "efidisk",
        "tpmstate",
        "unused",
    ];
    let family = name.trim_end_matches(|character: char| character.is_ascii_digit());
    match family {
        "numa" => Needs::All(&["VM.Config.CPU"]),
        "net" => Needs::All(&["VM.Config.Network"]),
        "freeze" => Needs::All(&["VM.PowerMgmt"]),
        "serial" => Needs::Device(""),
        "usb" => Needs::Device("usb"),
        "hostpci" => Needs::Device("pci"),
        "virtiofs" => Needs::Device("dir"),
        _ if CPU.contains(&family) => Needs::All(&["VM.Config.CPU"]),
        _ if MEMORY.contains(&family) => Needs::All(&["VM.Config.Memory"]),
        _ if HARDWARE.contains(&family) => Needs::All(&["VM.Config.HWType"]),
        _ if GENERAL.contains(&family) => Needs::All(&["VM.Config.Options"]),
        _ if DISK.contains(&family) => Needs::All(&["VM.Config.Disk"]),
        _ if CLOUD_INIT.contains(&family) => Needs::Any(&["VM.Config.Cloudinit", "VM.Config.Network"]),
        _ if ELSEWHERE.contains(&family) => Needs::Nothing,
        _ => Needs::Root,
    }
}

/// A device of the node. `mappings` is the kind of mapping that may stand for it.
fn device<A: Answers>(
    bearer: &Bearer<'_, A>,
    path: &str,
    name: &str,
    value: Option<&str>,
    mappings: &str,
) -> Result<(), Refusal> {
    let hardware = if mappings == "dir" { "VM.Config.Disk" } else { "VM.Config.HWType" };
    bearer.require_all(path, &[hardware])?;
    let Some(value) = value else { return Ok(()) };
    let properties = Properties::parse(value);
    let mapping = if mappings == "dir" { properties.get_or_bare("dirid") } else { properties.get("mapping") };
    if let Some(mapping) = mapping {
        return bearer.require_all(&format!("/mapping/{mappings}/{mapping}"), &["Mapping.Use"]);
    }
    let real = match mappings {
        "" => value != "socket",
        "usb" => properties.get_or_bare("host").is_some_and(|host| !host.eq_ignore_ascii_case("spice")),
        _ => true,
    };
    let what = if mappings == "pci" { "non-mapped" } else { "real" };
    if real { Err(Refusal::failed(format!("only root can set '{name}' config for {what} devices"))) } else { Ok(()) }
}

/// All guests of a node at once, or those that are named.
fn on_many<A: Answers>(bearer: &Bearer<'_, A>, call: &Call, what: &str) -> Result<(), Refusal> {
    let (privileges, told): (&[&str], &str) = match what {
        "suspendall" => (&["VM.PowerMgmt", "VM.Config.Disk"], "VM.PowerMgmt && VM.Config.Disk"),
        "migrateall" => (&["VM.Migrate"], "VM.Migrate"),
        _ => (&["VM.PowerMgmt"], "VM.PowerMgmt"),
    };
    let held = bearer.privileges("/")?;
    if privileges.iter().all(|privilege| held.contains_key(*privilege)) {
        return Ok(());
    }
    let guests = call.list("vms");
    if guests.is_empty() {
        return Err(denied(&format!("/, {told}")));
    }
    guests.iter().try_for_each(|vmid| bearer.require_all(&format!("/vms/{vmid}"), &privileges[..1]))
}

/// A backup, now or by a job (`assert_param_permission_common`).
fn backs_up<A: Answers>(bearer: &Bearer<'_, A>, call: &Call) -> Result<(), Refusal> {
    for name in ["tmpdir", "dumpdir", "script", "job-id"] {
        if call.text(name).is_some() {
            return Err(Refusal::parameter(name, "Only root may set this option."));
        }
    }
    if ["bwlimit", "ionice", "performance"].iter().any(|name| call.text(name).is_some()) {
        bearer.require_all("/", &["Sys.Modify"])?;
    }
    let job = call.segments.first().is_some_and(|first| first == "cluster");
    if let Some(storage) = call.text("storage") {
        let privilege = if job { "Datastore.Allocate" } else { "Datastore.AllocateSpace" };
        bearer.require_all(&format!("/storage/{storage}"), &[privilege])?;
    }
    match call.text("pool").filter(|_| job) {
        Some(pool) => bearer.require_all(&format!("/pool/{pool}"), &["VM.Backup"]),
        None => Ok(()),
    }
}

/// Guests and storages are put into a pool, and taken out of it, by who may give rights to them.
fn moves<A: Answers>(bearer: &Bearer<'_, A>, call: &Call) -> Result<(), Refusal> {
    let guests = call.list("vms").into_iter().map(|vmid| format!("/vms/{vmid}"));
    let storages = call.list("storage").into_iter().map(|storage| format!("/storage/{storage}"));
    for path in guests.chain(storages) {
        if let Some(lacking) = bearer.gives(&path)? {
            return Err(denied(&lacking));
        }
    }
    Ok(())
}

/// Who may not give everything at a path gives what he has there himself.
fn gives<A: Answers>(bearer: &Bearer<'_, A>, call: &Call) -> Result<(), Refusal> {
    let Some(path) = normalized(&call.text("path").unwrap_or_default()) else { return Ok(()) };
    let held = bearer.privileges(&path)?;
    if held.contains_key("Permissions.Modify") {
        return Ok(());
    }
    let takes = call.flag("delete");
    let (verb, propagates) =
        (if takes { "remove" } else { "add" }, call.text("propagate").is_none_or(|propagate| propagate != "0"));
    for role in list::items(&call.list("roles").join(",")) {
        let refused = |why: &str| Err(Refusal::parameter("role", format!("Cannot {verb} role '{role}' {why}")));
        let privileges = bearer.accounts.roles.get(role).into_iter().flatten();
        for privilege in privileges {
            match held.get(privilege) {
                None => return refused("- requires 'Permissions.Modify' or superset of privileges."),
                Some(false) if propagates && !takes => {
                    return refused(
                        "with propagation - requires 'Permissions.Modify' or propagated superset of privileges.",
                    );
                }
                Some(_) => {}
            }
        }
        if role == "NoAccess" {
            return refused("- requires 'Permissions.Modify'");
        }
    }
    Ok(())
}

/// A backup is removed by who may use space and back its guest up; anything else by who allocates on the storage.
fn removes<A: Answers>(bearer: &Bearer<'_, A>, storage: &str, volume: &str) -> Result<(), Refusal> {
    let name = volume.split_once(':').map_or(volume, |(_, name)| name);
    let path = format!("/storage/{storage}");
    if let ("backup", Some(owner)) = kind_of(name) {
        bearer.require_any(&path, &["Datastore.Allocate", "Datastore.AllocateSpace"])?;
        if bearer.any(&path, &["Datastore.Allocate"])? {
            return Ok(());
        }
        return bearer.require_all(&format!("/vms/{owner}"), &["VM.Backup"]);
    }
    on_storage(bearer, storage, volume)?;
    bearer.require_all(&path, &["Datastore.Allocate"])
}
