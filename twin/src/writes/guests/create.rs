//! New virtual machines.

use proxmox_mpc_model::drive::Drive;
use proxmox_mpc_model::machine;
use serde_json::{Value, json};

use super::guest::Guest;
use super::keys::word;
use super::new_guest;
use super::stored_configuration::StoredConfiguration;
use super::{checks, cloud_init, configuration, ha_states, power, restore, startable};
use crate::call::{Call, Refusal};
use crate::state::tasks::TaskLog;
use crate::state::{Row, Transaction};

/// Parameters that are no keys of the configuration.
const NOT_KEPT: [&str; 12] = [
    "archive",
    "bwlimit",
    "force",
    "ha-managed",
    "import-working-storage",
    "live-restore",
    "pool",
    "start",
    "storage",
    "unique",
    "skiplock",
    "vmid",
];
/// Buses of disks, in the order of the default boot order (`valid_drive_names` of `qemu-server`).
const BUSES: [&str; 4] = ["ide", "scsi", "virtio", "sata"];

/// `POST qemu`: a task that makes the disks and writes the configuration.
pub(super) fn create(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let guest = Guest::of(call);
    let pool = call.text("pool");
    let mut given = call.given();
    given.retain(|key, _| !NOT_KEPT.contains(&key.as_str()));
    if let Some(volume) = call.text("archive") {
        return restore::restore(transaction, call, &guest, &volume, given);
    }
    checks::named_cdrom(&mut given);
    checks::new_machine(transaction, call, &given)?;
    new_guest::unused(transaction, &guest)?;
    let node = guest.node.clone();
    let upid = transaction.task(call, &node, "qmcreate", &guest.vmid, |transaction, log| {
        let context = format!("unable to create VM {}", guest.vmid);
        make(transaction, &guest, given, log).map_err(|refusal| match refusal {
            Refusal::Message { status, text } => Refusal::Message { status, text: format!("{context} - {text}") },
            other => other,
        })?;
        if let Some(pool) = &pool {
            new_guest::join(transaction, &guest, pool)?;
        }
        if call.flag("ha-managed") {
            log.push("Add as HA resource".to_owned());
            ha_states::add(transaction, &guest, call.flag("start"))?;
        }
        if call.flag("start") {
            log.push("Execute autostart".to_owned());
            // A start that fails is no failure of the creation.
            if startable::check(transaction, &guest).is_ok() {
                power::run(transaction, &guest, true)?;
            }
        }
        Ok(())
    })?;
    Ok(upid)
}

/// Writes a new virtual machine: its disks, and the keys that Proxmox adds.
fn make(transaction: &mut Transaction, guest: &Guest, given: Row, log: &mut TaskLog) -> Result<(), Refusal> {
    let mut stored = StoredConfiguration::default();
    if let Some(password) = word(&given, "cipassword") {
        cloud_init::set_password(transaction, guest, &given, &password);
    }
    for (key, value) in given {
        let value = configuration::kept(transaction, guest, (&key, value), log)?;
        stored.keys.insert(key, value);
    }
    let now = transaction.now();
    let keys = &mut stored.keys;
    if !keys.contains_key("boot") {
        keys.insert("boot".to_owned(), json!(boot_order(keys)));
    }
    if !keys.contains_key("smbios1") {
        keys.insert("smbios1".to_owned(), json!(format!("uuid={}", transaction.made_up_uuid())));
    }
    if word(keys, "vmgenid").is_none_or(|id| id == "1") {
        keys.insert("vmgenid".to_owned(), json!(transaction.made_up_uuid()));
    }
    pin(keys, log);
    keys.insert("meta".to_owned(), json!(format!("creation-qemu={},ctime={now}", machine::QEMU)));
    stored.write(transaction, guest)?;
    new_guest::open(transaction, guest)
}

/// Pins the machine type of a Windows guest to the current version.
pub(super) fn pin(keys: &mut Row, log: &mut TaskLog) {
    let ostype = word(keys, "ostype").unwrap_or_default();
    if let Some(pinned) = machine::pinned(word(keys, "machine").as_deref(), &ostype) {
        log.push(format!("pinning machine type to '{pinned}' for Windows guest OS"));
        keys.insert("machine".to_owned(), json!(pinned));
    }
}

/// The boot order of a virtual machine that gives none: its first disk, its first CD, its first network device.
fn boot_order(keys: &Row) -> String {
    let numbered = |bus: &str| {
        let numbers = (0..31).map(|number| format!("{bus}{number}"));
        numbers.filter(|key| keys.contains_key(key)).collect::<Vec<_>>()
    };
    let drives: Vec<(String, bool)> = BUSES
        .iter()
        .flat_map(|bus| numbered(bus))
        .filter_map(|key| Some((Drive::parse(&word(keys, &key)?), key)))
        .filter(|(drive, _)| !drive.is_cloudinit())
        .map(|(drive, key)| (key, drive.is_cdrom()))
        .collect();
    let first = |cdrom: bool| drives.iter().find(|(_, is)| *is == cdrom).map(|(key, _)| key.clone());
    let net = numbered("net").into_iter().next();
    let order: Vec<String> = [first(false), first(true), net].into_iter().flatten().collect();
    if order.is_empty() { " ".to_owned() } else { format!("order={}", order.join(";")) }
}
