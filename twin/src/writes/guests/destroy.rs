//! Removal of guests, and of everything that belongs to them.

use proxmox_mpc_model::drive::Drive;
use proxmox_mpc_model::volume::VolumeId;
use proxmox_mpc_model::{ApiPath, list};
use serde_json::Value;

use super::drives;
use super::guest::{Guest, GuestKind, resources, unlocked};
use super::keys::{is_on, word};
use super::stored_configuration::StoredConfiguration;
use super::volumes::Storage;
use super::{cloud_init, replication, volumes};
use crate::call::{Call, PROTECTED, Refusal};
use crate::state::Transaction;

/// `DELETE` of a guest: a task.
pub(super) fn destroy(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let guest = Guest::of(call);
    let stored = StoredConfiguration::read(transaction, &guest)?;
    super::power::root_only(call, &["skiplock"])?;
    let title = guest.title();
    // Protection is refused at once (recorded: `protected_ct_delete`), the lock of a virtual machine by the task (flow 206).
    if is_on(&stored.keys, "protection") {
        return Err(Refusal::failed(format!("can't remove {title} - {PROTECTED} enabled")));
    }
    if guest.kind == GuestKind::Container {
        unlocked(&guest, &stored.keys)?;
    }
    // HA before replication, and both before a guest that runs (the first recorded of a container: `delete_in_ha`).
    if !call.flag("purge") {
        if is_resource(transaction, &guest)? {
            let why = format!("unable to remove {title} - used in HA resources and purge parameter not set.");
            return Err(Refusal::failed(why));
        }
        replication::none(transaction, &guest.vmid)?;
    }
    let running = guest.is_running(transaction)?;
    if running && !(guest.kind == GuestKind::Container && call.flag("force")) {
        return Err(Refusal::failed(match guest.kind {
            GuestKind::VirtualMachine => format!("{title} is running - destroy failed"),
            GuestKind::Container => format!("unable to destroy {title} - container is running"),
        }));
    }
    let node = guest.node.clone();
    transaction.task(call, &node, &guest.task("destroy"), &guest.vmid, |transaction, log| {
        if !call.flag("skiplock") {
            unlocked(&guest, &stored.keys)?;
        }
        clones(transaction, &guest, &stored)?;
        remove(transaction, &guest, &stored)?;
        if call.flag("destroy-unreferenced-disks") {
            unreferenced(transaction, &guest)?;
        }
        if call.flag("purge") {
            log.push(format!("purging {title} from related configurations.."));
            if purge(transaction, &guest)? && guest.kind == GuestKind::VirtualMachine {
                log.push(format!("NOTE: removed {title} from HA resource configuration."));
            }
        }
        Ok(())
    })
}

fn is_resource(transaction: &Transaction, guest: &Guest) -> Result<bool, Refusal> {
    Ok(transaction.row(&ApiPath::parse("cluster/ha/resources"), "sid", &guest.service())?.is_some())
}

/// Refuses a template that has linked clones.
fn clones(transaction: &Transaction, guest: &Guest, stored: &StoredConfiguration) -> Result<(), Refusal> {
    for volume in own_volumes(guest, stored) {
        if is_used(transaction, guest, &volume)? {
            return Err(Refusal::failed(format!("base volume '{volume}' is still in use by linked cloned")));
        }
    }
    Ok(())
}

/// Reports whether a linked clone stands on a volume.
pub(super) fn is_used(transaction: &Transaction, guest: &Guest, volume: &VolumeId) -> Result<bool, Refusal> {
    let content = ApiPath::new(["nodes", &guest.node, "storage", volume.storage(), "content"]);
    let base = format!("{}/", volume.as_str());
    Ok(transaction.rows(&content)?.iter().any(|row| {
        word(row, "volid").is_some_and(|volid| volid.starts_with(&base))
            || word(row, "parent").is_some_and(|parent| volume.name().ends_with(&parent) && is_base(&parent))
    }))
}

fn is_base(name: &str) -> bool {
    name.rsplit('/').next().is_some_and(|last| last.starts_with("base"))
}

