//! What virtual machines and containers have in common: one list, one configuration each.

use super::{Reading, Write};
use crate::cluster::{Guest, GuestType};
use crate::{ApiPath, Cluster, Entry, Identity, Listing, Object, Unread, Unreadable, VmId, address};

/// The address of something of a guest: `nodes/pve1/qemu/100/config`.
pub(super) fn path(guest: &Guest, what: &str) -> ApiPath {
    ApiPath::new(["nodes", &guest.node, guest.guest_type.word(), &guest.vmid.to_string(), what])
}

/// The guests of one technology.
pub(super) fn of_type<'c>(cluster: &'c Cluster<'_>, guest_type: GuestType) -> impl Iterator<Item = &'c Guest> {
    cluster.guests.values().filter(move |guest| guest.guest_type == guest_type)
}

/// The configuration of each guest, and what of it is pending; then, of those that run and whose configuration tells no
/// address, the guest itself. A node that is known to be down is not asked.
pub(super) fn requests(cluster: &Cluster<'_>, guest_type: GuestType) -> Result<Vec<ApiPath>, Unreadable> {
    let mut wanted = Vec::new();
    for guest in of_type(cluster, guest_type).filter(|guest| cluster.nodes.get(&guest.node) != Some(&false)) {
        wanted.extend([path(guest, "config"), path(guest, "pending")]);
        if cluster.untold.contains(&guest.vmid) {
            wanted.push(guest.siblings());
        }
        if cluster.ask_guests && guest.running {
            let answer = cluster.get(&path(guest, "config"))?;
            let keys = answer.as_ref().and_then(|answer| answer.data()?.as_object());
            wanted.extend(keys.and_then(|keys| address::asked(guest, keys)));
        }
    }
    if !wanted.is_empty() {
        wanted.push(address::leases());
    }
    Ok(wanted)
}

/// The guests of one technology; the list shows only those that the login may audit.
pub(super) fn list(cluster: &Cluster<'_>, guest_type: GuestType) -> Listing {
    let entry = |guest: &Guest| Entry {
        identity: Identity::new(guest_type.word(), guest.vmid),
        name: guest.name.clone(),
        node: Some(guest.node.clone()),
        pool: guest.pool.clone(),
        tags: guest.tags.clone(),
    };
    let complete = cluster.permissions.allow_all("/vms", "VM.Audit");
    Listing {
        entries: of_type(cluster, guest_type).map(entry).collect(),
        incomplete: (!complete).then(|| "guests without VM.Audit on /vms are hidden from this login".to_owned()),
    }
}

/// A guest's configuration as it is written down, pending changes included.
pub(super) fn read(cluster: &Cluster<'_>, entry: &Entry) -> Result<Reading, Unreadable> {
    let unread = |reason: String| Ok(Err(Unread { identity: entry.identity.clone(), reason }));
    let Some(guest) = VmId::parse(entry.identity.id()).and_then(|vmid| cluster.guests.get(&vmid)) else {
        return unread("the guest is not in the list".to_owned());
    };
    if cluster.nodes.get(&guest.node) == Some(&false) {
        return unread(format!("node {} is offline", guest.node));
    }
    let Some(answer) = cluster.get(&path(guest, "config"))? else {
        return unread("its configuration is not on record".to_owned());
    };
    match answer.data().and_then(serde_json::Value::as_object) {
        Some(keys) => Ok(Ok(Object { entry: entry.clone(), keys: keys.clone() })),
        None => unread(format!("{} {}", answer.status, answer.reason)),
    }
}

/// A guest's options are changed where they are read; a guest is not made from its options alone.
pub(super) fn write(cluster: &Cluster<'_>, object: &Object) -> Option<Write> {
    let guest = VmId::parse(object.entry.identity.id()).and_then(|vmid| cluster.guests.get(&vmid))?;
    Some(Write::at(path(guest, "config")))
}
