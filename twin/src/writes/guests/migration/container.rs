//! Migration of containers (`PVE::LXC::Migrate`): they stop, their volumes are copied, and they start on the other
//! node.

use std::collections::BTreeMap;

use proxmox_mpc_model::volume::VolumeId;
use serde_json::Value;

use super::plan::{self, Mode, Plan, StorageMap, refuse_all};
use crate::call::{Call, Refusal};
use crate::state::Transaction;
use crate::state::tasks::TaskLog;
use crate::writes::guests::containers::{Mount, MountKind};
use crate::writes::guests::drives;
use crate::writes::guests::guest::{Guest, unlocked};
use crate::writes::guests::keys::word;
use crate::writes::guests::relocate::MovedVolumes;
use crate::writes::guests::stored_configuration::StoredConfiguration;
use crate::writes::guests::volumes::Storage;
use crate::writes::guests::{containers, power, relocate, replication};

/// The types of storages that containers are copied from and to.
const COPIED: [&str; 5] = ["btrfs", "dir", "lvm", "lvmthin", "zfspool"];

/// The guest, the target and the plan of a call; a container that cannot migrate in this way is refused.
pub(super) fn planned(transaction: &Transaction, call: &Call) -> Result<(Guest, String, Plan), Refusal> {
    let guest = Guest::of(call);
    let target = plan::target(transaction, call)?;
    StoredConfiguration::read(transaction, &guest)?;
    let mode = match (call.flag("online"), call.flag("restart")) {
        (true, _) => Mode::Online,
        (false, true) => Mode::Restart,
        (false, false) => Mode::Offline,
    };
    let mut plan = Plan { mode, ..Plan::default() };
    if guest.is_running(transaction)? && mode == Mode::Offline {
        return Err(Refusal::failed("can't migrate running container without --online or --restart"));
    }
    if let Some(text) = call.text("target-storage") {
        plan.storages = StorageMap::read(&text, "target-storage")?;
        for storage in plan.storages.named() {
            if !Storage::enabled(transaction, storage, &target)?.holds("rootdir") {
                return Err(Refusal::failed(format!("storage '{storage}' does not support CT rootdirs")));
            }
        }
    }
    Ok((guest, target, plan))
}

/// Migrates a container to another node.
pub(super) fn go(
    transaction: &mut Transaction,
    guest: &Guest,
    there: &Guest,
    plan: &Plan,
    log: &mut TaskLog,
) -> Result<(), Refusal> {
    let (now, running) = (transaction.now(), guest.is_running(transaction)?);
    let stored = StoredConfiguration::read(transaction, guest)?;
    unlocked(guest, &stored.keys)?;
    if running && plan.mode == Mode::Online {
        return Err(Refusal::failed("lxc live migration is currently not implemented"));
    }
    prepared(transaction, (guest, there), plan, &stored)?;
    if running {
        log.push(relocate::line(now, &format!("shutdown {}", guest.title())));
        power::run(transaction, guest, false)?;
    }
    plan::open(transaction, guest, there, log)?;
    let volumes = local(transaction, guest, &stored, log)?;
    let replicated = replication::sync(transaction, guest, there, log)?;
    let mut moved = MovedVolumes::new();
    for volume in volumes.into_keys().filter(|volume| !replicated.contains(volume)) {
        plan::copy(transaction, (guest, there), &volume, plan, (&mut moved, log))?;
    }
    relocate::configuration(transaction, guest, there, &moved)?;
    log.push(relocate::line(now, "start final cleanup"));
    if running {
        log.push(relocate::line(now, "start container on target node"));
        let mut stored = StoredConfiguration::read(transaction, there)?;
        containers::settle(transaction, there, &mut stored)?;
        stored.write(transaction, there)?;
        power::run(transaction, there, true)?;
    }
    Ok(())
}

