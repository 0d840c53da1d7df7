//! Clones of virtual machines, and the templates that they are made of.

use proxmox_mpc_model::drive::Drive;
use proxmox_mpc_model::features;
use serde_json::{Value, json};

use super::drives;
use super::guest::{Guest, resources, unlocked};
use super::keys::{is_numbered, is_on, word};
use super::network_devices;
use super::new_guest;
use super::stored_configuration::StoredConfiguration;
use super::volumes::{NewVolume, Storage};
use super::{checks, cloud_init, relocate, snapshots, volumes};
use crate::call::{Call, EXISTS, Refusal};
use crate::state::tasks::TaskLog;
use crate::state::{Row, Transaction};

/// Keys that a clone does not have from its origin.
const OWN: [&str; 9] =
    ["template", "lock", "parent", "snaptime", "snapstate", "vmstate", "runningcpu", "runningmachine", "digest"];
const CLOUD_INIT_BYTES: u64 = 4 << 20;

/// `POST clone`: a task on the virtual machine that is cloned.
pub(super) fn clone(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let guest = Guest::of(call);
    let target = call.text("target").filter(|target| target != "localhost");
    let node = target.unwrap_or_else(|| guest.node.clone());
    let new = Guest { vmid: call.required("newid")?, node, ..guest.clone() };
    let (keys, full) = checked(transaction, call, &guest, &new)?;
    let node = guest.node.clone();
    transaction.task(call, &node, "qmclone", &guest.vmid, |transaction, log| {
        log.push(format!("creating a clone of VM {} with ID {}", guest.vmid, new.vmid));
        let mut made = StoredConfiguration { keys, ..StoredConfiguration::default() };
        made.keys.retain(|key, _| !OWN.contains(&key.as_str()) && !key.starts_with("unused"));
        for (key, value) in made.keys.clone() {
            let Some(text) = value.as_str() else { continue };
            if drives::is_disk(&key) {
                let copied = copy(transaction, call, &new, (&key, text), full, log)?;
                made.keys.insert(key, json!(copied));
            } else if is_numbered(&key, "net") {
                made.keys.insert(key, json!(fresh_network(transaction, text)?));
            }
        }
        identify(transaction, call, &guest, &mut made);
        cloud_init::copy(transaction, &guest, &new);
        made.write(transaction, &new)?;
        new_guest::open(transaction, &new)?;
        relocate::copy_firewall(transaction, &guest, &new)?;
        match call.text("pool") {
            Some(pool) => new_guest::join(transaction, &new, &pool),
            None => Ok(()),
        }
    })
}

/// Refuses a clone that cannot be made; returns the keys of its origin, and whether its disks are copied in full.
fn checked(transaction: &Transaction, call: &Call, guest: &Guest, new: &Guest) -> Result<(Row, bool), Refusal> {
    // The order of `clone_vm`: the pool and the storage that the call names, the lock of the origin, then what can be
    // cloned. A target whose disks are local (flow 179) is refused before a number that is taken (flow 178), and the number
    // before a linked clone that cannot be made (flow 172).
    checks::pool(transaction, call.text("pool").as_deref())?;
    let target = call.text("target").filter(|target| *target != guest.node && target != "localhost");
    if let Some(name) = call.text("storage") {
        let storage = Storage::enabled(transaction, &name, &guest.node)?;
        Storage::holding(transaction, &name, "images")?;
        if target.is_some() && !storage.is_shared() {
            return Err(Refusal::failed(format!("can't clone to non-shared storage '{name}'")));
        }
    }
    let stored = StoredConfiguration::read(transaction, guest)?;
    unlocked(guest, &stored.keys)?;
    let template = is_on(&stored.keys, "template");
    let full = call.text("full").map_or(!template, |full| full == "1");
    let keys = match call.text("snapname") {
        Some(name) => snapshots::kept(transaction, guest, &name)?,
        None => stored.keys,
    };
    if let Some(name) = ["storage", "format"].into_iter().find(|name| !full && call.text(name).is_some()) {
        return Err(Refusal::failed(format!("parameter '{name}' not allowed for linked clones")));
    }
    if let Some(target) = target {
        relocate::known_node(transaction, &target)?;
        if is_local(transaction, &keys, call.text("storage").is_some())? {
            return Err(Refusal::failed(format!("can't clone VM to node '{target}' (VM uses local storage)")));
        }
    }
    let taken = |kind: &str| transaction.row(&resources(), "id", &format!("{kind}/{}", new.vmid));
    if taken("qemu")?.is_some() || taken("lxc")?.is_some() {
        return Err(Refusal::failed(format!("unable to create VM {}: config file {EXISTS}", new.vmid)));
    }
    possible(transaction, &keys, full, call.text("snapname").is_some())?;
    Ok((keys, full))
}

