//! Snapshots of guests: copies of the configuration, and rollbacks to them.

use proxmox_mpc_model::drive::Drive;
use proxmox_mpc_model::volume::VolumeId;
use serde_json::{Value, json};

use super::drives;
use super::guest::{Guest, GuestKind, unlocked};
use super::keys::{is_numbered, is_on, word};
use super::stored_configuration::StoredConfiguration;
use super::volumes::Storage;
use super::{power, volumes};
use crate::call::{Call, Refusal};
use crate::state::{Row, Transaction};

/// `POST snapshot`: a task.
pub(super) fn create(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (guest, name) = (Guest::of(call), call.required("snapname")?);
    // A reserved name is refused at once (flow 133), a name that is used by the task (flow 128).
    if name == "current" || name == "pending" {
        return Err(Refusal::failed(format!("unable to use snapshot name '{name}' (reserved name)")));
    }
    if call.flag("vmstate") {
        return Err(Refusal::beyond_the_twin("save the memory of a machine"));
    }
    let node = guest.node.clone();
    transaction.task(call, &node, &guest.task("snapshot"), &guest.vmid, |transaction, log| {
        let what = if guest.kind == GuestKind::Container { "container" } else { "VM" };
        transaction.note(call, &guest.node, &format!("snapshot {what} {}: {name}", guest.vmid));
        let stored = StoredConfiguration::read(transaction, &guest)?;
        if is_on(&stored.keys, "template") {
            return Err(Refusal::failed("you can't take a snapshot if it's a template"));
        }
        unlocked(&guest, &stored.keys)?;
        let mut rows = list(transaction, &guest)?;
        if rows.iter().any(|row| word(row, "name").as_ref() == Some(&name)) {
            return Err(Refusal::failed(format!("snapshot name '{name}' already used")));
        }
        for (key, value) in stored.keys.iter().filter(|(key, _)| drives::is_disk(key) && !key.starts_with("unused")) {
            let drive = Drive::parse(value.as_str().unwrap_or_default());
            if let Some(volume) = drive.stored().filter(|_| !drive.is_cdrom()) {
                // `PVE::AbstractConfig`'s words for a volume whose storage or format knows no snapshots.
                if !Storage::of(transaction, volume)?.snapshots(volume) {
                    return Err(Refusal::failed("snapshot feature is not available"));
                }
                log.push(format!("snapshotting 'drive-{key}' ({volume})"));
            }
        }
        let description = call.text("description").unwrap_or_default();
        let mut kept = stored.keys.clone();
        kept.retain(|key, _| !matches!(key.as_str(), "description" | "lock") && !is_numbered(key, "unused"));
        kept.insert("snaptime".to_owned(), json!(transaction.now()));
        if !description.is_empty() {
            kept.insert("description".to_owned(), json!(description));
        }
        let mut row = Row::new();
        let parent = take_current(&mut rows);
        if let Some(parent) = parent {
            kept.insert("parent".to_owned(), json!(parent));
            row.insert("parent".to_owned(), json!(parent));
        }
        row.insert("name".to_owned(), json!(name));
        row.insert("description".to_owned(), json!(description));
        row.insert("snaptime".to_owned(), json!(transaction.now()));
        row.insert("vmstate".to_owned(), json!(0));
        rows.push(row);
        transaction.set(&guest.path(&["snapshot", &name, "config"]), kept);
        write(transaction, &guest, rows, Some(&name))
    })
}

/// The snapshots, with the row `current`.
fn list(transaction: &Transaction, guest: &Guest) -> Result<Vec<Row>, Refusal> {
    transaction.rows(&guest.path(&["snapshot"]))
}

/// The configuration that a snapshot keeps.
pub(super) fn kept(transaction: &Transaction, guest: &Guest, name: &str) -> Result<Row, Refusal> {
    if !list(transaction, guest)?.iter().any(|row| word(row, "name").as_deref() == Some(name)) {
        return Err(missing(name));
    }
    transaction.object(&guest.path(&["snapshot", name, "config"]))
}

