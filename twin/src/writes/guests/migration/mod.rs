//! Guests that migrate: `POST migrate` of machines and containers, and everything that goes with them.
//!
//! The twin has no ssh and no sockets to fail: what Proxmox copies is there at once, and a machine that runs goes on running.

use std::collections::BTreeMap;

use proxmox_mpc_model::schema::Verb;
use proxmox_mpc_model::volume::VolumeId;
use proxmox_mpc_model::{ApiPath, list};
use serde_json::Value;

use super::guest::{Guest, Type};
use super::ha_requests;
use super::keys::word;
use super::relocate::Moved;
use super::{relocate, replication};
use crate::call::{Call, Login, Refusal};
use crate::state::Transaction;
use crate::state::tasks::Log;
use crate::writes::method::Write;

pub(super) mod container;
pub(super) mod machine;

/// The methods of migration.
pub(in super::super) static WRITES: &[Write] = &[
    Write { verb: Verb::Post, path: "/nodes/{node}/qemu/{vmid}/migrate", run: machine::migrate },
    Write { verb: Verb::Post, path: "/nodes/{node}/lxc/{vmid}/migrate", run: container::migrate },
];

/// What becomes of a guest that runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    /// It may not run.
    #[default]
    Offline,
    /// It goes on running.
    Online,
    /// It is shut down, and started on the other node.
    Restart,
}

/// How a guest is to migrate.
#[derive(Clone, Debug, Default)]
pub(super) struct Wish {
    /// What becomes of it where it runs.
    pub(super) mode: Mode,
    /// Disks that are attached to a running machine may be copied.
    pub(super) local_disks: bool,
    /// Devices of the node do not hinder a machine.
    pub(super) force: bool,
    /// Which storage takes the place of which.
    pub(super) storages: StorageMap,
}

/// Which storage takes the place of which on the other node (`pve-targetstorage`).
#[derive(Clone, Debug, Default)]
pub(super) struct StorageMap {
    /// Whether each was given as its own.
    pub(super) identity: bool,
    default: Option<String>,
    entries: BTreeMap<String, String>,
}

impl StorageMap {
    /// Reads `1`, `local`, or `local:other,local-lvm:tank`; `parameter` is its name in a refusal.
    fn read(text: &str, parameter: &str) -> Result<Self, Refusal> {
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
    fn named(&self) -> impl Iterator<Item = &String> {
        self.entries.values().chain(&self.default)
    }

    /// What takes the place of a storage.
    pub(super) fn of<'m>(&'m self, storage: &'m str) -> &'m str {
        self.entries.get(storage).or(self.default.as_ref()).map_or(storage, String::as_str)
    }
}

/// Refuses a node that is this one, or none.
fn target(transaction: &Transaction, call: &Call) -> Result<String, Refusal> {
    let target = call.required("target")?;
    if target == call.node() {
        return Err(Refusal::parameter("target", "target is local node."));
    }
    relocate::known_node(transaction, &target)?;
    Ok(target)
}

/// Begins the task of a migration, or asks HA for it where HA manages the guest.
fn begin(
    transaction: &mut Transaction,
    call: &Call,
    guest: &Guest,
    target: &str,
    wish: &Wish,
) -> Result<Value, Refusal> {
    if guest.is_managed(transaction)? {
        let node = guest.node.clone();
        return transaction.task(call, &node, "hamigrate", &guest.vmid, |transaction, log| {
            log.push(format!("Requesting HA migration for {} to node {target}", guest.title()));
            ha_requests::ask_to_migrate(transaction, &guest.service(), target, false);
            Ok(())
        });
    }
    run(transaction, (&call.login, call.duration), guest, target, wish)
}

/// The task that takes a guest to another node. A migration that fails says why in its log, and ends as aborted.
pub(super) fn run(
    transaction: &mut Transaction,
    by: (&Login, i64),
    guest: &Guest,
    target: &str,
    wish: &Wish,
) -> Result<Value, Refusal> {
    let kind = if guest.kind == Type::Machine { "qmigrate" } else { "vzmigrate" };
    let there = Guest { node: target.to_owned(), ..guest.clone() };
    let now = transaction.now();
    transaction.task_by(by, (&guest.node, kind, &guest.vmid), |transaction, log| {
        let done = match guest.kind {
            Type::Machine => machine::go(transaction, guest, &there, wish, log),
            Type::Container => container::go(transaction, guest, &there, wish, log),
        };
        match done {
            Ok(()) => {
                replication::turn_round(transaction, &guest.vmid, &guest.node, target)?;
                log.push(relocate::line(now, "migration finished successfully (duration 00:00:00)"));
                Ok(())
            }
            Err(unreadable @ Refusal::Unreadable(_)) => Err(unreadable),
            Err(refusal) => {
                let why = refusal.text();
                log.push(relocate::error(now, &format!("migration aborted (duration 00:00:00): {why}")));
                Err(Refusal::failed("migration aborted"))
            }
        }
    })
}

/// The first lines of a migration: the network that the datacenter sets apart for it, and where it goes.
fn open(transaction: &Transaction, guest: &Guest, there: &Guest, log: &mut Log) -> Result<(), Refusal> {
    let address = address(transaction, &there.node)?;
    let now = transaction.now();
    let options = transaction.object(&ApiPath::parse("cluster/options"))?;
    if options.get("migration").is_some_and(|migration| migration.get("network").is_some()) {
        let said = format!("use dedicated network address for sending migration traffic ({address})");
        log.push(relocate::line(now, &said));
    }
    let (title, node) = (guest.title(), &there.node);
    log.push(relocate::line(now, &format!("starting migration of {title} to node '{node}' ({address})")));
    Ok(())
}

/// The address of a node as the cluster tells it.
fn address(transaction: &Transaction, node: &str) -> Result<String, Refusal> {
    let rows = transaction.rows(&ApiPath::parse("cluster/status"))?;
    let row = rows.iter().find(|row| word(row, "name").as_deref() == Some(node));
    Ok(row.and_then(|row| word(row, "ip")).unwrap_or_else(|| node.to_owned()))
}

/// Copies a volume to the other node, and notes what it is called there.
fn copy(
    transaction: &mut Transaction,
    (guest, there): (&Guest, &Guest),
    volume: &VolumeId,
    wish: &Wish,
    (moved, log): (&mut Moved, &mut Log),
) -> Result<(), Refusal> {
    let target = wish.storages.of(volume.storage());
    let new = relocate::volume(transaction, (guest, there), volume, target).map_err(|refusal| {
        let why = refusal.text();
        Refusal::failed(format!("storage migration for '{volume}' to storage '{target}' failed - {why}"))
    })?;
    log.push(relocate::line(transaction.now(), &format!("volume '{volume}' is '{new}' on the target")));
    moved.insert(volume.as_str().to_owned(), new);
    Ok(())
}

/// The base that a linked clone stands on, where its identifier tells.
fn base_of(volume: &VolumeId) -> Option<&str> {
    let (bases, _) = volume.name().rsplit_once('/')?;
    bases.split('/').find(|part| part.starts_with("base"))
}

/// Problems with volumes that are told all together, each in the log.
fn told(now: i64, errors: &BTreeMap<String, String>, what: &str, log: &mut Log) -> Result<(), Refusal> {
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
