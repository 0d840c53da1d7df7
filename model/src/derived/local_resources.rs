//! Local resources of a virtual machine, which only its node has: devices, and disks on storages that are not shared.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::configuration::{GuestConfigurations, is_drive, is_shared, storage};
use super::deriver::{Deriver, Row};
use crate::drive::Drive;
use crate::key_names::matches;
use crate::property::Properties;
use crate::volume::VolumeId;
use crate::{Answers, ApiPath, Unreadable};

/// Devices of the node that a virtual machine uses (`check_local_resources`).
pub(super) struct Devices {
    pub(super) local: Vec<String>,
    /// Mapped devices by their keys: the kind of the mapping, its name, and the nodes that it covers.
    pub(super) mapped: BTreeMap<String, (&'static str, String, BTreeSet<String>)>,
}

impl Devices {
    pub(super) fn read<A: Answers>(deriver: &Deriver<A>, guest: &GuestConfigurations<'_>) -> Result<Self, Unreadable> {
        let mut devices = Self { local: Vec::new(), mapped: BTreeMap::new() };
        devices.local.extend(guest.keys.contains_key("ivshmem").then(|| "ivshmem".to_owned()));
        if guest.running {
            devices.local.extend(bound(guest));
        }
        for (key, value) in &guest.keys {
            let value = value.as_str().unwrap_or_default();
            let properties = Properties::parse(value);
            let mapping = match () {
                () if matches("usb[n]", key) => {
                    if properties.get_or_bare("host").is_some_and(|host| host.eq_ignore_ascii_case("spice")) {
                        continue;
                    }
                    properties.get("mapping").map(|name| ("usb", name))
                }
                () if matches("hostpci[n]", key) => properties.get("mapping").map(|name| ("pci", name)),
                () if matches("virtiofs[n]", key) => properties.get_or_bare("dirid").map(|name| ("dir", name)),
                () if matches("serial[n]", key) && value != "socket" || matches("parallel[n]", key) => None,
                () => continue,
            };
            if let Some((kind, name)) = mapping {
                devices.mapped.insert(key.clone(), (kind, name.to_owned(), mapped_nodes(deriver, kind, name)?));
            }
            // A mapped PCI device prevents the migration of a running virtual machine only.
            if mapping.is_none_or(|(kind, _)| kind != "pci" || guest.running) {
                devices.local.push(key.clone());
            }
        }
        Ok(devices)
    }

    /// The keys of the mapped devices that a node does not have.
    pub(super) fn missing(&self, node: &str) -> Vec<&String> {
        self.mapped.iter().filter(|(_, (_, _, nodes))| !nodes.contains(node)).map(|(key, _)| key).collect()
    }
}

/// The features that bind a running virtual machine to its node, as `qemu-server` names them
/// (`check_non_migratable_resources`).
fn bound(guest: &GuestConfigurations<'_>) -> Vec<String> {
    let encrypted = ["amd-sev", "intel-tdx"].into_iter().filter(|key| guest.keys.contains_key(*key));
    let shared = guest.keys.keys().any(|key| matches("virtiofs[n]", key)).then_some("virtiofs");
    encrypted.chain(shared).map(str::to_owned).collect()
}

fn mapped_nodes<A: Answers>(deriver: &Deriver<A>, kind: &str, name: &str) -> Result<BTreeSet<String>, Unreadable> {
    let row = deriver.row(&ApiPath::new(["cluster", "mapping", kind]), "id", name)?;
    let entries = row.and_then(|row| row.get("map").and_then(Value::as_array).cloned()).unwrap_or_default();
    let nodes = entries.iter().filter_map(|entry| Some(Properties::parse(entry.as_str()?).get("node")?.to_owned()));
    Ok(nodes.collect())
}

/// The disks of a virtual machine that only its node has (`foreach_volid` and `check_vm_disks_local` of `qemu-server`).
pub(super) fn local_disks<A: Answers>(
    deriver: &Deriver<A>,
    guest: &GuestConfigurations<'_>,
) -> Result<Vec<Value>, Unreadable> {
    let mut disks: BTreeMap<String, Row> = BTreeMap::new();
    note(&mut disks, &guest.keys, "is_attached", None);
    note(&mut disks, &guest.pending, "referenced_in_pending", None);
    for (name, keys) in &guest.snapshots {
        note(&mut disks, keys, "", Some(name));
    }
    let mut local = Vec::new();
    for (file, disk) in disks {
        let shared = match VolumeId::parse(&file) {
            Some(volume) => storage(deriver, &volume)?.is_some_and(|storage| is_shared(&storage)),
            None => false,
        };
        if !shared && disk["shared"] != json!(1) && !(file == "none" && disk["cdrom"] == json!(1)) {
            local.push(disk.into());
        }
    }
    Ok(local)
}

/// Adds the volumes and files that one form of the configuration names.
fn note(disks: &mut BTreeMap<String, Row>, keys: &Row, place: &str, snapshot: Option<&str>) {
    let named = keys.iter().filter(|(key, _)| is_drive(key) || matches("unused[n]", key) || *key == "vmstate");
    for (key, text) in named.filter_map(|(key, value)| Some((key, value.as_str()?))) {
        let (drive, properties) = (Drive::parse(text), Properties::parse(text));
        let Some(file) = properties.get_or_bare("file") else { continue };
        let disk = disks.entry(file.to_owned()).or_insert_with(|| {
            let off = ["is_cloudinit", "replicate", "shared", "is_unused", "is_attached", "is_vmstate", "is_tpmstate"];
            let mut disk: Row = off.iter().map(|key| ((*key).to_owned(), json!(0))).collect();
            disk.insert("volid".to_owned(), json!(file));
            disk.insert("cdrom".to_owned(), json!(1));
            disk
        });
        let mut on = |key: &str, truth: bool| {
            if truth {
                drop(disk.insert(key.to_owned(), json!(1)));
            }
        };
        let unused = key.starts_with("unused");
        on("is_cloudinit", drive.is_cloudinit());
        on("replicate", properties.get("replicate") != Some("0"));
        on("shared", properties.get("shared") == Some("1"));
        on("is_unused", unused);
        on("is_vmstate", key == "vmstate");
        on("is_tpmstate", key == "tpmstate0");
        on(place, !place.is_empty() && !unused);
        if !drive.is_cdrom() {
            disk.insert("cdrom".to_owned(), json!(0));
        }
        if let Some(name) = snapshot {
            disk.entry("referenced_in_snapshot").or_insert_with(|| json!({}))[name] = json!(1);
        }
        if let Some(size) = drive.size() {
            disk.entry("size").or_insert_with(|| json!(size.count()));
        }
        if is_drive(key) {
            disk.insert("drivename".to_owned(), json!(key));
        }
    }
}
