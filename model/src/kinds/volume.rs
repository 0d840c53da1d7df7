//! Volumes on storages beside the guests' disks, Proxmox's half: installation images, templates, snippets, backups, and
//! disks whose guest is gone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::key::{Form, Key};
use super::kind::Kind;
use super::references;
use super::source::Source;
use super::write::Writing;
use crate::object::text;
use crate::{ApiPath, Cluster, Entry, Identity, Listing, NotRead, Object, Reasons, Unreadable, VmId, list};

/// A volume, or all backups of a storage as one: there may be very many. Those of a storage that all nodes share are
/// listed once (`volume/nas:iso/debian.iso`), others with their node (`volume/pve1/local:iso/debian.iso`).
///
/// The keys are made here: more of a volume would be measurements.
pub(super) static KIND: Kind = Kind {
    id: "volume",
    prefix: "volume",
    title: "volume",
    keys: &[Key::new("content", Form::Text).volatile(), Key::new("volid", Form::Text).volatile()],
    source: Source::Own { requests, list: volumes, read: |_, entry| Ok(Ok(read(entry))) },
    writing: Writing::No,
};

/// The lists; where they show a disk that may belong to no guest, also the configurations of snapshots.
fn requests(cluster: &Cluster<'_>) -> Result<Vec<ApiPath>, Unreadable> {
    let mut orphans = false;
    let lists = lists(cluster);
    let all_guests = cluster.permissions.allow_all("/vms", "VM.Audit");
    for list in &lists {
        cluster.each(&list.path, |row| {
            orphans |= matches!(kept(cluster, all_guests, &row), Some(ListedVolume::Orphan { .. }));
        })?;
    }
    let mut wanted: Vec<ApiPath> = lists.into_iter().map(|list| list.path).collect();
    if orphans {
        wanted.extend(references::requests(cluster)?);
    }
    Ok(wanted)
}

/// Types of storages that are shared whether or not they say `shared`.
const SHARED: [&str; 9] = ["cephfs", "cifs", "glusterfs", "iscsi", "iscsidirect", "nfs", "pbs", "rbd", "zfs"];

/// List of the volumes of one storage, as one node gives it.
struct VolumeList {
    path: ApiPath,
    storage: String,
    /// The node, where each node has volumes of its own.
    node: Option<String>,
}

/// The lists that together show everything: each node's of its own storages, and the first node's of shared ones. The
/// list of another hypervisor (`esxi`) takes long and is left out.
fn lists(cluster: &Cluster<'_>) -> Vec<VolumeList> {
    let mut lists = Vec::new();
    for (storage, keys) in &cluster.storages {
        let word = |key: &str| keys.get(key).and_then(text).unwrap_or_default();
        let of_type = word("type");
        if word("disable") == "1" || of_type == "esxi" {
            continue;
        }
        let allowed = word("nodes");
        let here = |node: &str| allowed.is_empty() || list::items(&allowed).any(|allowed| allowed == node);
        let shared = word("shared") == "1" || SHARED.contains(&of_type.as_str());
        let nodes = cluster.nodes.iter().filter(|(node, online)| **online && here(node)).map(|(node, _)| node);
        for node in nodes.take(if shared { 1 } else { usize::MAX }) {
            lists.push(VolumeList {
                path: ApiPath::new(["nodes", node, "storage", storage, "content"]),
                storage: storage.clone(),
                node: (!shared).then(|| node.clone()),
            });
        }
    }
    lists
}

