//! Configuration of a guest as it is kept: keys in force, and changes that wait for the next start.

use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_model::drive::Drive;
use proxmox_mpc_model::object::text;
use proxmox_mpc_model::property::Properties;
use proxmox_mpc_model::{list, processors};
use serde_json::{Map, Value, json};

use super::guest::{Guest, GuestKind, resources};
use super::keys::{is_on, word};
use crate::call::Call;
use crate::call::Refusal;
use crate::state::{Row, Transaction};
use crate::writes::digest;

const MEBIBYTE: u64 = 1 << 20;
/// Memory of a guest that gives none, in MiB (`qemu-server`, `pve-container`).
pub(super) const DEFAULT_MEMORY: u64 = 512;

/// The configuration of a guest.
#[derive(Clone, Debug, Default)]
pub(super) struct StoredConfiguration {
    /// Keys in force, without the digest.
    pub(super) keys: Row,
    /// Values that wait for the next start.
    pub(super) pending: BTreeMap<String, Value>,
    /// Keys that are taken away by the next start, and whether they were deleted by force.
    pub(super) leaving: BTreeMap<String, bool>,
    /// The checksum that clients were shown.
    pub(super) digest: Option<Value>,
}

impl StoredConfiguration {
    /// Reads the configuration of a guest that must exist.
    pub(super) fn read(transaction: &Transaction, guest: &Guest) -> Result<Self, Refusal> {
        let here = guest.resource(transaction)?.is_some_and(|row| word(&row, "node").as_ref() == Some(&guest.node));
        let read = if here { transaction.read(&guest.path(&["config"]))? } else { None };
        let Some(Value::Object(mut keys)) = read else {
            let file = format!("nodes/{}/{}/{}.conf", guest.node, guest.kind.folder(), guest.vmid);
            return Err(Refusal::failed(format!("Configuration file '{file}' does not exist")));
        };
        let digest = keys.remove("digest");
        let mut stored = Self { keys, digest, ..Self::default() };
        for item in transaction.rows(&guest.path(&["pending"]))? {
            stored.take(&item);
        }
        Ok(stored)
    }

    /// Takes one item of the list of pending changes.
    fn take(&mut self, item: &Row) {
        let Some(key) = word(item, "key") else { return };
        let (pending, leaving) = (item.get("pending"), item.get("delete"));
        if pending.is_none() && leaving.is_none() {
            return;
        }
        match item.get("value") {
            Some(value) => drop(self.keys.insert(key.clone(), value.clone())),
            None => drop(self.keys.remove(&key)),
        }
        match (pending, leaving) {
            (Some(value), _) => drop(self.pending.insert(key, value.clone())),
            (None, Some(forced)) => drop(self.leaving.insert(key, *forced == json!(2))),
            (None, None) => {}
        }
    }

    /// The keys as a start would leave them.
    pub(super) fn after_start(&self) -> Row {
        let mut keys = self.keys.clone();
        keys.retain(|key, _| !self.leaving.contains_key(key));
        keys.extend(self.pending.clone());
        keys
    }

    /// Brings pending changes into force.
    pub(super) fn settle(&mut self) {
        self.keys = self.after_start();
        self.pending.clear();
        self.leaving.clear();
    }

    /// Writes the configuration and what other lists show of it.
    pub(super) fn write(&self, transaction: &mut Transaction, guest: &Guest) -> Result<(), Refusal> {
        let mut shown = self.after_start();
        let waiting: Row = self.pending.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        let leaving: Row = self.leaving.iter().map(|(key, forced)| (key.clone(), json!(forced))).collect();
        let checksum: Value = digest::of(digest::DigestForm::Sha1, [&self.keys, &waiting, &leaving]).into();
        shown.insert("digest".to_owned(), checksum.clone());
        transaction.set(&guest.path(&["config"]), shown);
        transaction.set(&guest.path(&["pending"]), self.items(&checksum));
        transaction.hide(&guest.path(&["status", "current"]));
        self.write_resource(transaction, guest)
    }

    /// The list of pending changes.
    fn items(&self, checksum: &Value) -> Vec<Value> {
        let keys: BTreeSet<&String> = self.keys.keys().chain(self.pending.keys()).collect();
        let mut items: Vec<Value> = keys
            .into_iter()
            .map(|key| {
                let mut item = Map::from_iter([("key".to_owned(), json!(key))]);
                item.extend(self.keys.get(key).map(|value| ("value".to_owned(), value.clone())));
                item.extend(self.pending.get(key).map(|value| ("pending".to_owned(), value.clone())));
                let forced = self.leaving.get(key);
                item.extend(forced.map(|forced| ("delete".to_owned(), json!(if *forced { 2 } else { 1 }))));
                item.into()
            })
            .collect();
        items.push(json!({ "key": "digest", "value": checksum }));
        items
    }