fn own_volumes(guest: &Guest, stored: &StoredConfiguration) -> Vec<VolumeId> {
    let keys = stored.keys.iter().filter(|(key, _)| drives::is_disk(key));
    let volumes = keys.filter_map(|(_, value)| Drive::parse(value.as_str()?).stored().cloned());
    volumes.filter(|volume| drives::is_own(guest, volume)).collect()
}

/// Removes the guest with its volumes, those of its snapshots, its firewall and the rights to it.
fn remove(transaction: &mut Transaction, guest: &Guest, stored: &StoredConfiguration) -> Result<(), Refusal> {
    let mut own = own_volumes(guest, stored);
    for name in transaction.rows(&guest.path(&["snapshot"]))?.iter().filter_map(|row| word(row, "name")) {
        let keys = transaction.object(&guest.path(&["snapshot", &name, "config"]))?;
        own.extend(own_volumes(guest, &StoredConfiguration { keys, ..StoredConfiguration::default() }));
    }
    for volume in own {
        volumes::free(transaction, &guest.node, &volume)?;
    }
    let acl = ApiPath::parse("access/acl");
    let mut rows = transaction.rows(&acl)?;
    let (before, path) = (rows.len(), format!("/vms/{}", guest.vmid));
    rows.retain(|row| word(row, "path").as_ref() != Some(&path));
    if rows.len() != before {
        transaction.set_rows(&acl, rows);
    }
    transaction.hide_below(&guest.path(&[]));
    cloud_init::forget(transaction, guest);
    transaction.remove_row(&resources(), "id", &guest.id())
}

/// Removes every image with the guest's number, on storages that the node can use.
fn unreferenced(transaction: &mut Transaction, guest: &Guest) -> Result<(), Refusal> {
    for name in transaction.rows(&ApiPath::parse("storage"))?.iter().filter_map(|row| word(row, "storage")) {
        if Storage::enabled(transaction, &name, &guest.node).is_err() {
            continue;
        }
        let content = transaction.rows(&ApiPath::new(["nodes", &guest.node, "storage", &name, "content"]))?;
        let images = content.iter().filter(|row| {
            word(row, "vmid").as_ref() == Some(&guest.vmid)
                && word(row, "content").is_some_and(|content| matches!(content.as_str(), "images" | "rootdir"))
        });
        for volume in images.filter_map(|row| VolumeId::parse(&word(row, "volid")?)) {
            volumes::free(transaction, &guest.node, &volume)?;
        }
    }
    Ok(())
}

/// Takes the guest out of HA, replication and backup jobs, and removes jobs that have no other guest. Returns whether
/// HA managed it.
fn purge(transaction: &mut Transaction, guest: &Guest) -> Result<bool, Refusal> {
    let resources = ApiPath::parse("cluster/ha/resources");
    let mut rows = transaction.rows(&resources)?;
    let before = rows.len();
    rows.retain(|row| word(row, "sid") != Some(guest.service()));
    let managed = rows.len() != before;
    if managed {
        transaction.set_rows(&resources, rows);
        transaction.hide(&ApiPath::new(["cluster", "ha", "resources", &guest.service()]));
    }
    replication::forget(transaction, &guest.vmid)?;
    let backup = ApiPath::parse("cluster/backup");
    let mut rows = transaction.rows(&backup)?;
    let mut changed = false;
    for row in &mut rows {
        let Some(key) = ["vmid", "exclude"].into_iter().find(|key| row.contains_key(*key)) else { continue };
        let named = word(row, key).unwrap_or_default();
        let left: Vec<&str> = list::items(&named).filter(|vmid| *vmid != guest.vmid).collect();
        if left.len() != list::items(&named).count() {
            changed = true;
            row.insert(key.to_owned(), left.join(",").into());
        }
    }
    if changed {
        rows.retain(|row| word(row, "vmid").is_none_or(|named| !named.is_empty()));
        rows.iter_mut()
            .filter(|row| word(row, "exclude").as_deref() == Some(""))
            .for_each(|row| drop(row.remove("exclude")));
        transaction.set_rows(&backup, rows);
    }
    Ok(managed)
}
