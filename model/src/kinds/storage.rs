//! Storages (`storage.cfg`), Proxmox's half.

use super::Kind;
use crate::object::text;
use crate::{Cluster, Entry, Identity, Listing, Object, Unread};

/// A storage of the cluster. Read from the list: `storage/{id}` wants Datastore.Allocate, the list only
/// Datastore.Audit, and both hold the same keys.
pub(super) static KIND: Kind = Kind {
    id: "storage",
    prefix: "storage",
    title: "storage",
    keys: &[],
    requests: |_| Ok(Vec::new()),
    list: |cluster| Ok(list(cluster)),
    read: |cluster, entry| Ok(read(cluster, entry)),
};

fn list(cluster: &Cluster<'_>) -> Listing {
    let complete = cluster.permissions.allow_all("/storage", "Datastore.Audit");
    let entry = |id: &String| Entry {
        identity: Identity::new("storage", id),
        name: Some(id.clone()),
        node: None,
        pool: None,
        tags: Vec::new(),
    };
    Listing {
        entries: cluster.storages.keys().map(entry).collect(),
        incomplete: (!complete)
            .then(|| "storages without Datastore.Audit on /storage are hidden from this login".to_owned()),
    }
}

fn read(cluster: &Cluster<'_>, entry: &Entry) -> Result<Object, Unread> {
    match cluster.storages.get(entry.identity.id()) {
        Some(keys) if keys.get("type").and_then(text).is_some() => {
            Ok(Object { entry: entry.clone(), keys: keys.clone() })
        }
        _ => Err(Unread {
            identity: entry.identity.clone(),
            reason: "the list of storages does not tell its type".to_owned(),
        }),
    }
}
