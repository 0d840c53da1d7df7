//! Restore of guests from a backup (`PVE::API2::Qemu`, `PVE::API2::LXC`, with `archive` and `restore`).

use proxmox_mpc_model::drive::Drive;
use proxmox_mpc_model::volume::VolumeId;
use serde_json::{Map, Value, json};

use super::backups::BACKUP;
use super::drives;
use super::guest::{Guest, GuestKind};
use super::keys::{is_on, word};
use super::new_guest;
use super::stored_configuration::StoredConfiguration;
use super::volumes::{NewVolume, Storage};
use super::{clones, power, startable, volumes};
use crate::call::{Call, PROTECTED, Refusal};
use crate::state::tasks::TaskLog;
use crate::state::{Row, Transaction};

/// Keys of a backed up configuration that a restored guest does not have.
const LEFT: [&str; 5] = ["digest", "lock", "parent", "snaptime", "vmstate"];

/// Restores a guest from the backup that `volume` names. `given` are the keys of the call, which replace those of the
/// backup.
pub(super) fn restore(
    transaction: &mut Transaction,
    call: &Call,
    guest: &Guest,
    volume: &str,
    given: Row,
) -> Result<Value, Refusal> {
    if let Some(key) = given.keys().find(|key| drives::is_disk(key)) {
        if guest.kind == GuestKind::Container {
            return Err(Refusal::beyond_the_twin("restore a backup into other volumes"));
        }
        return Err(Refusal::parameter(key, "option conflicts with option 'archive'"));
    }
    let kept = kept(transaction, guest, volume)?;
    let there = guest.resource(transaction)?.is_some();
    let context = format!("unable to restore {} {} -", guest.kind.name(), guest.vmid);
    if !there || !call.flag("force") {
        new_guest::unused(transaction, guest).map_err(|refusal| match refusal {
            Refusal::Message { status, text } => {
                Refusal::Message { status, text: text.replacen("unable to create", "unable to restore", 1) }
            }
            other => other,
        })?;
    }
    let task = if guest.kind == GuestKind::VirtualMachine { "qmrestore" } else { "vzrestore" };
    let pool = call.text("pool");
    transaction.task(call, &guest.node.clone(), task, &guest.vmid, |transaction, log| {
        if there {
            clear(transaction, guest).map_err(|refusal| refusal.within(context.trim_end_matches(" -")))?;
        }
        make(transaction, call, guest, (kept, given), log)?;
        if let Some(pool) = &pool {
            new_guest::join(transaction, guest, pool)?;
        }
        if call.flag("start") && startable::check(transaction, guest).is_ok() {
            log.push("Execute autostart".to_owned());
            power::run(transaction, guest, true)?;
        }
        Ok(())
    })
}

/// The configuration in a backup; the twin knows those of the backups that it has made.
fn kept(transaction: &Transaction, guest: &Guest, volume: &str) -> Result<Map<String, Value>, Refusal> {
    let listed = VolumeId::parse(volume).map(|volume| volumes::row(transaction, &guest.node, &volume)).transpose()?;
    let known = transaction.recall(&format!("{BACKUP}{volume}")).filter(|_| listed.flatten().is_some());
    let known = known.filter(|known| known.get("type").is_some_and(|kind| kind == guest.kind.word()));
    let keys = known.and_then(|known| known.get("keys").and_then(Value::as_object).cloned());
    let keys = keys.ok_or_else(|| Refusal::beyond_the_twin("restore a backup that it has not made itself"))?;
    if is_on(&keys, "template") {
        return Err(Refusal::beyond_the_twin("restore a template"));
    }
    Ok(keys)
}

/// Removes the volumes of a guest that the backup replaces.
fn clear(transaction: &mut Transaction, guest: &Guest) -> Result<(), Refusal> {
    let stored = StoredConfiguration::read(transaction, guest)?;
    if is_on(&stored.keys, "protection") {
        return Err(Refusal::failed(format!("- {PROTECTED} enabled")));
    }
    if guest.is_running(transaction)? {
        return Err(Refusal::failed(format!("{} is running", guest.kind.name().to_lowercase())));
    }
    for (_, value) in stored.keys.iter().filter(|(key, _)| drives::is_disk(key)) {
        let drive = Drive::parse(value.as_str().unwrap_or_default());
        if let Some(volume) = drive.stored().filter(|volume| drives::is_own(guest, volume)) {
            volumes::free(transaction, &guest.node, volume)?;
        }
    }
    Ok(())
}

/// Writes the guest: a new volume for each of its own, and the keys that the call gives.
fn make(
    transaction: &mut Transaction,
    call: &Call,
    guest: &Guest,
    (kept, given): (Row, Row),
    log: &mut TaskLog,
) -> Result<(), Refusal> {
    let mut stored = StoredConfiguration { keys: kept, ..StoredConfiguration::default() };
    stored.keys.retain(|key, _| !LEFT.contains(&key.as_str()) && !key.starts_with("unused"));
    for (key, value) in stored.keys.clone() {
        let Some(text) = value.as_str() else { continue };
        if drives::is_disk(&key) {
            let made = volume(transaction, call, guest, (&key, text), log)?;
            stored.keys.insert(key, json!(made));
        } else if call.flag("unique") && guest.kind == GuestKind::VirtualMachine && key.starts_with("net") {
            stored.keys.insert(key, json!(clones::fresh_network(transaction, text)?));
        }
    }
    if word(&stored.keys, "vmgenid").is_some_and(|id| id != "0") {
        stored.keys.insert("vmgenid".to_owned(), json!(transaction.made_up_uuid()));
    }
    stored.keys.extend(given);
    stored.write(transaction, guest)?;
    new_guest::open(transaction, guest)
}

/// The volume that replaces one of the backup: on the storage that the call names, or on its own.
fn volume(
    transaction: &mut Transaction,
    call: &Call,
    guest: &Guest,
    (key, text): (&str, &str),
    log: &mut TaskLog,
) -> Result<String, Refusal> {
    let drive = Drive::parse(text);
    let Some(old) = drive.stored().filter(|_| !drive.is_cdrom() || drive.is_cloudinit()) else {
        return Ok(text.to_owned());
    };
    let name = call.text("storage").unwrap_or_else(|| old.storage().to_owned());
    let storage = Storage::enabled(transaction, &name, &guest.node)?;
    let mut rest = drives::options(text);
    let bytes = drive.size().map_or(0, |size| size.count());
    let content = if guest.kind == GuestKind::VirtualMachine { "images" } else { "rootdir" };
    let own = format!("vm-{}-cloudinit", guest.vmid);
    let named = drive.is_cloudinit().then_some(own.as_str());
    let format = storage.format(drive.format());
    let (node, vmid) = (guest.node.as_str(), guest.vmid.as_str());
    let made =
        storage.allocate(transaction, &NewVolume { node, vmid, name: named, format: &format, content, bytes }, log)?;
    log.push(format!("new volume ID is '{made}'"));
    rest.retain(|(name, _)| name != "format" && !(key == "rootfs" && name == "volume"));
    Ok(drives::drive_text(&made, &rest))
}
