//! Volumes that guests name: in the configuration in force, in pending changes, in snapshots, and as bases of other
//! volumes.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::guest;
use crate::object::text;
use crate::property::Properties;
use crate::volume::VolumeId;
use crate::{ApiPath, Cluster, Unreadable};

/// The requests for the configurations of snapshots, as far as the lists of snapshots are on record.
pub(super) fn requests(cluster: &Cluster<'_>) -> Result<Vec<ApiPath>, Unreadable> {
    let mut wanted = Vec::new();
    for guest in cluster.guests.values() {
        let list = guest::path(guest, "snapshot");
        wanted.push(list.clone());
        cluster.each(&list, |row| wanted.extend(snapshot(guest, &row)))?;
    }
    Ok(wanted)
}

/// The path of a snapshot's configuration; `None` for the configuration in force, which is listed with the snapshots.
fn snapshot(guest: &crate::guest::Guest, row: &Map<String, Value>) -> Option<ApiPath> {
    let name = row.get("name").and_then(text).filter(|name| name != "current")?;
    let vmid = guest.vmid.to_string();
    Some(ApiPath::new(["nodes", &guest.node, guest.guest_type.word(), &vmid, "snapshot", &name, "config"]))
}

/// The volumes among these that a guest names anywhere, as far as the answers show.
pub(super) fn named(cluster: &Cluster<'_>, volumes: &BTreeSet<String>) -> Result<BTreeSet<String>, Unreadable> {
    let mut named = BTreeSet::new();
    for guest in cluster.guests.values() {
        let mut paths = vec![guest::path(guest, "config"), guest::path(guest, "config").with_query("current", "1")];
        cluster.each(&guest::path(guest, "snapshot"), |row| paths.extend(snapshot(guest, &row)))?;
        for path in paths {
            let answer = cluster.get(&path)?;
            let keys = answer.as_ref().and_then(|answer| answer.data()?.as_object());
            for value in keys.into_iter().flat_map(Map::values).filter_map(Value::as_str) {
                note(value, volumes, &mut named);
            }
        }
        cluster.each(&guest::path(guest, "pending"), |row| {
            for value in ["value", "pending"].iter().filter_map(|key| row.get(*key)?.as_str()) {
                note(value, volumes, &mut named);
            }
        })?;
    }
    Ok(named)
}

/// Finds the volumes that a value names, and those that they are built on: `tank:base-900-disk-0/vm-101-disk-0`.
fn note(value: &str, volumes: &BTreeSet<String>, named: &mut BTreeSet<String>) {
    for (_, item) in Properties::parse(value).iter() {
        let Some(volume) = VolumeId::parse(item) else { continue };
        let ends = volume.as_str().match_indices('/').map(|(end, _)| end).chain([volume.as_str().len()]);
        for part in ends.map(|end| &volume.as_str()[..end]) {
            named.extend(volumes.get(part).cloned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_names_a_volume_and_its_bases() {
        let volumes: BTreeSet<String> =
            ["tank:base-9-disk-0", "local:9/base-9-disk-0.qcow2", "ab:vm-9-disk-1"].map(str::to_owned).into();
        let check = |value: &str, expected: &[&str]| {
            let mut named = BTreeSet::new();
            note(value, &volumes, &mut named);
            assert_eq!(named.iter().map(String::as_str).collect::<Vec<_>>(), expected, "{value}");
        };
        check("ab:vm-9-disk-1,size=4G", &["ab:vm-9-disk-1"]);
        check("size=4G,file=ab:vm-9-disk-1", &["ab:vm-9-disk-1"]);
        check("tank:base-9-disk-0/vm-101-disk-0", &["tank:base-9-disk-0"]);
        check("local:9/base-9-disk-0.qcow2/101/vm-101-disk-0.qcow2,size=4G", &["local:9/base-9-disk-0.qcow2"]);
        check("ab:vm-9-disk-10", &[]);
        check("virtio=BC:24:11:6E:4E:2E,bridge=vmbr0", &[]);
    }
}
