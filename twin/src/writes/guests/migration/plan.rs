//! Plan of a migration: the target, the mode, the map of storages, and the lines of the log that both types of guests
//! share.

use std::collections::BTreeMap;

use proxmox_mpc_model::volume::VolumeId;
use proxmox_mpc_model::{ApiPath, list};

use crate::call::{Call, Refusal};
use crate::state::Transaction;
use crate::state::tasks::TaskLog;
use crate::writes::guests::guest::Guest;
use crate::writes::guests::keys::word;
use crate::writes::guests::relocate::{self, MovedVolumes};

/// Treatment of a guest that runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::writes::guests) enum Mode {
    /// A running guest is refused.
    #[default]
    Offline,
    /// The guest goes on running.
    Online,
    /// The guest is shut down, and started on the other node.
    Restart,
}

/// Plan of a migration.
#[derive(Clone, Debug, Default)]
pub(in crate::writes::guests) struct Plan {
    /// Treatment of the guest where it runs.
    pub(in crate::writes::guests) mode: Mode,
    /// True if disks that are attached to a running virtual machine may be copied.
    pub(in crate::writes::guests) local_disks: bool,
    /// True if devices of the node do not prevent a migration.
    pub(in crate::writes::guests) force: bool,
    /// Map of storages on this node to storages on the other.
    pub(in crate::writes::guests) storages: StorageMap,
}

/// Map of storages on this node to storages on the other (`pve-targetstorage`).
#[derive(Clone, Debug, Default)]
pub(in crate::writes::guests) struct StorageMap {
    /// True if every storage is mapped to itself.
    pub(super) identity: bool,
    default: Option<String>,
    entries: BTreeMap<String, String>,
}

impl StorageMap {
    /// Reads `1`, `local`, or `local:other,local-lvm:tank`; `parameter` is its name in a refusal.
    pub(super) fn read(text: &str, parameter: &str) -> Result<Self, Refusal> {
        let mut map = Self::default();
        let failed = |why: &str| Err(Refusal::parameter(parameter, format!("failed to parse storage map: {why}\n")));
        for entry in list::items(text) {
            match entry.split_once(':') {
                None if entry == "1" => map.identity = true,
                None if map.default.is_some() => return failed("default target ID can only be provided once"),
                None => map.default = Some(entry.to_owned()),
                Some((from, _)) if map.entries.contains_key(from) => {
                    return failed(&format!("duplicate mapping for source '{from}'"));
                }
                Some((from, to)) => drop(map.entries.insert(from.to_owned(), to.to_owned())),
            }
        }
        if map.identity && (map.default.is_some() || !map.entries.is_empty()) {
            return failed("identity mapping cannot be combined with other mappings");
        }
        Ok(map)
    }

    /// The storages that it names.
    pub(super) fn named(&self) -> impl Iterator<Item = &String> {
        self.entries.values().chain(&self.default)
    }

    /// Storage that takes the place of another.
    pub(super) fn of<'m>(&'m self, storage: &'m str) -> &'m str {
        self.entries.get(storage).or(self.default.as_ref()).map_or(storage, String::as_str)
    }
}

/// Refuses a target that is this node, or does not exist.
pub(super) fn target(transaction: &Transaction, call: &Call) -> Result<String, Refusal> {
    let target = call.required("target")?;
    if target == call.node() {
        return Err(Refusal::parameter("target", "target is local node."));
    }
    relocate::known_node(transaction, &target)?;
    Ok(target)
}

/// The first lines of a migration: the network that the datacenter sets apart for it, and where it goes.
pub(super) fn open(transaction: &Transaction, guest: &Guest, there: &Guest, log: &mut TaskLog) -> Result<(), Refusal> {
    let address = address(transaction, &there.node)?;
    let now = transaction.now();
    let options = transaction.object(&ApiPath::parse("cluster/options"))?;
    if options.get("migration").is_some_and(|migration| migration.get("network").is_some()) {
        let text = format!("use dedicated network address for sending migration traffic ({address})");
        log.push(relocate::line(now, &text));
    }
    let (title, node) = (guest.title(), &there.node);
    log.push(relocate::line(now, &format!("starting migration of {title} to node '{node}' ({address})")));
    Ok(())
}

/// The address of a node as the cluster tells it.
pub(super) fn address(transaction: &Transaction, node: &str) -> Result<String, Refusal> {
    let rows = transaction.rows(&ApiPath::parse("cluster/status"))?;
    let row = rows.iter().find(|row| word(row, "name").as_deref() == Some(node));
    Ok(row.and_then(|row| word(row, "ip")).unwrap_or_else(|| node.to_owned()))
}

/// Copies a volume to the other node, and notes what it is called there.
pub(super) fn copy(
    transaction: &mut Transaction,
    (guest, there): (&Guest, &Guest),
    volume: &VolumeId,
    plan: &Plan,
    (moved, log): (&mut MovedVolumes, &mut TaskLog),
) -> Result<(), Refusal> {
    let target = plan.storages.of(volume.storage());
    let new = relocate::volume(transaction, (guest, there), volume, target).map_err(|refusal| {
        let why = refusal.text();
        Refusal::failed(format!("storage migration for '{volume}' to storage '{target}' failed - {why}"))
    })?;
    log.push(relocate::line(transaction.now(), &format!("volume '{volume}' is '{new}' on the target")));
    moved.insert(volume.as_str().to_owned(), new);
    Ok(())
}

/// The base of a linked clone, where its identifier contains it.
pub(super) fn base_of(volume: &VolumeId) -> Option<&str> {
    let (bases, _) = volume.name().rsplit_once('/')?;
    bases.split('/').find(|part| part.starts_with("base"))
}

/// Refuses volumes that cannot migrate, with one line of the log for each.
pub(super) fn refuse_all(
    now: i64,
    errors: &BTreeMap<String, String>,
    what: &str,
    log: &mut TaskLog,
) -> Result<(), Refusal> {
    for (volume, why) in errors {
        log.push(relocate::line(now, &format!("can't migrate local {what} '{volume}': {why}")));
    }
    if errors.is_empty() {
        return Ok(());
    }
    let guest = if what == "disk" { "VM" } else { "CT" };
    Err(Refusal::failed(format!("can't migrate {guest} - check log")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storage_map_says_what_takes_the_place_of_what() {
        let map = StorageMap::read("local:tank,other", "targetstorage").unwrap();
        assert_eq!((map.of("local"), map.of("nas")), ("tank", "other"));
        assert_eq!(StorageMap::default().of("local"), "local");
        let check = |text: &str, expected: &str| {
            let refusal = StorageMap::read(text, "targetstorage").unwrap_err().text();
            assert!(refusal.contains(expected), "{text}: {refusal}");
        };
        check("a,b", "default target ID can only be provided once");
        check("a:b,a:c", "duplicate mapping for source 'a'");
        check("1,a", "identity mapping cannot be combined with other mappings");
    }
}
