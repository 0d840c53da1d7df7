//! CPU models of one's own (`virtual-guest/cpu-models.conf`), Proxmox's half.

use serde_json::{Map, Value};

use super::{Form, Id, Key, Kind, Reading, Source, Writing};
use crate::object::text;
use crate::{ApiPath, Cluster, Entry, Identity, Listing, Object, Unread, Unreadable};

/// A CPU model that somebody made. The API shows its name and vendor, and cannot change it (9.1).
pub(super) static KIND: Kind = Kind {
    id: "cpu_model",
    prefix: "cpu-model",
    title: "CPU model",
    keys: &[
        Key::new("custom", Form::Boolean).volatile(),
        Key::new("name", Form::Text).fixed(),
        Key::new("vendor", Form::Text),
    ],
    source: Source::Own { requests: |cluster| Ok(path(cluster).into_iter().collect()), list, read },
    writing: Writing::No,
};

/// The list of one node: the file is the cluster's, and every node shows the same of it.
fn path(cluster: &Cluster<'_>) -> Option<ApiPath> {
    let (node, _) = cluster.nodes.iter().find(|(_, online)| **online)?;
    Some(ApiPath::new(["nodes", node, "capabilities", "qemu", "cpu"]))
}

/// The name without what tells it from those of QEMU: `custom-fast` is `fast` in the file.
fn id(row: &Map<String, Value>) -> Option<String> {
    (row.get("custom").and_then(text).as_deref() == Some("1")).then(|| row.get("name").and_then(text))?
}

/// The keys that every row has.
const NAMED: [&str; 2] = ["name", "custom"];

fn list(cluster: &Cluster<'_>) -> Result<Listing, Unreadable> {
    let rows = match path(cluster) {
        Some(path) => cluster.rows(&path, Id::Made(id))?,
        None => None,
    };
    let nameless = match path(cluster) {
        Some(path) => cluster
            .get(&path)?
            .is_some_and(|answer| answer.list().any(|row| !NAMED.iter().all(|key| row.contains_key(*key)))),
        None => false,
    };
    let sees = cluster.permissions.allow_all("/nodes", "Sys.Audit");
    let incomplete = match rows {
        None => Some("no node tells which CPU models there are".to_owned()),
        Some(_) if nameless => Some("the list of CPU models has a row without `name` or `custom`".to_owned()),
        Some(_) if !sees => Some("CPU models lack in a list that is read without Sys.Audit on /nodes".to_owned()),
        Some(_) => None,
    };
    let entry = |name: &String| Entry {
        identity: Identity::new("cpu-model", name),
        name: Some(name.clone()),
        node: None,
        pool: None,
        tags: Vec::new(),
    };
    Ok(Listing { entries: rows.iter().flat_map(|rows| rows.keys()).map(entry).collect(), incomplete })
}

fn read(cluster: &Cluster<'_>, entry: &Entry) -> Result<Reading, Unreadable> {
    let rows = match path(cluster) {
        Some(path) => cluster.rows(&path, Id::Made(id))?,
        None => None,
    };
    let row = rows.and_then(|rows| rows.get(entry.identity.id()).cloned());
    Ok(match row {
        Some(keys) => Ok(Object { entry: entry.clone(), keys }),
        None => Err(Unread { identity: entry.identity.clone(), reason: "the list does not show it".to_owned() }),
    })
}