fn volumes(cluster: &Cluster<'_>) -> Result<Listing, Unreadable> {
    let mut listing = Listing::default();
    let mut reasons = Vec::new();
    // Only a login that sees every guest can tell that one is gone, so that its disks are orphans.
    let all_guests = cluster.permissions.allow_all("/vms", "VM.Audit") && cluster.guests_problem()?.is_none();
    let (mut orphans, mut parents) = (Vec::new(), BTreeSet::new());
    for list in lists(cluster) {
        let mut backups = 0_u64;
        let reason = cluster.each_or_reason(&list.path, |row| {
            // The volume that another one is built on: `base-900-disk-0@__base__`, `../900/base-900-disk-0.qcow2`.
            let parent = row.get("parent").and_then(text);
            parents.extend(parent.iter().filter_map(|parent| base(parent)).map(|base| (list.storage.clone(), base)));
            match kept(cluster, all_guests, &row) {
                Some(ListedVolume::Backup) => backups += 1,
                Some(ListedVolume::Volume { volid, name }) => listing.entries.push(list.entry(&volid, name)),
                Some(ListedVolume::Orphan { volid, name }) => orphans.push((list.entry(&volid, name), volid)),
                None => {}
            }
        })?;
        reasons.extend(reason);
        if backups > 0 {
            listing.entries.push(list.entry(&format!("{}:backup", list.storage), format!("{backups} backups")));
        }
    }
    if !orphans.is_empty() {
        let volumes: BTreeSet<String> = orphans.iter().map(|(_, volid)| volid.clone()).collect();
        let named = references::named(cluster, &volumes)?;
        let is_base = |volid: &str| {
            let storage = volid.split(':').next().unwrap_or_default().to_owned();
            base(volid).is_some_and(|base| parents.contains(&(storage, base)))
        };
        let nobodys = orphans.into_iter().filter(|(_, volid)| !named.contains(volid) && !is_base(volid));
        listing.entries.extend(nobodys.map(|(entry, _)| entry));
    }
    let missing = cluster.permissions.missing(&[("/storage", "Datastore.AllocateSpace"), ("/vms", "VM.Config.Disk")]);
    if !missing.is_empty() {
        reasons.push(NotRead::Hidden { objects: "volumes".into(), missing });
    }
    let offline = cluster.nodes.iter().filter(|(_, online)| !**online);
    reasons.extend(offline.map(|(node, _)| NotRead::Offline { node: node.clone() }));
    reasons.extend(["storage", "nodes"].into_iter().filter_map(|list| cluster.problem(list).cloned()));
    listing.incomplete = Reasons::of(reasons);
    Ok(listing)
}

impl VolumeList {
    fn entry(&self, volid: &str, name: String) -> Entry {
        let node = self.node.iter().map(|node| format!("{node}/"));
        Entry {
            identity: Identity::new("volume", node.collect::<String>() + volid),
            name: Some(name),
            node: self.node.clone(),
            pool: None,
            tags: Vec::new(),
        }
    }
}

enum ListedVolume {
    Backup,
    Volume {
        volid: String,
        name: String,
    },
    /// A disk with the number of a guest that does not exist: a guest of another number may name it all the same.
    Orphan {
        volid: String,
        name: String,
    },
}

/// The name of a volume alone, without its folder and its snapshot.
fn base(volume: &str) -> Option<String> {
    let last = volume.rsplit(['/', ':']).next()?;
    Some(last.split('@').next().unwrap_or(last).to_owned()).filter(|name| !name.is_empty())
}

/// The object that a row of a list is; `None` for the disks of guests that exist, or that the list of guests may lack.
fn kept(cluster: &Cluster<'_>, all_guests: bool, row: &Map<String, Value>) -> Option<ListedVolume> {
    let word = |key: &str| row.get(key).and_then(text);
    let volid = word("volid")?;
    let name = volid.rsplit(['/', ':']).next().unwrap_or_default().to_owned();
    match word("content")?.as_str() {
        "backup" => Some(ListedVolume::Backup),
        "images" | "rootdir" => {
            let vmid = VmId::parse(&word("vmid")?)?;
            let gone = all_guests && !cluster.guests.contains_key(&vmid);
            gone.then(|| ListedVolume::Orphan { volid, name: format!("{name}, guest {vmid}") })
        }
        _ => Some(ListedVolume::Volume { volid, name }),
    }
}

/// The keys that follow from the id of a volume: `iso` of `local:iso/debian.iso`, `images` of a disk.
fn read(entry: &Entry) -> Object {
    let id = entry.identity.id();
    let volid = entry.node.iter().find_map(|node| id.strip_prefix(node)?.strip_prefix('/')).unwrap_or(id);
    let name = volid.split_once(':').map_or(volid, |(_, name)| name);
    let content = match name.split_once('/').map_or(name, |(content, _)| content) {
        content @ ("iso" | "vztmpl" | "snippets" | "import" | "backup") => content,
        _ => "images",
    };
    let keys = BTreeMap::from([("content", content), ("volid", volid)]);
    let keys = keys.into_iter().map(|(key, value)| (key.to_owned(), Value::from(value))).collect();
    Object { entry: entry.clone(), keys }
}
