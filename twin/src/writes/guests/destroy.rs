//! Guests that go, and everything that goes with them.

use proxmox_mpc_model::drive::Drive;
use proxmox_mpc_model::volume::VolumeId;
use proxmox_mpc_model::{ApiPath, list};
use serde_json::Value;

use super::store::Stored;
use super::{
    Call, Guest, Refusal, Transaction, Type, cloud_init, disks, is_on, replication, resources, unlocked, volumes, word,
};

/// `DELETE` of a guest: a task.
pub(super) fn destroy(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let guest = Guest::of(call);
    let stored = Stored::read(transaction, &guest)?;
    let title = guest.title();
    if is_on(&stored.keys, "protection") {
        return Err(Refusal::failed(format!("can't remove {title} - protection mode enabled")));
    }
    if guest.kind == Type::Container {
        unlocked(&guest, &stored.keys)?;
    }
    if !call.flag("purge") {
        if is_resource(transaction, &guest)? {
            let why = format!("unable to remove {title} - used in HA resources and purge parameter not set.");
            return Err(Refusal::failed(why));
        }
        replication::none(transaction, &guest.vmid)?;
    }
    let running = guest.is_running(transaction)?;
    if running && !(guest.kind == Type::Container && call.flag("force")) {
        return Err(Refusal::failed(match guest.kind {
            Type::Machine => format!("{title} is running - destroy failed"),
            Type::Container => format!("unable to destroy {title} - container is running"),
        }));
    }
    let node = guest.node.clone();
    transaction.task(call, &node, &guest.task("destroy"), &guest.vmid, |transaction, log| {
        unlocked(&guest, &stored.keys)?;
        clones(transaction, &guest, &stored)?;
        remove(transaction, &guest, &stored)?;
        if call.flag("purge") {
            log.push(format!("purging {title} from related configurations.."));
            purge(transaction, &guest)?;
        }
        Ok(())
    })
}

fn is_resource(transaction: &Transaction, guest: &Guest) -> Result<bool, Refusal> {
    Ok(transaction.row(&ApiPath::parse("cluster/ha/resources"), "sid", &guest.service())?.is_some())
}

/// Refuses a template of whose disks there are linked clones.
fn clones(transaction: &Transaction, guest: &Guest, stored: &Stored) -> Result<(), Refusal> {
    for volume in own_volumes(guest, stored) {
        if is_used(transaction, guest, &volume)? {
            return Err(Refusal::failed(format!("base volume '{volume}' is still in use by linked cloned")));
        }
    }
    Ok(())
}

/// Whether a linked clone stands on a volume.
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

fn own_volumes(guest: &Guest, stored: &Stored) -> Vec<VolumeId> {
    let keys = stored.keys.iter().filter(|(key, _)| disks::is_disk(key));
    let volumes = keys.filter_map(|(_, value)| Drive::parse(value.as_str()?).stored().cloned());
    volumes.filter(|volume| disks::is_own(guest, volume)).collect()
}

/// Takes the guest, its own volumes and its firewall away.
fn remove(transaction: &mut Transaction, guest: &Guest, stored: &Stored) -> Result<(), Refusal> {
    for volume in own_volumes(guest, stored) {
        volumes::free(transaction, &guest.node, &volume)?;
    }
    transaction.hide_below(&guest.path(&[]));
    cloud_init::forget(transaction, guest);
    transaction.remove_row(&resources(), "id", &guest.id())
}

/// Takes the guest out of what names it: HA, replication and backup jobs.
fn purge(transaction: &mut Transaction, guest: &Guest) -> Result<(), Refusal> {
    let resources = ApiPath::parse("cluster/ha/resources");
    let mut rows = transaction.rows(&resources)?;
    let before = rows.len();
    rows.retain(|row| word(row, "sid") != Some(guest.service()));
    if rows.len() != before {
        transaction.set_rows(&resources, rows);
        transaction.hide(&ApiPath::new(["cluster", "ha", "resources", &guest.service()]));
    }
    replication::forget(transaction, &guest.vmid)?;
    let backup = ApiPath::parse("cluster/backup");
    let mut rows = transaction.rows(&backup)?;
    let mut changed = false;
    for row in &mut rows {
        let Some(named) = word(row, "vmid") else { continue };
        let left: Vec<&str> = list::items(&named).filter(|vmid| *vmid != guest.vmid).collect();
        if left.len() != list::items(&named).count() {
            changed = true;
            row.insert("vmid".to_owned(), left.join(",").into());
        }
    }
    if changed {
        transaction.set_rows(&backup, rows);
    }
    Ok(())
}
