//! Checks before a guest starts, in the order of `qemu-server` (`vm_start_nolock`, `config_to_command`).

use proxmox_mpc_model::permissions::Permissions;
use proxmox_mpc_model::property::Properties;
use proxmox_mpc_model::volume::VolumeId;
use proxmox_mpc_model::{Answers as _, ApiPath};
use serde_json::Value;

use super::guest::{Guest, GuestKind, resources};
use super::keys::{is_numbered, word};
use super::stored_configuration::StoredConfiguration;
use super::volumes;
use super::volumes::Storage;
use crate::call::Refusal;
use crate::state::{Row, Transaction};

/// Refuses a start that would fail.
pub(super) fn check(transaction: &Transaction, guest: &Guest) -> Result<(), Refusal> {
    let stored = StoredConfiguration::read(transaction, guest)?;
    if guest.kind == GuestKind::VirtualMachine {
        snippets(transaction, guest, &stored.keys)?;
        processors(transaction, guest, &stored.keys)?;
        for (key, value) in &stored.keys {
            let value = value.as_str().unwrap_or_default();
            if is_numbered(key, "hostpci") {
                mapped(transaction, guest, "pci", value)?;
            } else if is_numbered(key, "usb") {
                mapped(transaction, guest, "usb", value)?;
            }
        }
    }
    bridges(transaction, guest, &stored.keys)
}

/// Refuses `cicustom` files that cannot be read, where the virtual machine has a cloud-init drive. The message is that
/// of `PVE::Tools` (`file_get_contents`).
fn snippets(transaction: &Transaction, guest: &Guest, keys: &Row) -> Result<(), Refusal> {
    let is_drive =
        |value: &Value| value.as_str().is_some_and(|text| proxmox_mpc_model::drive::Drive::parse(text).is_cloudinit());
    let Some(custom) = word(keys, "cicustom").filter(|_| keys.values().any(is_drive)) else { return Ok(()) };
    for (_, file) in Properties::parse(&custom).iter() {
        let Some(volume) = VolumeId::parse(file) else { continue };
        if !tells(transaction, &guest.node, volume.storage())?
            || volumes::row(transaction, &guest.node, &volume)?.is_some()
        {
            continue;
        }
        let storage = Storage::of(transaction, &volume)?;
        let folder = storage.option("path").unwrap_or_default();
        let path = format!("{}/{}", folder.trim_end_matches('/'), volume.name());
        return Err(Refusal::failed(format!("can't open '{path}' - No such file or directory")));
    }
    Ok(())
}

/// Reports whether the list of a storage is on record, and was read by a login that sees snippets in it.
fn tells(transaction: &Transaction, node: &str, storage: &str) -> Result<bool, Refusal> {
    let recorded = transaction.get(&ApiPath::parse("access/permissions"))?;
    let permissions = Permissions::read(recorded.as_ref().and_then(|answer| answer.data()));
    let list = transaction.get(&ApiPath::new(["nodes", node, "storage", storage, "content"]))?;
    let is_known = list.is_some_and(|answer| answer.data().is_some_and(Value::is_array));
    Ok(is_known && permissions.allow(&format!("/storage/{storage}"), "Datastore.Allocate"))
}

/// Refuses a virtual machine with more processors than its node.
fn processors(transaction: &Transaction, guest: &Guest, keys: &Row) -> Result<(), Refusal> {
    let number = |key: &str| word(keys, key).and_then(|text| text.parse::<u64>().ok()).unwrap_or(1);
    let host = transaction.row(&resources(), "id", &format!("node/{}", guest.node))?;
    let host = host.and_then(|row| row.get("maxcpu").and_then(Value::as_u64)).filter(|host| *host > 0);
    match host.filter(|host| number("sockets") * number("cores") > *host) {
        Some(host) => Err(Refusal::failed(format!("MAX {host} vcpus allowed per VM on this node"))),
        None => Ok(()),
    }
}

/// Refuses a mapped device that is not on the node, as far as the list of the node's hardware tells. Both messages are
/// recorded, and so is their different beginning.
fn mapped(transaction: &Transaction, guest: &Guest, kind: &str, value: &str) -> Result<(), Refusal> {
    let Some(name) = Properties::parse(value).get("mapping").map(str::to_owned) else { return Ok(()) };
    let title = kind.to_uppercase();
    let mapping = transaction.row(&ApiPath::new(["cluster", "mapping", kind]), "id", &name)?;
    let devices = mapping.as_ref().and_then(|row| row.get("map")).and_then(Value::as_array);
    let devices = devices.into_iter().flatten().filter_map(Value::as_str).map(Properties::parse);
    let here: Vec<Properties> = devices.filter(|device| device.get("node") == Some(guest.node.as_str())).collect();
    if here.is_empty() {
        return Err(Refusal::failed(format!("{title} device mapping not found for '{name}'")));
    }
    let hardware = ApiPath::new(["nodes", &guest.node, "hardware", kind]);
    if transaction.get(&hardware)?.is_none_or(|answer| answer.data().is_none()) {
        return Ok(());
    }
    let listed = transaction.rows(&hardware)?;
    if kind == "usb" {
        // One that is given by its port is looked for there, which the list does not tell in these words.
        let by_id = here.iter().filter(|device| device.get("path").is_none()).filter_map(|device| device.get("id"));
        let is_it = |row: &Row, id: &str| {
            let number = |key: &str| word(row, key).unwrap_or_default().trim_start_matches("0x").to_lowercase();
            format!("{}:{}", number("vendid"), number("prodid")) == id.to_lowercase()
        };
        if let Some(id) = by_id.into_iter().find(|id| !listed.iter().any(|row| is_it(row, id))) {
            let why = "USB Mapping invalid (hardware probably changed)";
            return Err(Refusal::failed(format!("{why}: usb device '{id}' not found")));
        }
        return Ok(());
    }
    for path in here.iter().filter_map(|device| device.get("path")).flat_map(|path| path.split(';')) {
        let is_it = |row: &Row| word(row, "id").is_some_and(|id| id == path || id.starts_with(&format!("{path}.")));
        if !listed.iter().any(is_it) {
            let why = "PCI device mapping invalid (hardware probably changed)";
            return Err(Refusal::failed(format!("{why}: pci device '{path}' not found")));
        }
    }
    Ok(())
}

/// Refuses a network device on a bridge that the node does not have.
fn bridges(transaction: &Transaction, guest: &Guest, keys: &Row) -> Result<(), Refusal> {
    let network = transaction.rows(&ApiPath::new(["nodes", &guest.node, "network"]))?;
    let vnets = transaction.rows(&ApiPath::parse("cluster/sdn/vnets"))?;
    if network.is_empty() {
        return Ok(());
    }
    for (_, value) in keys.iter().filter(|(key, _)| key.starts_with("net")) {
        let device = Properties::parse(value.as_str().unwrap_or_default());
        let Some(bridge) = device.get("bridge") else { continue };
        let is_named = |row: &Row, key: &str| word(row, key).as_deref() == Some(bridge);
        if !network.iter().any(|row| is_named(row, "iface")) && !vnets.iter().any(|row| is_named(row, "vnet")) {
            return Err(Refusal::failed(format!("bridge '{bridge}' does not exist")));
        }
    }
    Ok(())
}