/// Gives a clone its name and its own ids.
fn identify(transaction: &Transaction, call: &Call, origin: &Guest, made: &mut StoredConfiguration) {
    let name = call
        .text("name")
        .unwrap_or_else(|| format!("Copy-of-VM-{}", word(&made.keys, "name").unwrap_or_else(|| origin.vmid.clone())));
    made.keys.insert("name".to_owned(), json!(name));
    if let Some(description) = call.text("description") {
        made.keys.insert("description".to_owned(), json!(description.trim_end()));
    }
    let uuid = format!("uuid={}", transaction.made_up_uuid());
    let rest = word(&made.keys, "smbios1").map(|text| drives::options(&text)).unwrap_or_default();
    let rest: Vec<_> = rest.into_iter().filter(|(key, _)| key != "uuid").collect();
    made.keys.insert("smbios1".to_owned(), json!(drives::drive_text(&uuid, &rest)));
    if made.keys.contains_key("vmgenid") {
        made.keys.insert("vmgenid".to_owned(), json!(transaction.made_up_uuid()));
    }
}

/// A network device with an address of its own.
pub(super) fn fresh_network(transaction: &Transaction, text: &str) -> Result<String, Refusal> {
    let (first, rest) = text.split_once(',').unwrap_or((text, ""));
    let model = first.split('=').next().unwrap_or_default();
    network_devices::network(transaction, &format!("{model},{rest}"), "")
}

/// Refuses a clone with a disk that its storage cannot clone so: a linked clone of a disk that is not a base, or a copy
/// of a snapshot where the storage cannot read snapshots.
fn possible(transaction: &Transaction, keys: &Row, full: bool, snapshot: bool) -> Result<(), Refusal> {
    for (key, value) in keys.iter().filter(|(key, _)| drives::is_disk(key) && !key.starts_with("unused")) {
        let drive = Drive::parse(value.as_str().unwrap_or_default());
        let Some(volume) = drive.stored().filter(|_| !drive.is_cdrom() || drive.is_cloudinit()) else { continue };
        let whole = full || drive.is_cloudinit() || key.starts_with("tpmstate");
        let kind = Storage::of(transaction, volume)?.kind();
        let of_snapshot = matches!(kind.as_str(), "lvmthin" | "rbd") || volume.format() == Some("qcow2");
        let (what, can) = match (whole, snapshot) {
            (true, false) => ("Full", true),
            (true, true) => ("Full", of_snapshot || drive.is_cloudinit()),
            (false, false) => ("Linked", features::is_base(volume)),
            (false, true) if matches!(kind.as_str(), "lvmthin" | "rbd") => {
                return Err(Refusal::beyond_the_twin("make a linked clone of a snapshot"));
            }
            (false, true) => ("Linked", false),
        };
        if !can {
            let of = if snapshot { " a snapshot of" } else { "" };
            let text = format!("{what} clone feature is not supported for{of} '{volume}' ({key})");
            return Err(Refusal::failed(text));
        }
    }
    Ok(())
}

