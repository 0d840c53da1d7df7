//! Volumes of containers: larger sizes, and moves to another storage or another container.

use proxmox_mpc_model::features::{self, Feature};
use proxmox_mpc_model::volume::VolumeId;
use serde_json::{Value, json};

use super::configuration::{in_snapshot, keep_unused, same_version};
use super::mounts::{Mount, MountKind};
use super::new_volume::allocate;
use crate::call::{Call, Refusal};
use crate::state::Transaction;
use crate::writes::guests::drives;
use crate::writes::guests::guest::{Guest, resources, unlocked};
use crate::writes::guests::keys::{is_on, word};
use crate::writes::guests::stored_configuration::StoredConfiguration;
use crate::writes::guests::volumes::Storage;
use crate::writes::guests::{replication, volumes};

/// `PUT resize`: a task, with the checks before it.
pub(super) fn resize(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let guest = Guest::of(call);
    let (key, size) = (call.required("disk")?, call.required("size")?);
    let mut stored = StoredConfiguration::read(transaction, &guest)?;
    unlocked(&guest, &stored.keys)?;
    same_version(call, "digest", &stored)?;
    let mut mount = mount_at(&stored, &key)?;
    let Some(volume) = mount.stored() else {
        return Err(Refusal::failed(format!("unable to parse volume ID '{}'", mount.volume)));
    };
    if !drives::is_own(&guest, &volume) {
        let owner = volume.owner().map(|owner| owner.to_string()).unwrap_or_default();
        return Err(Refusal::failed(format!("can't resize mount point owned by another container ({owner})")));
    }
    let before = length(transaction, &guest, &mount, &volume)?;
    let asked = drives::bytes(size.trim_start_matches('+'), 1).unwrap_or_default();
    let after = if size.starts_with('+') { before + asked } else { asked };
    if after < before {
        return Err(Refusal::failed("unable to shrink disk size"));
    }
    if after == before {
        return Err(Refusal::failed("disk is already at specified size"));
    }
    let node = guest.node.clone();
    transaction.task(call, &node, "resize", &guest.vmid, |transaction, log| {
        let resized = format!("update CT {}: resize --disk {key} --size {size}", guest.vmid);
        transaction.note(call, &guest.node, &resized);
        volumes::stretch(transaction, &guest.node, &volume, after)?;
        mount.resize(after);
        stored.keys.insert(key.clone(), json!(mount.text(&key)));
        if Storage::of(transaction, &volume)?.has_files() {
            log.push("Image resized.".to_owned());
        }
        stored.write(transaction, &guest)
    })
}

/// The mount point of a key, which must exist; an empty one has no volume, in Proxmox's words.
fn mount_at(stored: &StoredConfiguration, key: &str) -> Result<Mount, Refusal> {
    let missing = || Refusal::failed("format error\nvolume: property is missing and it is not optional");
    Ok(Mount::parse(&word(&stored.keys, key).ok_or_else(missing)?))
}

/// Size of a volume, in bytes: from the list of its storage, or from the mount point.
fn length(transaction: &Transaction, guest: &Guest, mount: &Mount, volume: &VolumeId) -> Result<u64, Refusal> {
    let row = volumes::row(transaction, &guest.node, volume)?;
    let listed = row.and_then(|row| row.get("size").and_then(Value::as_u64));
    Ok(listed.or_else(|| mount.size()).unwrap_or_default())
}

/// `POST move_volume`.
pub(super) fn move_volume(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    match (call.text("storage"), call.text("target-vmid")) {
        (Some(_), Some(_)) => Err(Refusal::failed("either set storage or target-vmid, but not both")),
        (Some(storage), None) => to_storage(transaction, call, &storage),
        (None, Some(vmid)) => to_container(transaction, call, vmid),
        (None, None) => {
            let why = "both 'storage' and 'target-vmid' missing, either needs to be set".to_owned();
            let errors = [("target-vmid".to_owned(), why.clone()), ("storage".to_owned(), why)];
            Err(Refusal::Parameters(errors.into()))
        }
    }
}

/// A task that copies a volume to another storage.
fn to_storage(transaction: &mut Transaction, call: &Call, storage: &str) -> Result<Value, Refusal> {
    let (guest, key) = (Guest::of(call), call.required("volume")?);
    let mut stored = StoredConfiguration::read(transaction, &guest)?;
    unlocked(&guest, &stored.keys)?;
    if guest.is_running(transaction)? {
        return Err(Refusal::failed("cannot move volumes of a running container"));
    }
    if key.starts_with("unused") {
        let why = format!("cannot move volume '{key}', only configured volumes can be moved to another storage");
        return Err(Refusal::failed(why));
    }
    let mut mount = mount_at(&stored, &key)?;
    let old = mount.stored();
    if let Some(old) = old.as_ref().filter(|_| call.flag("delete"))
        && in_snapshot(transaction, &guest, old)?
    {
        return Err(Refusal::failed("you can't move a volume with snapshots and delete the source"));
    }
    same_version(call, "digest", &stored)?;
    let node = guest.node.clone();
    transaction.task(call, &node, "move_volume", &guest.vmid, |transaction, log| {
        let moved = format!("move volume CT {}: move --volume {key} --storage {storage}", guest.vmid);
        transaction.note(call, &guest.node, &moved);
        let Some(old) = old else {
            return Err(Refusal::failed(format!("cannot copy volumes of type {}", mount.kind().word())));
        };
        let bytes = length(transaction, &guest, &mount, &old)?;
        mount.volume = allocate(transaction, &guest, (storage, bytes), log)?;
        mount.resize(bytes);
        stored.keys.insert(key.clone(), json!(mount.text(&key)));
        if call.flag("delete") {
            volumes::free(transaction, &guest.node, &old)?;
        } else {
            keep_unused(&mut stored.keys, &old);
        }
        stored.write(transaction, &guest)
    })
}