/// Reports whether a snapshot of a guest stands on a volume.
pub(super) fn hold(transaction: &Transaction, guest: &Guest, volume: &VolumeId) -> Result<bool, Refusal> {
    for name in list(transaction, guest)?.iter().filter_map(|row| word(row, "name")) {
        let kept = transaction.object(&guest.path(&["snapshot", &name, "config"]))?;
        if disks_of(&kept).any(|(_, drive)| drive.stored() == Some(volume)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The disks of a configuration that are in use, without CDs.
fn disks_of(keys: &Row) -> impl Iterator<Item = (&String, Drive)> {
    let used = keys.iter().filter(|(key, _)| drives::is_disk(key) && !key.starts_with("unused"));
    let drives = used.filter_map(|(key, value)| Some((key, Drive::parse(value.as_str()?))));
    drives.filter(|(_, drive)| !drive.is_cdrom() || drive.is_cloudinit())
}

/// Takes out the row `current`; returns the snapshot that it follows.
fn take_current(rows: &mut Vec<Row>) -> Option<String> {
    let at = rows.iter().position(|row| word(row, "name").as_deref() == Some("current"))?;
    word(&rows.remove(at), "parent")
}

/// Writes the list, with a row `current` that follows `parent`.
pub(super) fn write(
    transaction: &mut Transaction,
    guest: &Guest,
    mut rows: Vec<Row>,
    parent: Option<&str>,
) -> Result<(), Refusal> {
    let digest = StoredConfiguration::read(transaction, guest)?.digest;
    let running = u8::from(guest.is_running(transaction)?);
    let current = json!({ "name": "current", "description": "You are here!", "running": running, "digest": digest });
    let mut current = current.as_object().cloned().unwrap_or_default();
    current.extend(parent.map(|parent| ("parent".to_owned(), json!(parent))));
    rows.push(current);
    transaction.set_rows(&guest.path(&["snapshot"]), rows);
    Ok(())
}

fn missing(name: &str) -> Refusal {
    Refusal::failed(format!("snapshot '{name}' does not exist"))
}

/// `PUT snapshot/{name}/config`: another description.
pub(super) fn describe(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (guest, name) = (Guest::of(call), call.required("snapname")?);
    let stored = StoredConfiguration::read(transaction, &guest)?;
    unlocked(&guest, &stored.keys)?;
    let mut rows = list(transaction, &guest)?;
    let row = rows.iter_mut().find(|row| word(row, "name").as_ref() == Some(&name)).ok_or_else(|| missing(&name))?;
    let Some(description) = call.text("description") else { return Ok(Value::Null) };
    row.insert("description".to_owned(), json!(description));
    let path = guest.path(&["snapshot", &name, "config"]);
    let mut kept = transaction.object(&path)?;
    kept.insert("description".to_owned(), json!(description));
    transaction.set(&path, kept);
    transaction.set_rows(&guest.path(&["snapshot"]), rows);
    Ok(Value::Null)
}

/// `POST snapshot/{name}/rollback`: a task.
pub(super) fn roll_back(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (guest, name) = (Guest::of(call), call.required("snapname")?);
    let node = guest.node.clone();
    transaction.task(call, &node, &guest.task("rollback"), &guest.vmid, |transaction, _| {
        let what = if guest.kind == GuestKind::Container { "LXC" } else { "VM" };
        transaction.note(call, &guest.node, &format!("rollback snapshot {what} {}: {name}", guest.vmid));
        let mut stored = StoredConfiguration::read(transaction, &guest)?;
        if is_on(&stored.keys, "template") {
            return Err(Refusal::failed("you can't rollback if vm is a template"));
        }
        let mut rows = list(transaction, &guest)?;
        if !rows.iter().any(|row| word(row, "name").as_ref() == Some(&name)) {
            return Err(missing(&name));
        }
        unlocked(&guest, &stored.keys)?;
        let mut kept = transaction.object(&guest.path(&["snapshot", &name, "config"]))?;
        for key in ["snaptime", "parent", "description", "vmstate", "digest", "runningcpu", "runningmachine"] {
            kept.remove(key);
        }
        let stay = stored.keys.iter().filter(|(key, _)| *key == "description" || is_numbered(key, "unused"));
        kept.extend(stay.map(|(key, value)| (key.clone(), value.clone())));
        leave(&stored.keys, &mut kept);
        if kept.contains_key("vmgenid") {
            kept.insert("vmgenid".to_owned(), json!(transaction.made_up_uuid()));
        }
        stored = StoredConfiguration { keys: kept, ..StoredConfiguration::default() };
        power::run(transaction, &guest, false)?;
        stored.write(transaction, &guest)?;
        for (_, drive) in disks_of(&stored.keys) {
            if let (Some(volume), Some(size)) = (drive.stored(), drive.size()) {
                volumes::stretch(transaction, &guest.node, volume, size.count())?;
            }
        }
        take_current(&mut rows);
        write(transaction, &guest, rows, Some(&name))?;
        if call.flag("start") { power::begin(transaction, &guest) } else { Ok(()) }
    })
}

/// Keeps disks that were added after a snapshot as unused ones.
fn leave(now: &Row, kept: &mut Row) {
    let then: Vec<String> = disks_of(kept).map(|(_, drive)| drive.volume.to_string()).collect();
    for (_, drive) in disks_of(now).filter(|(_, drive)| !then.contains(&drive.volume.to_string())) {
        let Some(volume) = drive.stored().filter(|volume| !volume.is_cloudinit()) else { continue };
        let free = (0..256).map(|number| format!("unused{number}")).find(|key| !kept.contains_key(key));
        kept.insert(free.unwrap_or_default(), json!(volume.as_str()));
    }
}

/// `DELETE snapshot/{name}`: a task.
pub(super) fn delete(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (guest, name) = (Guest::of(call), call.required("snapname")?);
    let node = guest.node.clone();
    transaction.task(call, &node, &guest.task("delsnapshot"), &guest.vmid, |transaction, _| {
        transaction.note(call, &guest.node, &format!("delete snapshot VM {}: {name}", guest.vmid));
        let stored = StoredConfiguration::read(transaction, &guest)?;
        unlocked(&guest, &stored.keys)?;
        let mut rows = list(transaction, &guest)?;
        let at = rows.iter().position(|row| word(row, "name").as_ref() == Some(&name)).ok_or_else(|| missing(&name))?;
        let gone = rows.remove(at);
        let before = word(&gone, "parent");
        for row in rows.iter_mut().filter(|row| word(row, "parent").as_ref() == Some(&name)) {
            match &before {
                Some(parent) => drop(row.insert("parent".to_owned(), json!(parent))),
                None => drop(row.remove("parent")),
            }
        }
        let parent = take_current(&mut rows);
        transaction.hide(&guest.path(&["snapshot", &name, "config"]));
        write(transaction, &guest, rows, parent.as_deref())
    })
}
