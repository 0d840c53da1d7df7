//! Cloud-init's drive, and which part of its data a running virtual machine has not read yet.

use proxmox_mpc_model::drive::Drive;
use proxmox_mpc_model::list;
use proxmox_mpc_model::machine;
use serde_json::{Value, json};

use super::guest::{Guest, unlocked};
use super::hotplug;
use super::keys::{is_numbered, word};
use super::stored_configuration::StoredConfiguration;
use crate::call::{Call, Refusal};
use crate::crypt;
use crate::state::{Row, Transaction};

/// Memory of the differences between the drive and the configuration of a virtual machine: `cloudinit/100`.
fn memory(guest: &Guest) -> String {
    format!("cloudinit/{}", guest.vmid)
}

/// Memory of the hash of a virtual machine's password.
fn secret(guest: &Guest) -> String {
    format!("secret/cipassword/{}", guest.vmid)
}

/// `PUT cloudinit`: writes the drive anew.
pub(super) fn regenerate(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let guest = Guest::of(call);
    let stored = StoredConfiguration::read(transaction, &guest)?;
    unlocked(&guest, &stored.keys)?;
    if has_drive(&stored.keys) {
        written(transaction, &guest);
    }
    Ok(Value::Null)
}

/// Reports whether a virtual machine has a drive for cloud-init.
fn has_drive(keys: &Row) -> bool {
    keys.values().filter_map(Value::as_str).any(|text| Drive::parse(text).is_cloudinit())
}

/// Notes that the drive has the data of the configuration: it was written, or is gone.
pub(super) fn written(transaction: &mut Transaction, guest: &Guest) {
    if transaction.recall(&memory(guest)).is_some() {
        transaction.forget(&memory(guest));
    }
}

/// Forgets what is known of a virtual machine that is no more.
pub(super) fn forget(transaction: &mut Transaction, guest: &Guest) {
    written(transaction, guest);
    if transaction.recall(&secret(guest)).is_some() {
        transaction.forget(&secret(guest));
    }
}

/// Gives a clone the password of its origin.
pub(super) fn copy(transaction: &mut Transaction, from: &Guest, to: &Guest) {
    if let Some(known) = transaction.recall(&secret(from)) {
        transaction.remember(&secret(to), known);
    }
}

/// Keeps the hash of a password, or a hash that a client gives. Windows gets the password itself, which is not kept.
pub(super) fn set_password(transaction: &mut Transaction, guest: &Guest, keys: &Row, password: &str) {
    if machine::is_windows(&word(keys, "ostype").unwrap_or_default()) {
        return transaction.forget(&secret(guest));
    }
    let hashed = ["$1$", "$5$", "$6$", "$2a$", "$2y$"].iter().any(|start| password.starts_with(start));
    let salt = transaction.made_up_digits(4);
    transaction.remember(&secret(guest), if hashed { password.to_owned() } else { crypt::sha256(password, &salt) });
}

/// Notes the value of a key before a change of a running virtual machine: its drive still has it.
pub(super) fn changed(transaction: &mut Transaction, guest: &Guest, keys: &Row, key: &str, new: Option<&Value>) {
    if !(hotplug::is_cloud_init(key) || key == "name" || is_numbered(key, "net")) || hotplug::is_on(keys, "cloudinit") {
        return;
    }
    let known = transaction.recall(&memory(guest));
    let mut known = known.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
    let added = word(&known, "added").unwrap_or_default();
    let mut added: Vec<&str> = list::items(&added).collect();
    let old = keys.get(key);
    match (known.get(key), new, old) {
        // It is again what the drive says.
        (Some(recorded), Some(new), _) if recorded == new => drop(known.remove(key)),
        (None, None, _) if added.contains(&key) => added.retain(|other| *other != key),
        (None, Some(_), _) if added.contains(&key) => {}
        (None, _, Some(old)) => drop(known.insert(key.to_owned(), old.clone())),
        (None, Some(_), None) => added.push(key),
        (Some(_), ..) | (None, None, None) => {}
    }
    added.sort_unstable();
    let added = added.join(",");
    known.remove("added");
    if !added.is_empty() {
        known.insert("added".to_owned(), json!(added));
    }
    if known.is_empty() { written(transaction, guest) } else { transaction.remember(&memory(guest), known) }
}