/// A task that gives a volume to another container of the node.
fn to_container(transaction: &mut Transaction, call: &Call, vmid: String) -> Result<Value, Refusal> {
    let (guest, key) = (Guest::of(call), call.required("volume")?);
    let place = call.text("target-volume").unwrap_or_else(|| key.clone());
    let target = Guest { vmid, ..guest.clone() };
    let (mut from, mut to, volume) = reassignable(transaction, call, (&guest, &key), (&target, &place))?;
    let node = guest.node.clone();
    let id = format!("{}-{key}>{}-{place}", guest.vmid, target.vmid);
    transaction.task(call, &node, "move_volume", &id, |transaction, log| {
        log.push(format!("moving volume '{key}' from container '{}' to '{}'", guest.vmid, target.vmid));
        let mut mount = mount_at(&from, &key)?;
        let storage = Storage::of(transaction, &volume)?;
        mount.volume = storage.reassign(transaction, &guest.node, &volume, &target.vmid)?;
        from.keys.remove(&key);
        log.push(format!("removing volume '{key}' from container '{}' config", guest.vmid));
        from.write(transaction, &guest)?;
        if place.starts_with("unused") {
            to.keys.insert(place.clone(), json!(mount.volume));
        } else {
            to.keys.insert(place.clone(), json!(mount.text(&place)));
        }
        to.write(transaction, &target)?;
        log.push(format!("target container '{}' updated with '{place}'", target.vmid));
        Ok(())
    })
}

/// Both configurations and the volume, where it may be given to the other container.
fn reassignable(
    transaction: &Transaction,
    call: &Call,
    (guest, key): (&Guest, &str),
    (target, place): (&Guest, &str),
) -> Result<(StoredConfiguration, StoredConfiguration, VolumeId), Refusal> {
    let failed = |text: String| Err(Refusal::failed(text));
    if key == "rootfs" || place == "rootfs" {
        return failed("Cannot move to/from 'rootfs'".to_owned());
    }
    if key.starts_with("unused") && !place.starts_with("unused") {
        return failed("Moving an unused volume to a used one is not possible".to_owned());
    }
    let row = |vmid: &str| transaction.row(&resources(), "id", &format!("lxc/{vmid}"));
    let (own, other) = (row(&guest.vmid)?, row(&target.vmid)?);
    let node = |row: &Option<crate::state::Row>| row.as_ref().and_then(|row| word(row, "node"));
    let (Some(own), Some(other)) = (node(&own), node(&other)) else {
        return failed(format!("could not find CT {}", if own.is_none() { &guest.vmid } else { &target.vmid }));
    };
    if own != other {
        return failed(format!("Both containers need to be on the same node ({own} != {other})"));
    }
    let (from, to) = (StoredConfiguration::read(transaction, guest)?, StoredConfiguration::read(transaction, target)?);
    unlocked(guest, &from.keys)?;
    unlocked(target, &to.keys)?;
    if is_on(&from.keys, "template") || is_on(&to.keys, "template") {
        return failed("Can't move volumes from or to template CT".to_owned());
    }
    same_version(call, "digest", &from).map_err(|why| why.within(&format!("Container {}", guest.vmid)))?;
    same_version(call, "target-digest", &to).map_err(|why| why.within(&format!("Container {}", target.vmid)))?;
    let Some(value) = word(&from.keys, key) else {
        return failed(format!("volume '{key}' for container '{}' does not exist", guest.vmid));
    };
    if to.keys.contains_key(place) {
        let vmid = &target.vmid;
        return failed(format!("Target volume key '{place}' is already in use for container '{vmid}'"));
    }
    let mount = Mount::parse(&value);
    let volume = mount.stored().filter(|_| mount.kind() == MountKind::Volume);
    let Some(volume) = volume else {
        return failed("Storage does not support moving of this disk to another container".to_owned());
    };
    if in_snapshot(transaction, guest, &volume)? {
        return failed("Cannot move volume used by a snapshot to another container".to_owned());
    }
    let storage = Storage::of(transaction, &volume)?;
    if !features::has(&storage.kind(), Feature::Rename, &volume) {
        return failed("Storage does not support moving of this disk to another container".to_owned());
    }
    if guest.is_running(transaction)? && !key.starts_with("unused") {
        let why = "Cannot move in-use volume while the source CT is running - detach or shutdown first";
        return failed(why.to_owned());
    }
    if replication::is_replicated(transaction, &target.vmid)?
        && !features::has(&storage.kind(), Feature::Replicate, &volume)
    {
        return failed(format!(
            "Cannot move volume on storage '{}' to a replicated container - missing replication support",
            volume.storage()
        ));
    }
    Ok((from, to, volume))
}
