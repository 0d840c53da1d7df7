//! Clones of machines, and the templates that they are made of.

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::drive::Drive;
use proxmox_mpc_model::volume::VolumeId;
use serde_json::{Value, json};

use super::store::Stored;
use super::volumes::{self, New, Storage};
use super::{Call, Guest, Refusal, Transaction, cloud_init, create, disks, is_on, resources, unlocked, word};
use crate::state::tasks::Log;

/// Keys that a clone does not have from its origin.
const OWN: [&str; 6] = ["template", "protection", "lock", "parent", "snaptime", "meta"];
const CLOUD_INIT_BYTES: u64 = 4 << 20;

/// `POST clone`: a task on the machine that is cloned.
pub(super) fn clone(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let guest = Guest::of(call);
    let new = Guest { vmid: call.required("newid")?, ..guest.clone() };
    let stored = Stored::read(transaction, &guest)?;
    if call.parameters.contains_key("snapname") {
        return Err(Refusal::beyond_the_twin("clone a snapshot"));
    }
    unlocked(&guest, &stored.keys)?;
    let pool = call.text("pool");
    let template = is_on(&stored.keys, "template");
    let full = call.text("full").map_or(!template, |full| full == "1");
    if let Some(target) = call.text("target").filter(|target| *target != guest.node) {
        if is_local(transaction, &stored)? {
            return Err(Refusal::failed(format!("can't clone VM to node '{target}' (VM uses local storage)")));
        }
        return Err(Refusal::beyond_the_twin("clone to another node"));
    }
    let taken = |kind: &str| transaction.row(&resources(), "id", &format!("{kind}/{}", new.vmid));
    if taken("qemu")?.is_some() || taken("lxc")?.is_some() {
        return Err(Refusal::failed(format!("unable to create VM {}: config file already exists", new.vmid)));
    }
    if !full {
        linkable(&stored)?;
    }
    let node = guest.node.clone();
    transaction.task(call, &node, "qmclone", &guest.vmid, |transaction, log| {
        log.push(format!("creating a clone of VM {} with ID {}", guest.vmid, new.vmid));
        let mut made = Stored { keys: stored.keys.clone(), ..Stored::default() };
        made.keys.retain(|key, _| !OWN.contains(&key.as_str()) && !key.starts_with("unused"));
        for (key, value) in made.keys.clone() {
            let Some(text) = value.as_str() else { continue };
            if disks::is_disk(&key) {
                let copied = copy(transaction, call, &new, (&key, text), full, log)?;
                made.keys.insert(key, json!(copied));
            } else if key.strip_prefix("net").is_some_and(|rest| rest.parse::<u8>().is_ok()) {
                made.keys.insert(key, json!(fresh_network(transaction, text)?));
            }
        }
        identify(transaction, call, &new, &mut made);
        cloud_init::copy(transaction, &guest, &new);
        made.write(transaction, &new)?;
        create::open(transaction, &new)?;
        match &pool {
            Some(pool) => create::join(transaction, &new, pool),
            None => Ok(()),
        }
    })
}

/// Names a clone and gives it its own ids.
fn identify(transaction: &Transaction, call: &Call, new: &Guest, made: &mut Stored) {
    let name = call.text("name").unwrap_or_else(|| match word(&made.keys, "name") {
        Some(name) => format!("Copy-of-{name}"),
        None => format!("Copy-of-VM-{}", new.vmid),
    });
    made.keys.insert("name".to_owned(), json!(name));
    if let Some(description) = call.text("description") {
        made.keys.insert("description".to_owned(), json!(description.trim_end()));
    }
    let uuid = format!("uuid={}", transaction.made_up_uuid());
    let rest = word(&made.keys, "smbios1").map(|text| disks::options(&text)).unwrap_or_default();
    let rest: Vec<_> = rest.into_iter().filter(|(key, _)| key != "uuid").collect();
    made.keys.insert("smbios1".to_owned(), json!(disks::drive_text(&uuid, &rest)));
    if made.keys.contains_key("vmgenid") {
        made.keys.insert("vmgenid".to_owned(), json!(transaction.made_up_uuid()));
    }
}

/// A network device with an address of its own.
pub(super) fn fresh_network(transaction: &Transaction, text: &str) -> Result<String, Refusal> {
    let (first, rest) = text.split_once(',').unwrap_or((text, ""));
    let model = first.split('=').next().unwrap_or_default();
    create::network(transaction, &format!("{model},{rest}"), "")
}

/// Refuses a linked clone of a disk that is no base.
fn linkable(stored: &Stored) -> Result<(), Refusal> {
    for (key, value) in stored.keys.iter().filter(|(key, _)| disks::is_disk(key)) {
        let drive = Drive::parse(value.as_str().unwrap_or_default());
        let Some(volume) = drive.stored().filter(|_| !drive.is_cdrom()) else { continue };
        if !is_base(volume) {
            return Err(Refusal::failed(format!("Linked clone feature is not supported for '{volume}' ({key})")));
        }
    }
    Ok(())
}

fn is_base(volume: &VolumeId) -> bool {
    volume.name().rsplit('/').next().is_some_and(|name| name.starts_with("base-"))
}

/// Whether a disk is on a storage that only its node has.
fn is_local(transaction: &Transaction, stored: &Stored) -> Result<bool, Refusal> {
    for (_, value) in stored.keys.iter().filter(|(key, _)| disks::is_disk(key)) {
        let drive = Drive::parse(value.as_str().unwrap_or_default());
        let Some(volume) = drive.stored() else { continue };
        let storage = transaction.row(&ApiPath::parse("storage"), "storage", volume.storage())?;
        if storage.is_none_or(|row| !is_on(&row, "shared")) {
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
    log: &mut Log,
) -> Result<String, Refusal> {
    let drive = Drive::parse(text);
    let Some(volume) = drive.stored().filter(|_| !drive.is_cdrom() || drive.is_cloudinit()) else {
        return Ok(text.to_owned());
    };
    let cloud_init = drive.is_cloudinit();
    let linked = !full && !cloud_init;
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
    let made =
        New { node: &new.node, vmid: &new.vmid, name: name.as_deref(), format: &format, content: "images", bytes };
    let volume = if linked {
        storage.link(transaction, volume, &made, log)?
    } else {
        let made = storage.allocate(transaction, &made, log)?;
        log.push(format!("allocated target volume '{made}'"));
        if !cloud_init {
            log.extend(disks::transferred(bytes));
        }
        made
    };
    let mut rest = disks::options(text);
    rest.retain(|(key, _)| key != "size" && key != "format");
    rest.push(("size".to_owned(), disks::written(bytes)));
    Ok(disks::drive_text(&volume, &rest))
}

/// `POST template`: a task that makes bases of the disks.
pub(super) fn make_template(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let guest = Guest::of(call);
    let mut stored = Stored::read(transaction, &guest)?;
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
            let wanted = disks::is_disk(&key) && !drive.is_cdrom() && !key.starts_with("unused");
            let Some(volume) = drive.stored().filter(|_| wanted) else { continue };
            let base = base_name(volume.as_str());
            volumes::rename(transaction, &guest.node, volume, &base)?;
            let text = disks::drive_text(&base, &disks::options(value.as_str().unwrap_or_default()));
            stored.keys.insert(key, json!(text));
        }
        stored.keys.insert("template".to_owned(), json!(1));
        stored.write(transaction, &guest)
    })
}

/// What a disk is called once it is a template's: the file, or the volume, is a `base-…`; its storage and folder stay.
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
