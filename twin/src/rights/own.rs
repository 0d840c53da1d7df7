//! What methods check by themselves, where their permission in the schema lets everyone pass.

use proxmox_mpc_model::object::text;
use proxmox_mpc_model::upid::Upid;
use proxmox_mpc_model::{Answers, ApiPath, Unreadable};
use serde_json::{Map, Value};

use super::bearer::Bearer;
use super::expression::denied;
use crate::writes::{Call, Refusal};

/// Refuses a read.
pub(super) fn read<A: Answers>(bearer: &Bearer<'_, A>, path: &ApiPath) -> Result<(), Refusal> {
    let owned = path.segments();
    let segments: Vec<&str> = owned.iter().map(String::as_str).collect();
    let query = path.query();
    let asked = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    match segments[..] {
        ["pools"] => match asked("poolid") {
            Some(pool) => bearer.require_all(&format!("/pool/{pool}"), &["Pool.Audit"]),
            None => Ok(()),
        },
        ["cluster", "sdn", "vnets", vnet, ..] => vnet_seen(bearer, vnet, &["SDN.Audit", "SDN.Allocate"]),
        ["nodes", _, "sdn", "vnets", vnet, _] => vnet_seen(bearer, vnet, &["SDN.Audit"]),
        ["cluster", "replication", job] | ["nodes", _, "replication", job, ..] => {
            let guest = job.split('-').next().unwrap_or_default();
            bearer.require_all(&format!("/vms/{guest}"), &["VM.Audit"])
        }
        ["nodes", node, "tasks", upid, ..] => task(bearer, node, upid),
        ["nodes", _, "storage", storage, "content", volume] => on_storage(bearer, storage, volume),
        ["nodes", _, "storage", storage, "import-metadata" | "file-restore", ..] => match asked("volume") {
            Some(volume) => on_storage(bearer, storage, volume),
            None => Ok(()),
        },
        ["nodes", _, "vzdump", "extractconfig"] => match asked("volume") {
            Some(volume) => volume_seen(bearer, volume),
            None => Ok(()),
        },
        ["nodes", _, "vzdump", "defaults"] => match asked("storage") {
            Some(storage) => {
                bearer.require_any(&format!("/storage/{storage}"), &["Datastore.Audit", "Datastore.AllocateSpace"])
            }
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// A network of SDN is seen by who sees it in its zone.
fn vnet_seen<A: Answers>(bearer: &Bearer<'_, A>, vnet: &str, privileges: &[&str]) -> Result<(), Refusal> {
    let Some(zone) = zone_of(bearer, vnet)? else { return Ok(()) };
    bearer.require_any(&format!("/sdn/zones/{zone}/{vnet}"), privileges)
}

/// The zone of a network.
pub(super) fn zone_of<A: Answers>(bearer: &Bearer<'_, A>, vnet: &str) -> Result<Option<String>, Unreadable> {
    let vnets = bearer.answers.indexed(&ApiPath::parse("cluster/sdn/vnets"), "vnet")?;
    Ok(vnets.and_then(|vnets| vnets.get(vnet).and_then(|row| row.get("zone").and_then(text))))
}

/// A task belongs to who started it; a user owns what his tokens do.
pub(super) fn is_own<A: Answers>(bearer: &Bearer<'_, A>, user: &str) -> bool {
    user == bearer.login.full() || user.split('!').next() == Some(bearer.login.full().as_str())
}

fn task<A: Answers>(bearer: &Bearer<'_, A>, node: &str, upid: &str) -> Result<(), Refusal> {
    if Upid::parse(upid).is_none() {
        return Ok(());
    }
    // UPID:node:pid:pstart:starttime:type:id:user:
    let user = upid.trim_end_matches(':').rsplit(':').next().unwrap_or_default();
    if is_own(bearer, user) {
        return Ok(());
    }
    bearer.require_all(&format!("/nodes/{node}"), &["Sys.Audit"])
}

/// A volume that is named within its storage, or in full.
fn on_storage<A: Answers>(bearer: &Bearer<'_, A>, storage: &str, volume: &str) -> Result<(), Refusal> {
    if volume.contains(':') && !volume.starts_with('/') {
        return volume_seen(bearer, volume);
    }
    volume_seen(bearer, &format!("{storage}:{volume}"))
}

/// `PVE::Storage::check_volume_access` without a guest that would own it.
pub(super) fn volume_seen<A: Answers>(bearer: &Bearer<'_, A>, volume: &str) -> Result<(), Refusal> {
    let Some((storage, name)) = volume.split_once(':') else { return Ok(()) };
    let storages = bearer.answers.indexed(&ApiPath::parse("storage"), "storage")?;
    if storages.is_some_and(|storages| !storages.contains_key(storage)) {
        return Ok(());
    }
    let path = format!("/storage/{storage}");
    if bearer.any(&path, &["Datastore.Allocate"])? {
        return Ok(());
    }
    let (content, owner) = kind_of(name);
    match (content, owner) {
        ("iso" | "vztmpl" | "import", _) => bearer.require_any(&path, &["Datastore.AllocateSpace", "Datastore.Audit"]),
        ("backup", Some(owner)) => {
            bearer.require_all(&path, &["Datastore.AllocateSpace"])?;
            bearer.require_all(&format!("/vms/{owner}"), &["VM.Backup"])
        }
        ("images", Some(owner)) => {
            bearer.require_all(&path, &["Datastore.Audit"])?;
            bearer.require_all(&format!("/vms/{owner}"), &["VM.Config.Disk"])
        }
        _ => Err(Refusal::failed(format!("missing privileges to access {volume}"))),
    }
}

/// What a volume holds, and the guest that its name gives it to. Disks of containers count as images.
fn kind_of(name: &str) -> (&str, Option<&str>) {
    let digits = |text: &'_ str| -> usize { text.bytes().take_while(u8::is_ascii_digit).count() };
    if let Some((content @ ("iso" | "vztmpl" | "import" | "snippets"), _)) = name.split_once('/') {
        return (content, None);
    }
    if let Some(backup) = name.strip_prefix("backup/") {
        // `vzdump-qemu-100-…`, and `vm/100/…` of a backup server.
        let rest = backup.strip_prefix("vzdump-").unwrap_or(backup);
        let owner = rest.split_once(['-', '/']).map(|(_, rest)| rest).unwrap_or_default();
        let owner = &owner[..digits(owner)];
        return ("backup", (!owner.is_empty()).then_some(owner));
    }
    let last = name.rsplit('/').next().unwrap_or(name);
    let named = last.split_once('-').filter(|(kind, _)| matches!(*kind, "vm" | "base" | "subvol" | "basevol"));
    let owner = named.map(|(_, rest)| &rest[..digits(rest)]);
    ("images", owner.filter(|owner| !owner.is_empty()))
}

/// Refuses a write.
pub(super) fn write<A: Answers>(bearer: &Bearer<'_, A>, call: &Call) -> Result<(), Refusal> {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    match (call.method.verb.to_string().as_str(), &segments[..]) {
        ("POST", ["nodes", _, "qemu" | "lxc"]) => creates(bearer, call),
        ("PUT" | "POST", ["nodes", _, "qemu", vmid, "config"]) => options(bearer, vmid, &changed(call)),
        (verb, ["cluster", "sdn", "vnets", vnet, rest @ ..]) => {
            let firewall = rest.first() == Some(&"firewall");
            let Some(zone) = zone_of(bearer, vnet)? else { return Ok(()) };
            bearer.require_all(&format!("/sdn/zones/{zone}/{vnet}"), &["SDN.Allocate"])?;
            let moved = call.text("zone").filter(|_| verb == "PUT" && !firewall);
            moved.map_or(Ok(()), |zone| bearer.require_all(&format!("/sdn/zones/{zone}/{vnet}"), &["SDN.Allocate"]))
        }
        (_, ["cluster", "replication", ..]) => {
            let job = call.text("id").unwrap_or_default();
            let guest = job.split('-').next().unwrap_or_default();
            bearer.require_all(&format!("/vms/{guest}"), &["VM.Replicate"])
        }
        (_, ["nodes", _, "storage", storage, "content", volume]) => removes(bearer, storage, volume),
        _ => Ok(()),
    }
}

/// A guest may be created by who may allocate it, by itself or in its pool.
fn creates<A: Answers>(bearer: &Bearer<'_, A>, call: &Call) -> Result<(), Refusal> {
    let vmid = call.text("vmid").unwrap_or_default();
    let mut allowed = bearer.any(&format!("/vms/{vmid}"), &["VM.Allocate"])?;
    if let Some(pool) = call.text("pool") {
        allowed = allowed || bearer.any(&format!("/pool/{pool}"), &["VM.Allocate"])?;
    }
    let restores = call.flag("force") && (call.text("archive").is_some() || call.flag("restore"));
    if allowed || restores && bearer.any(&format!("/vms/{vmid}"), &["VM.Backup"])? { Ok(()) } else { Err(denied("")) }
}

fn changed(call: &Call) -> Vec<String> {
    let given = call.given().into_iter().map(|(name, _)| name);
    let named = call.list("delete").into_iter().chain(call.list("revert"));
    let asked = |name: &String| {
        !matches!(name.as_str(), "delete" | "revert" | "digest" | "skiplock" | "force" | "background_delay")
    };
    given.filter(asked).chain(named).collect()
}

/// Each option of a virtual machine has its privilege (`check_vm_modify_config_perm`). Drives and devices depend on their
/// values, and are not looked at here.
fn options<A: Answers>(bearer: &Bearer<'_, A>, vmid: &str, names: &[String]) -> Result<(), Refusal> {
    let path = format!("/vms/{vmid}");
    for name in names {
        let family = name.trim_end_matches(|character: char| character.is_ascii_digit());
        let privilege = match (name.as_str(), family) {
            ("cpu" | "cores" | "sockets" | "cpulimit" | "cpuunits" | "vcpus" | "numa" | "affinity" | "smp", _)
            | (_, "numa") => "VM.Config.CPU",
            ("memory" | "balloon" | "shares" | "hugepages" | "keephugepages" | "allow-ksm", _) => "VM.Config.Memory",
            (
                "acpi" | "agent" | "arch" | "bios" | "hotplug" | "kvm" | "localtime" | "machine" | "scsihw" | "smbios1"
                | "tablet" | "tdf" | "vga" | "watchdog" | "audio0" | "keyboard" | "ivshmem" | "rng0" | "tpmstate0"
                | "amd-sev" | "intel-tdx" | "spice_enhancements",
                _,
            ) => "VM.Config.HWType",
            ("startup", _) => {
                bearer.require_all(&path, &["VM.Config.Options"])?;
                bearer.require_all("/", &["Sys.Modify"])?;
                continue;
            }
            (
                "autostart" | "boot" | "bootdisk" | "description" | "name" | "onboot" | "ostype" | "protection"
                | "reboot" | "startdate" | "template" | "vmgenid" | "freeze",
                _,
            ) => "VM.Config.Options",
            (_, "net") => "VM.Config.Network",
            (
                "cicustom" | "ciupgrade" | "cipassword" | "citype" | "ciuser" | "nameserver" | "searchdomain"
                | "sshkeys",
                _,
            )
            | (_, "ipconfig") => {
                bearer.require_any(&path, &["VM.Config.Cloudinit", "VM.Config.Network"])?;
                continue;
            }
            _ => continue,
        };
        bearer.require_all(&path, &[privilege])?;
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

/// A row's text.
pub(super) fn word(row: &Map<String, Value>, key: &str) -> String {
    row.get(key).and_then(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_tells_its_kind_and_its_guest() {
        let check = |name: &str, expected: (&str, Option<&str>)| assert_eq!(kind_of(name), expected, "{name}");
        check("iso/debian.iso", ("iso", None));
        check("snippets/user.yaml", ("snippets", None));
        check("backup/vzdump-qemu-101-2026_10_02-18_30_00.vma.zst", ("backup", Some("101")));
        check("backup/ct/200/2026-11-21T02:00:04Z", ("backup", Some("200")));
        check("backup/notes.txt", ("backup", None));
        check("vm-100-disk-0", ("images", Some("100")));
        check("101/vm-101-cloudinit.qcow2", ("images", Some("101")));
        check("base-9000-disk-0/vm-110-disk-0", ("images", Some("110")));
        check("0.0.0.scsi-36001405", ("images", None));
    }
}