    /// Writes the guest's row among the cluster's resources.
    fn write_resource(&self, transaction: &mut Transaction, guest: &Guest) -> Result<(), Refusal> {
        let mut row = guest.resource(transaction)?.unwrap_or_else(|| new_row(guest));
        let number = |key: &str| word(&self.keys, key).and_then(|text| text.parse::<u64>().ok());
        let memory = word(&self.keys, "memory").and_then(|text| Properties::parse(&text).first()?.parse().ok());
        let host = transaction.row(&resources(), "id", &format!("node/{}", guest.node))?;
        let host = host.and_then(|row| row.get("maxcpu").and_then(Value::as_u64)).filter(|host| *host > 0);
        let (name, cpus, disk) = match guest.kind {
            GuestKind::VirtualMachine => {
                let cores = number("sockets").unwrap_or(1) * number("cores").unwrap_or(1);
                let cpus = number("vcpus").unwrap_or(cores);
                ("name", json!(host.map_or(cpus, |host| cpus.min(host))), self.boot_disk())
            }
            GuestKind::Container => {
                let cpus = processors::of_container(&self.keys, host).map(|cpus| processors::as_number(&cpus));
                let known = row.get("maxcpu").cloned();
                ("hostname", cpus.or(known).unwrap_or(json!(1)), Some("rootfs".to_owned()))
            }
        };
        let size = disk.and_then(|key| Drive::parse(&word(&self.keys, &key)?).size()).map_or(0, |size| size.count());
        let name = word(&self.keys, name).unwrap_or_else(|| guest.title());
        row.insert("name".to_owned(), json!(name));
        row.insert("maxcpu".to_owned(), cpus);
        row.insert("maxmem".to_owned(), json!(memory.unwrap_or(DEFAULT_MEMORY) * MEBIBYTE));
        row.insert("maxdisk".to_owned(), json!(size));
        row.insert("template".to_owned(), json!(u8::from(is_on(&self.keys, "template"))));
        for key in ["tags", "lock"] {
            match self.keys.get(key) {
                Some(value) => drop(row.insert(key.to_owned(), value.clone())),
                None => drop(row.remove(key)),
            }
        }
        transaction.put_row(&resources(), "id", row)
    }

    /// The disk that a virtual machine starts from: the first disk of its boot order.
    fn boot_disk(&self) -> Option<String> {
        let boot = word(&self.keys, "boot")?;
        let boot = Properties::parse(&boot);
        let order = boot.get("order").map(str::to_owned).or_else(|| word(&self.keys, "bootdisk"))?;
        let is_disk = |key: &&str| self.keys.get(*key).and_then(text).is_some_and(|value| is_hard_disk(key, &value));
        list::items(&order).find(is_disk).map(str::to_owned)
    }
}

/// Reports whether a key is a disk with a volume that is no CD.
fn is_hard_disk(key: &str, value: &str) -> bool {
    ["scsi", "virtio", "sata", "ide"].iter().any(|bus| key.starts_with(bus)) && !Drive::parse(value).is_cdrom()
}

/// Refuses a call whose client has read another version of the configuration.
pub(super) fn same_version(call: &Call, stored: &StoredConfiguration) -> Result<(), Refusal> {
    let (given, own) = (call.text("digest"), stored.digest.as_ref().and_then(Value::as_str));
    match (given, own) {
        (Some(given), Some(own)) if !given.is_empty() && given != own => {
            Err(Refusal::failed("checksum mismatch (file change by other user?)"))
        }
        _ => Ok(()),
    }
}

/// The row of a guest that has never run.
fn new_row(guest: &Guest) -> Row {
    let mut row = Row::new();
    let zeros = ["cpu", "disk", "diskread", "diskwrite", "mem", "netin", "netout", "uptime"];
    row.extend(zeros.map(|key| (key.to_owned(), json!(0))));
    if guest.kind == GuestKind::VirtualMachine {
        row.insert("memhost".to_owned(), json!(0));
    }
    row.insert("id".to_owned(), json!(guest.id()));
    row.insert("node".to_owned(), json!(guest.node));
    row.insert("status".to_owned(), json!("stopped"));
    row.insert("type".to_owned(), json!(guest.kind.word()));
    row.insert("vmid".to_owned(), json!(guest.vmid.parse::<u64>().unwrap_or_default()));
    row
}