/// Reports whether a disk is on a storage that only its node has. Disks that are copied to another storage count as
/// little as that.
fn is_local(transaction: &Transaction, keys: &Row, elsewhere: bool) -> Result<bool, Refusal> {
    for (_, value) in keys.iter().filter(|(key, _)| drives::is_disk(key) && !key.starts_with("unused")) {
        let drive = Drive::parse(value.as_str().unwrap_or_default());
        let Some(volume) = drive.stored().filter(|_| !elsewhere || drive.is_cdrom()) else { continue };
        if !Storage::of(transaction, volume)?.is_shared() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The copy of a disk for a clone.
fn copy(
    transaction: &mut Transaction,
    call: &Call,
    new: &Guest,
    (key, text): (&str, &str),
    full: bool,
    log: &mut TaskLog,
) -> Result<String, Refusal> {
    let drive = Drive::parse(text);
    let Some(volume) = drive.stored().filter(|_| !drive.is_cdrom() || drive.is_cloudinit()) else {
        return Ok(text.to_owned());
    };
    let cloud_init = drive.is_cloudinit();
    let linked = !full && !cloud_init && !key.starts_with("tpmstate");
    let storage = match call.text("storage").filter(|_| !linked) {
        Some(name) => Storage::holding(transaction, &name, "images")?,
        None => Storage::of(transaction, volume)?,
    };
    let kind = if linked { "linked" } else { "full" };
    log.push(format!("create {kind} clone of drive {key} ({volume})"));
    let asked = call.text("format").filter(|_| full && !cloud_init);
    let format = if linked { "qcow2" } else { asked.as_deref().or(drive.format()).unwrap_or("raw") };
    let format = storage.format(Some(format));
    let name = cloud_init.then(|| format!("vm-{}-cloudinit", new.vmid));
    let bytes = if cloud_init { CLOUD_INIT_BYTES } else { drive.size().map_or(0, |size| size.count()) };
    let made = NewVolume {
        node: &new.node,
        vmid: &new.vmid,
        name: name.as_deref(),
        format: &format,
        content: "images",
        bytes,
    };
    let volume = if linked {
        storage.link(transaction, volume, &made, log)?
    } else {
        let made = storage.allocate(transaction, &made, log)?;
        log.push(format!("allocated target volume '{made}'"));
        if !cloud_init {
            log.extend(drives::transferred(bytes));
        }
        made
    };
    let mut rest = drives::options(text);
    rest.retain(|(key, _)| key != "size" && key != "format");
    rest.push(("size".to_owned(), drives::written(bytes)));
    Ok(drives::drive_text(&volume, &rest))
}

/// `POST template`: a task that makes bases of the disks.
pub(super) fn make_template(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let guest = Guest::of(call);
    let mut stored = StoredConfiguration::read(transaction, &guest)?;
    unlocked(&guest, &stored.keys)?;
    if transaction.rows(&guest.path(&["snapshot"]))?.len() > 1 {
        return Err(Refusal::failed("unable to create template, because VM contains snapshots"));
    }
    if is_on(&stored.keys, "template") {
        return Err(Refusal::failed("you can't convert a template to a template"));
    }
    if guest.is_running(transaction)? {
        return Err(Refusal::failed("you can't convert a VM to template if VM is running"));
    }
    let node = guest.node.clone();
    transaction.task(call, &node, "qmtemplate", &guest.vmid, |transaction, _| {
        for (key, value) in stored.keys.clone() {
            let drive = Drive::parse(value.as_str().unwrap_or_default());
            let wanted = drives::is_disk(&key) && !drive.is_cdrom() && !key.starts_with("unused");
            let Some(volume) = drive.stored().filter(|_| wanted) else { continue };
            let base = base_name(volume.as_str());
            volumes::rename(transaction, &guest.node, volume, &base)?;
            let text = drives::drive_text(&base, &drives::options(value.as_str().unwrap_or_default()));
            stored.keys.insert(key, json!(text));
        }
        stored.keys.insert("template".to_owned(), json!(1));
        stored.write(transaction, &guest)
    })
}

/// Name of a disk once it is a template's: the file, or the volume, is a `base-…`; its storage and folder stay.
fn base_name(volume: &str) -> String {
    let at = volume.rfind(['/', ':']).map_or(0, |at| at + 1);
    let (place, name) = volume.split_at(at);
    format!("{place}{}", name.replacen("vm-", "base-", 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_volume_is_called_anew() {
        let check = |volume: &str, expected: &str| assert_eq!(base_name(volume), expected);
        check("local-lvm:vm-100-disk-0", "local-lvm:base-100-disk-0");
        check("local:100/vm-100-disk-0.qcow2", "local:100/base-100-disk-0.qcow2");
        check("vm-store:vm-100-disk-0", "vm-store:base-100-disk-0");
    }
}
