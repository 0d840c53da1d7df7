//! Moves of a virtual machine's disks to another storage.

use proxmox_mpc_model::drive::Drive;
use serde_json::{Value, json};

use super::drives;
use super::guest::{Guest, unlocked};
use super::keys::word;
use super::stored_configuration::{StoredConfiguration, same_version};
use super::volumes::{NewVolume, Storage};
use super::{snapshots, volumes};
use crate::call::{Call, Refusal};
use crate::state::Transaction;

/// `POST move_disk`: a task that copies the disk and frees the old volume, or keeps it as unused.
pub(super) fn move_disk(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (guest, key) = (Guest::of(call), call.required("disk")?);
    if call.parameters.contains_key("target-vmid") {
        return Err(Refusal::beyond_the_twin("give a disk to another guest"));
    }
    let name = call.required("storage")?;
    let mut stored = StoredConfiguration::read(transaction, &guest)?;
    same_version(call, &stored)?;
    unlocked(&guest, &stored.keys)?;
    let value = word(&stored.keys, &key).ok_or_else(|| Refusal::failed(format!("disk '{key}' does not exist")))?;
    let drive = Drive::parse(&value);
    let Some(old) = drive.stored().cloned() else {
        return Err(Refusal::failed(format!("disk '{key}' has no associated volume")));
    };
    if drive.is_cdrom() {
        return Err(Refusal::failed("you can't move a cdrom"));
    }
    let storage = Storage::holding(transaction, &name, "images")?;
    let format = storage.format(call.text("format").as_deref().or(drive.format()));
    if old.storage() == name && (call.text("format").is_none() || drive.format() == Some(format.as_str())) {
        return Err(Refusal::failed("you can't move to the same storage with same format"));
    }
    storage.usable(&guest.node)?;
    let kept = snapshots::hold(transaction, &guest, &old)?;
    if kept && call.flag("delete") {
        return Err(Refusal::failed("you can't move a disk with snapshots and delete the source"));
    }
    let node = guest.node.clone();
    transaction.task(call, &node, "qmmove", &guest.vmid, |transaction, log| {
        let moved = format!("move disk VM {}: move --disk {key} --storage {name}", guest.vmid);
        transaction.note(call, &guest.node, &moved);
        log.push(format!("create full clone of drive {key} ({old})"));
        let bytes = drive.size().map_or(0, |size| size.count());
        let (node, vmid) = (guest.node.as_str(), guest.vmid.as_str());
        let new = NewVolume { node, vmid, name: None, format: &format, content: "images", bytes };
        let volume =
            storage.allocate(transaction, &new, log).map_err(|refusal| refusal.within("storage migration failed"))?;
        log.push(format!("allocated target volume '{volume}'"));
        log.extend(drives::transferred(bytes));
        let mut rest = drives::options(&value);
        rest.retain(|(key, _)| key != "format");
        stored.keys.insert(key.clone(), json!(drives::drive_text(&volume, &rest)));
        if call.flag("delete") {
            volumes::free(transaction, &guest.node, &old)?;
        } else {
            let free = (0..256).map(|number| format!("unused{number}")).find(|key| !stored.keys.contains_key(key));
            stored.keys.insert(free.unwrap_or_default(), json!(old.as_str()));
        }
        stored.write(transaction, &guest)
    })
}
