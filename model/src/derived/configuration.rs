//! Configuration of a guest in its three forms (in force, pending, at each snapshot), and what its drives are stored on.

use std::collections::BTreeMap;

use serde_json::Value;

use super::deriver::{Deriver, Row};
use super::guest;
use crate::key_names::matches;
use crate::object::text;
use crate::volume::VolumeId;
use crate::{Answers, ApiPath, Unreadable};

/// Keys of a virtual machine that are drives (`valid_drive_names` of `qemu-server`).
const DRIVES: [&str; 6] = ["ide[n]", "scsi[n]", "virtio[n]", "sata[n]", "efidisk[n]", "tpmstate[n]"];

/// Configuration of a guest in its three forms.
pub(super) struct GuestConfigurations<'g> {
    pub(super) node: &'g str,
    pub(super) vmid: &'g str,
    pub(super) container: bool,
    pub(super) running: bool,
    /// The configuration in force.
    pub(super) keys: Row,
    /// The pending values, which wait for the next start.
    pub(super) pending: Row,
    /// The configuration at each snapshot, by the name of the snapshot.
    pub(super) snapshots: BTreeMap<String, Row>,
}

impl<'g> GuestConfigurations<'g> {
    pub(super) fn read<A: Answers>(
        deriver: &Deriver<A>,
        node: &'g str,
        kind: &str,
        vmid: &'g str,
    ) -> Result<Option<Self>, Unreadable> {
        let path = |below: &[&str]| ApiPath::new(["nodes", node, kind, vmid].iter().chain(below).copied());
        let Some(row) = deriver.row(&ApiPath::parse("cluster/resources"), "vmid", vmid)? else { return Ok(None) };
        let in_force = guest::current(deriver, &["nodes", node, kind, vmid])?;
        let in_force = in_force.and_then(|answer| answer.data().cloned());
        let Some(Value::Object(keys)) =
            in_force.map_or_else(|| deriver.data(&path(&["config"])), |keys| Ok(Some(keys)))?
        else {
            return Ok(None);
        };
        let mut pending = Row::new();
        for item in
            deriver.data(&path(&["pending"]))?.iter().flat_map(|items| items.as_array().cloned().unwrap_or_default())
        {
            if let (Some(key), Some(value)) = (item.get("key").and_then(text), item.get("pending")) {
                pending.insert(key, value.clone());
            }
        }
        let mut snapshots = BTreeMap::new();
        for listed in deriver.data(&path(&["snapshot"]))?.iter().filter_map(Value::as_array).flatten() {
            let Some(name) = listed.get("name").and_then(text).filter(|name| name != "current") else { continue };
            if let Some(Value::Object(keys)) = deriver.data(&path(&["snapshot", &name, "config"]))? {
                snapshots.insert(name, keys);
            }
        }
        let running = row.get("status").is_some_and(|status| status == "running");
        Ok(Some(Self { node, vmid, container: kind == "lxc", running, keys, pending, snapshots }))
    }

    pub(super) fn lock(&self) -> Option<String> {
        self.keys.get("lock").and_then(text)
    }
}

/// Reports whether a key of a virtual machine is a drive.
pub(super) fn is_drive(key: &str) -> bool {
    DRIVES.iter().any(|bus| matches(bus, key))
}

/// The keys that hold volumes, and their values, without unused ones.
pub(super) fn drives(keys: &Row, container: bool) -> impl Iterator<Item = (&str, &str)> {
    let is = move |key: &str| if container { key == "rootfs" || matches("mp[n]", key) } else { is_drive(key) };
    keys.iter().filter(move |(key, _)| is(key)).filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
}

/// A storage as it is configured.
pub(super) fn storage<A: Answers>(deriver: &Deriver<A>, volume: &VolumeId) -> Result<Option<Row>, Unreadable> {
    deriver.row(&ApiPath::parse("storage"), "storage", volume.storage())
}

pub(super) fn word(row: &Row, key: &str) -> String {
    row.get(key).and_then(text).unwrap_or_default()
}

/// Reports whether every node sees the same volumes on a storage.
pub(super) fn is_shared(storage: &Row) -> bool {
    let shares = ["nfs", "cifs", "cephfs", "rbd", "iscsi", "pbs"];
    word(storage, "shared") == "1" || shares.contains(&word(storage, "type").as_str())
}
