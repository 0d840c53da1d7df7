//! Resource pools (`user.cfg`), Proxmox's half.

use super::key::{Form, Key};
use super::kind::Kind;
use super::source::{Reading, Source};
use super::write::Writing;
use crate::{ApiPath, Cluster, Entry, Identity, Listing, NotRead, Object, Reasons};

/// A pool, nested ones (`prod/web`) included. Its members are a kind of their own.
pub(super) static KIND: Kind = Kind {
    id: "pool",
    prefix: "pool",
    title: "pool",
    keys: &[Key::new("comment", Form::Text), Key::new("members", Form::Structure), Key::new("poolid", Form::Text)],
    source: Source::Own {
        requests: |_| Ok(Vec::new()),
        list: |cluster| Ok(list(cluster)),
        read: |cluster, entry| Ok(read(cluster, entry)),
    },
    writing: Writing::No,
};

fn list(cluster: &Cluster<'_>) -> Listing {
    let complete = cluster.permissions.allow_all("/pool", "Pool.Audit");
    let entry = |id: &String| Entry {
        identity: Identity::new("pool", id),
        name: Some(id.clone()),
        node: None,
        pool: Some(id.clone()),
        tags: Vec::new(),
    };
    Listing {
        entries: cluster.pools.keys().map(entry).collect(),
        incomplete: (!complete)
            .then(|| NotRead::hidden("pools", "/pool", "Pool.Audit"))
            .or_else(|| cluster.problem("pools").cloned())
            .map(Reasons::from),
    }
}

fn read(cluster: &Cluster<'_>, entry: &Entry) -> Reading {
    match cluster.pools.get(entry.identity.id()) {
        Some(keys) => Ok(Object { entry: entry.clone(), keys: keys.clone() }),
        None => Err(NotRead::NotListed { request: ApiPath::parse("pools") }),
    }
}
