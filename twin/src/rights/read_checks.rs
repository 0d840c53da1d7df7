//! Checks that reading methods do themselves, where their permission in the schema lets everyone pass.

use proxmox_mpc_model::object::text;
use proxmox_mpc_model::schema::Release;
use proxmox_mpc_model::upid::Upid;
use proxmox_mpc_model::{Answers, ApiPath, Unreadable};
use serde_json::{Map, Value};

use super::expression::denied;
use super::login_privileges::Bearer;
use crate::call::Refusal;

/// Does the checks of a read.
pub(super) fn read<A: Answers>(bearer: &Bearer<'_, A>, path: &ApiPath) -> Result<(), Refusal> {
    let owned = path.segments();
    let segments: Vec<&str> = owned.iter().map(String::as_str).collect();
    let query = path.query();
    let asked = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    match segments[..] {
        ["cluster", "sdn", "vnets", vnet, ..] => vnet_seen(bearer, vnet, &["SDN.Audit", "SDN.Allocate"]),
        ["nodes", _, "sdn", "vnets", vnet, _] => vnet_seen(bearer, vnet, &["SDN.Audit"]),
        ["nodes", node, "replication", job, "log"] => {
            let seen = bearer.any(&format!("/vms/{}", guest_of(job)), &["VM.Audit"])?
                || bearer.any(&format!("/nodes/{node}"), &["Sys.Audit"])?;
            if seen { Ok(()) } else { Err(denied("")) }
        }
        ["cluster", "replication", job] | ["nodes", _, "replication", job, ..] => {
            bearer.require_all(&format!("/vms/{}", guest_of(job)), &["VM.Audit"])
        }
        ["nodes", _, "lxc", _, "config" | "pending"] => environment(bearer, path),
        ["nodes", node, "tasks", upid, ..] => task(bearer, node, upid, "Sys.Audit"),
        ["nodes", _, "storage", storage, "content", volume] => on_storage(bearer, storage, volume),
        ["nodes", _, "storage", storage, "import-metadata" | "file-restore", ..] => match asked("volume") {
            Some(volume) => on_storage(bearer, storage, volume),
            None => Ok(()),
        },
        ["nodes", _, "vzdump", "extractconfig"] => match asked("volume") {
            Some(volume) => {
                volume_seen(bearer, volume)?;
                let (_, guest) = kind_of(volume.split_once(':').map_or(volume, |(_, name)| name));
                guest.map_or(Ok(()), |guest| bearer.require_all(&format!("/vms/{guest}"), &["VM.Backup"]))
            }
            None => Ok(()),
        },
        ["nodes", _, "vzdump", "defaults"] => {
            let storage = asked("storage").unwrap_or("local");
            bearer.require_any(&format!("/storage/{storage}"), &["Datastore.Audit", "Datastore.AllocateSpace"])
        }
        _ => Ok(()),
    }
}

/// Refuses variables of a container's environment, from 9.2 on, to a login that may not change them: they may be
/// secrets. Recorded as `pve-9.2/get-auditor`; Proxmox does not check it for snapshots.
fn environment<A: Answers>(bearer: &Bearer<'_, A>, path: &ApiPath) -> Result<(), Refusal> {
    let owned = path.segments();
    let [nodes, node, lxc, vmid, ..] = owned.as_slice() else { return Ok(()) };
    if Release::of_answers(bearer.answers)? < Release::NineTwo {
        return Ok(());
    }
    let configuration = bearer.answers.get(&ApiPath::new([nodes.as_str(), node, lxc, vmid, "config"]))?;
    match configuration.as_ref().and_then(|answer| answer.data()?.get("env")) {
        Some(_) => bearer.require_all(&format!("/vms/{vmid}"), &["VM.Config.Options"]),
        None => Ok(()),
    }
}

/// The guest of a replication job: `100` of `100-0`.
pub(super) fn guest_of(job: &str) -> &str {
    job.split('-').next().unwrap_or_default()
}

/// Refuses a network of SDN to a login that does not see it in its zone.
fn vnet_seen<A: Answers>(bearer: &Bearer<'_, A>, vnet: &str, privileges: &[&str]) -> Result<(), Refusal> {
    let Some(zone) = zone_of(bearer, vnet)? else { return Ok(()) };
    bearer.require_any(&format!("/sdn/zones/{zone}/{vnet}"), privileges)
}

/// The zone of a network.
pub(super) fn zone_of<A: Answers>(bearer: &Bearer<'_, A>, vnet: &str) -> Result<Option<String>, Unreadable> {
    let vnets = bearer.answers.indexed(&ApiPath::parse("cluster/sdn/vnets"), "vnet")?;
    Ok(vnets.and_then(|vnets| vnets.get(vnet).and_then(|row| row.get("zone").and_then(text))))
}

/// Reports whether a task belongs to a login: it started the task, or one of its tokens did.
pub(super) fn is_own<A: Answers>(bearer: &Bearer<'_, A>, user: &str) -> bool {
    user == bearer.login.full() || user.split('!').next() == Some(bearer.login.full().as_str())
}

pub(super) fn task<A: Answers>(bearer: &Bearer<'_, A>, node: &str, upid: &str, privilege: &str) -> Result<(), Refusal> {
    if Upid::parse(upid).is_none() {
        return Ok(());
    }
    // UPID:node:pid:pstart:starttime:type:id:user:
    let user = upid.trim_end_matches(':').rsplit(':').next().unwrap_or_default();
    if is_own(bearer, user) {
        return Ok(());
    }
    bearer.require_all(&format!("/nodes/{node}"), &[privilege])
}

/// Checks a volume that is named within its storage, or in full.
pub(super) fn on_storage<A: Answers>(bearer: &Bearer<'_, A>, storage: &str, volume: &str) -> Result<(), Refusal> {
    if volume.contains(':') && !volume.starts_with('/') {
        return volume_seen(bearer, volume);
    }
    volume_seen(bearer, &format!("{storage}:{volume}"))
}

/// Checks a volume as `PVE::Storage::check_volume_access` does, without a guest that owns it.
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

/// Content of a volume, and the guest that its name assigns it to. Disks of containers count as images.
pub(super) fn kind_of(name: &str) -> (&str, Option<&str>) {
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
