//! Volumes of containers: larger sizes, and moves to another storage or another container.

use proxmox_mpc_model::volume::VolumeId;
use serde_json::{Value, json};

use super::configuration::{in_snapshot, keep_unused, same_version};
use super::handover;
use super::mounts::{Mount, mount_at};
use super::new_volume::allocate;
use crate::call::{Call, Refusal};
use crate::state::Transaction;
use crate::writes::guests::drives;
use crate::writes::guests::guest::{Guest, unlocked};
use crate::writes::guests::stored_configuration::StoredConfiguration;
use crate::writes::guests::volumes;
use crate::writes::guests::volumes::Storage;

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
    // Proxmox refuses all of this before its task begins, other than for a virtual machine, whose task fails (flow 150):
    // a container's resize answers a UPID only once the new size is known to be larger (flow 228).
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
        (None, Some(vmid)) => handover::to_container(transaction, call, vmid),
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
    // The order is that of `pve-container`: the state of the container, then the key, and the version of the
    // configuration last, since only the task writes it. No recording has these refusals.
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