/// Checks before anything stops: mount points that the other node cannot have.
fn prepared(
    transaction: &Transaction,
    (guest, there): (&Guest, &Guest),
    plan: &Plan,
    stored: &StoredConfiguration,
) -> Result<(), Refusal> {
    for (key, value) in stored.keys.iter().filter(|(key, _)| drives::is_disk(key)) {
        let mount = Mount::parse(value.as_str().unwrap_or_default());
        if mount.kind() != MountKind::Volume {
            if mount.option("shared") == Some("1") {
                continue;
            }
            let kind = mount.kind().word();
            return Err(Refusal::failed(format!("cannot migrate local {kind} mount point '{key}'")));
        }
        let Some((storage, _)) = mount.volume.split_once(':') else {
            return Err(Refusal::failed(format!("can't determine assigned storage for mount point '{key}'")));
        };
        let source = Storage::enabled(transaction, storage, &guest.node)?;
        if !source.holds("rootdir") {
            let why = format!("content type 'rootdir' is not available on storage '{storage}'");
            return Err(Refusal::failed(why));
        }
        let target = if source.is_shared() { storage } else { plan.storages.of(storage) };
        if !Storage::enabled(transaction, target, &there.node)?.holds("rootdir") {
            let volume = &mount.volume;
            let why = format!("{volume}: content type 'rootdir' is not available on storage '{target}'");
            return Err(Refusal::failed(why));
        }
    }
    Ok(())
}

/// The volumes that only this node has, and their lines in the log.
fn local(
    transaction: &Transaction,
    guest: &Guest,
    stored: &StoredConfiguration,
    log: &mut TaskLog,
) -> Result<BTreeMap<VolumeId, &'static str>, Refusal> {
    let now = transaction.now();
    let (mut volumes, mut errors) = (BTreeMap::new(), BTreeMap::new());
    for (volume, in_snapshot) in named(transaction, guest, stored)? {
        let storage = Storage::of(transaction, &volume)?;
        if storage.is_shared() {
            if !in_snapshot {
                let text = format!("volume '{volume}' is on shared storage '{}'", volume.storage());
                log.push(relocate::line(now, &text));
            }
            continue;
        }
        let place = if in_snapshot { "referenced by snapshot(s)" } else { "in current VM config" };
        volumes.insert(volume.clone(), place);
        if let Some(why) = obstacle(guest, &volume, &storage, in_snapshot) {
            errors.entry(volume.as_str().to_owned()).or_insert(why);
        }
    }
    for (volume, place) in &volumes {
        log.push(relocate::line(now, &format!("found local volume '{volume}' ({place})")));
    }
    refuse_all(now, &errors, "volume", log)?;
    Ok(volumes)
}

/// The volumes that a container names, those of its snapshots first, and whether each is of a snapshot.
fn named(
    transaction: &Transaction,
    guest: &Guest,
    stored: &StoredConfiguration,
) -> Result<Vec<(VolumeId, bool)>, Refusal> {
    let mut named = Vec::new();
    let mut add = |key: &str, value: &Value, in_snapshot: bool| {
        let volume = value.as_str().filter(|_| drives::is_disk(key)).and_then(|text| Mount::parse(text).stored());
        named.extend(volume.map(|volume| (volume, in_snapshot)));
    };
    for row in transaction.rows(&guest.path(&["snapshot"]))? {
        let Some(name) = word(&row, "name").filter(|name| name != "current") else { continue };
        let keys = transaction.object(&guest.path(&["snapshot", &name, "config"]))?;
        keys.iter().for_each(|(key, value)| add(key, value, true));
    }
    stored.pending.iter().for_each(|(key, value)| add(key, value, false));
    stored.keys.iter().for_each(|(key, value)| add(key, value, false));
    Ok(named)
}

/// Reason why a volume cannot be copied.
fn obstacle(guest: &Guest, volume: &VolumeId, storage: &Storage, in_snapshot: bool) -> Option<String> {
    let kind = storage.kind();
    if !drives::is_own(guest, volume) {
        let owner = volume.owner().map(|owner| owner.to_string()).unwrap_or_default();
        return Some(format!("owned by other guest (owner = {owner})"));
    }
    if in_snapshot && kind != "zfspool" && kind != "btrfs" {
        return Some("non-migratable snapshot exists".to_owned());
    }
    if !COPIED.contains(&kind.as_str()) {
        return Some(format!("storage type '{kind}' not supported"));
    }
    plan::base_of(volume).map(|base| format!("clone of '{base}'"))
}
