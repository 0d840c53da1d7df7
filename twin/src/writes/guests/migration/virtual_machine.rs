//! Migration of virtual machines (`PVE::QemuMigrate`), running or not.

use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_model::drive::Drive;
use proxmox_mpc_model::features;
use proxmox_mpc_model::property::Properties;
use proxmox_mpc_model::volume::VolumeId;
use serde_json::Value;

use super::plan::{self, Mode, Plan, StorageMap, refuse_all};
use crate::call::{Call, Refusal};
use crate::state::tasks::TaskLog;
use crate::state::{Row, Transaction};
use crate::writes::guests::drives;
use crate::writes::guests::guest::{Guest, unlocked};
use crate::writes::guests::keys::{is_on, word};
use crate::writes::guests::relocate::MovedVolumes;
use crate::writes::guests::stored_configuration::StoredConfiguration;
use crate::writes::guests::volumes::Storage;
use crate::writes::guests::{relocate, replication};

/// The guest, the target and the plan of a call; a virtual machine that cannot migrate in this way is refused.
pub(super) fn planned(transaction: &Transaction, call: &Call) -> Result<(Guest, String, Plan), Refusal> {
    let guest = Guest::of(call);
    let target = plan::target(transaction, call)?;
    for name in ["force", "migration_type", "migration_network"] {
        let given = if name == "force" { call.flag(name) } else { call.parameters.contains_key(name) };
        if given && !call.login.is_root() {
            return Err(Refusal::parameter(name, "Only root may use this option."));
        }
    }
    let stored = StoredConfiguration::read(transaction, &guest)?;
    unlocked(&guest, &stored.keys)?;
    let mut plan = Plan {
        mode: if call.flag("online") { Mode::Online } else { Mode::Offline },
        local_disks: call.flag("with-local-disks"),
        force: call.flag("force"),
        ..Plan::default()
    };
    if guest.is_running(transaction)? {
        live(transaction, &guest, &target, &plan)?;
    } else {
        plan.mode = Mode::Offline;
    }
    let map = call.text("targetstorage");
    if let Some(text) = &map {
        plan.storages = StorageMap::read(text, "targetstorage")?;
        for storage in plan.storages.named() {
            if !Storage::enabled(transaction, storage, &target)?.holds("images") {
                return Err(Refusal::failed(format!("storage '{storage}' does not support vm images")));
            }
        }
    }
    if map.is_none() || plan.storages.identity {
        available(transaction, &guest, &stored, &target)?;
    }
    Ok((guest, target, plan))
}

/// Refuses a running virtual machine that cannot migrate live, or not to this node.
fn live(transaction: &Transaction, guest: &Guest, target: &str, plan: &Plan) -> Result<(), Refusal> {
    if plan.mode != Mode::Online {
        return Err(Refusal::failed("can't migrate running VM without --online"));
    }
    let replicated = replication::is_replicated(transaction, &guest.vmid)?;
    if replicated && !plan.force && replication::job_to(transaction, &guest.vmid, target)?.is_none() {
        return Err(Refusal::failed(format!(
            "Cannot live-migrate replicated VM to node '{target}' - not a replication target. Use 'force' to override."
        )));
    }
    Ok(())
}

/// Refuses a node that does not have the storages of the disks (`check_storage_availability`).
fn available(
    transaction: &Transaction,
    guest: &Guest,
    stored: &StoredConfiguration,
    target: &str,
) -> Result<(), Refusal> {
    for (_, value) in drives(&stored.keys).filter(|(key, _)| !key.starts_with("unused")) {
        let drive = Drive::parse(value);
        let Some(volume) = drive.stored() else { continue };
        let storage = Storage::enabled(transaction, volume.storage(), &guest.node)?;
        storage.usable(target)?;
        holds(&storage, volume)?;
    }
    Ok(())
}

/// Refuses a storage that cannot hold the type of a volume.
fn holds(storage: &Storage, volume: &VolumeId) -> Result<(), Refusal> {
    let content = match volume.name().split_once('/') {
        Some((content @ ("iso" | "import" | "snippets"), _)) => content,
        _ => "images",
    };
    if storage.holds(content) {
        return Ok(());
    }
    let name = storage.name();
    Err(Refusal::failed(format!("{volume}: content type '{content}' is not available on storage '{name}'")))
}

/// Migrates a virtual machine to another node.
pub(super) fn go(
    transaction: &mut Transaction,
    guest: &Guest,
    there: &Guest,
    plan: &Plan,
    log: &mut TaskLog,
) -> Result<(), Refusal> {
    let running = guest.is_running(transaction)?;
    let stored = StoredConfiguration::read(transaction, guest)?;
    let job = replication::job_to(transaction, &guest.vmid, &there.node)?;
    if job.is_some_and(|job| job.contains_key("remove_job")) {
        let why = "refusing to migrate replicated VM whose replication job is marked for removal";
        return Err(Refusal::failed(why));
    }
    unlocked(guest, &stored.keys)?;
    if running {
        live(transaction, guest, &there.node, plan)?;
    }
    devices(transaction, (guest, there), running, plan, log)?;
    plan::open(transaction, guest, there, log)?;
    let volumes =
        local(transaction, (guest, there), plan, (&stored, running), log).map_err(|refusal| match refusal {
            Refusal::Message { status, text } => {
                Refusal::Message { status, text: format!("Problem found while scanning volumes - {text}") }
            }
            other => other,
        })?;
    let replicated = replication::sync(transaction, guest, there, log)?;
    let now = transaction.now();
    let copied: Vec<&VolumeId> = volumes.iter().filter(|volume| !replicated.contains(volume)).collect();
    if !copied.is_empty() {
        log.push(relocate::line(now, "copying local disk images"));
    }
    let mut moved = MovedVolumes::new();
    for volume in copied {
        plan::copy(transaction, (guest, there), volume, plan, (&mut moved, log))?;
    }
    relocate::configuration(transaction, guest, there, &moved)
}

/// Refuses devices that the other node does not have, according to the preconditions of a migration.
fn devices(
    transaction: &Transaction,
    (guest, there): (&Guest, &Guest),
    running: bool,
    plan: &Plan,
    log: &mut TaskLog,
) -> Result<(), Refusal> {
    let now = transaction.now();
    let preconditions: Value = transaction.object(&guest.path(&["migrate"]))?.into();
    let words = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(|word| word.as_str().map(str::to_owned)).collect()
    };
    let mapped = words(&preconditions["mapped-resources"]);
    let mut local = words(&preconditions["local_resources"]);
    local.retain(|key| !mapped.contains(key));
    if !local.is_empty() && (running || !plan.force) {
        return Err(Refusal::failed(format!("can't migrate VM which uses local devices: {}", local.join(", "))));
    }
    if !local.is_empty() {
        log.push(relocate::line(now, "migrating VM which uses local devices"));
    }
    let missing = words(&preconditions["not_allowed_nodes"][&there.node]["unavailable-resources"]);
    if !missing.is_empty() {
        let (node, missing) = (&there.node, missing.join(", "));
        return Err(Refusal::failed(format!("can't migrate to '{node}': missing mapped devices {missing}")));
    }
    if running && !mapped.is_empty() {
        let named = |key: &String| {
            format!("{key}:{}", preconditions["mapped-resource-info"][key]["name"].as_str().unwrap_or_default())
        };
        let named: Vec<String> = mapped.iter().map(named).collect();
        let why = format!("can't live migrate running VM which uses following mapped devices: {}", named.join(", "));
        return Err(Refusal::failed(why));
    }
    if !mapped.is_empty() {
        log.push(relocate::line(now, "migrating VM which uses mapped local devices"));
    }
    Ok(())
}

fn drives(keys: &Row) -> impl Iterator<Item = (&str, &str)> {
    let disks = keys.iter().filter(|(key, _)| drives::is_disk(key) || *key == "vmstate");
    disks.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
}

/// Uses of a volume or a file that a virtual machine names (`foreach_volid`).
#[derive(Debug)]
struct NamedVolume {
    uses: BTreeSet<VolumeUse>,
    /// True if every key that names it is a CD drive.
    cdrom: bool,
    shared: bool,
}

/// Use of a volume by a virtual machine; the log names the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum VolumeUse {
    /// Proxmox makes it itself: cloud-init data, the state of a TPM.
    Generated,
    Attached,
    Unused,
    Snapshot,
    Pending,
}

impl NamedVolume {
    /// Line of the log about the volume.
    fn log_line(&self, volume: &str) -> String {
        match self.uses.first() {
            Some(VolumeUse::Generated) => format!("found generated disk '{volume}' (in current VM config)"),
            Some(VolumeUse::Attached) => format!("found local disk '{volume}' (attached)"),
            Some(VolumeUse::Unused) => format!("found local disk '{volume}' (unused)"),
            Some(VolumeUse::Snapshot) => format!("found local disk '{volume}' (referenced by snapshot(s))"),
            Some(VolumeUse::Pending) => format!("found local disk '{volume}' (pending change)"),
            None => format!("found local disk '{volume}'"),
        }
    }
}

/// Every volume that the virtual machine names: in force, pending, and in snapshots.
fn named(
    transaction: &Transaction,
    guest: &Guest,
    stored: &StoredConfiguration,
) -> Result<BTreeMap<String, NamedVolume>, Refusal> {
    let mut named = BTreeMap::new();
    add(&mut named, &stored.keys, VolumeUse::Attached);
    let pending: Row = stored.pending.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    add(&mut named, &pending, VolumeUse::Pending);
    for row in transaction.rows(&guest.path(&["snapshot"]))? {
        let Some(name) = word(&row, "name").filter(|name| name != "current") else { continue };
        let keys = transaction.object(&guest.path(&["snapshot", &name, "config"]))?;
        add(&mut named, &keys, VolumeUse::Snapshot);
    }
    Ok(named)
}

fn add(named: &mut BTreeMap<String, NamedVolume>, keys: &Row, place: VolumeUse) {
    for (key, text) in drives(keys) {
        let (drive, properties) = (Drive::parse(text), Properties::parse(text));
        let file = properties.get_or_bare("file").unwrap_or_default();
        let new = || NamedVolume { uses: BTreeSet::new(), cdrom: true, shared: false };
        let own = named.entry(file.to_owned()).or_insert_with(new);
        own.cdrom &= drive.is_cdrom();
        own.shared |= properties.get("shared") == Some("1");
        own.uses.insert(if place == VolumeUse::Attached && key.starts_with("unused") {
            VolumeUse::Unused
        } else {
            place
        });
        if key == "tpmstate0" || drive.is_cloudinit() {
            own.uses.insert(VolumeUse::Generated);
        }
    }
}

/// The volumes that only this node has; a volume that cannot be copied is refused.
fn local(
    transaction: &Transaction,
    (guest, there): (&Guest, &Guest),
    plan: &Plan,
    (stored, running): (&StoredConfiguration, bool),
    log: &mut TaskLog,
) -> Result<Vec<VolumeId>, Refusal> {
    let now = transaction.now();
    let (mut volumes, mut errors, mut lines) = (Vec::new(), BTreeMap::new(), Vec::new());
    let mut has_drive = false;
    for (file, own) in named(transaction, guest, stored)? {
        if file == "none" && own.cdrom || own.shared && file.starts_with('/') {
            continue;
        }
        if file == "cdrom" {
            has_drive = true;
            continue;
        }
        let Some(volume) = VolumeId::parse(&file) else {
            errors.insert(file, "local file/device".to_owned());
            continue;
        };
        let place = Journey { guest, there, plan, running };
        match place.look(transaction, &volume, &own) {
            Ok(true) => {
                lines.push(own.log_line(volume.as_str()));
                volumes.push(volume);
            }
            Ok(false) => {}
            Err(unreadable @ Refusal::Unreadable(_)) => return Err(unreadable),
            Err(refusal) => drop(errors.insert(file, refusal.text())),
        }
    }
    log.extend(lines.iter().map(|line| relocate::line(now, line)));
    if has_drive {
        log.push(relocate::line(now, "can't migrate local cdrom drive"));
    }
    refuse_all(now, &errors, "disk", log)?;
    if has_drive {
        return Err(Refusal::failed("can't migrate VM - check log"));
    }
    match volumes.iter().find_map(|volume| Some((volume, plan::base_of(volume)?))) {
        Some((volume, base)) => Err(Refusal::failed(format!("can't migrate '{volume}' as it's a clone of '{base}'"))),
        None => Ok(volumes),
    }
}

/// From where to where, and how.
struct Journey<'p> {
    guest: &'p Guest,
    there: &'p Guest,
    plan: &'p Plan,
    running: bool,
}

impl Journey<'_> {
    /// Reports whether a volume is on this node only; refuses one that cannot be copied.
    fn look(&self, transaction: &Transaction, volume: &VolumeId, own: &NamedVolume) -> Result<bool, Refusal> {
        let failed = |why: &str| Err(Refusal::failed(why));
        let storage = Storage::enabled(transaction, volume.storage(), &self.guest.node)?;
        let target = if storage.is_shared() { volume.storage() } else { self.plan.storages.of(volume.storage()) };
        holds(&Storage::enabled(transaction, target, &self.there.node)?, volume)?;
        if storage.is_shared() {
            return Ok(false);
        }
        if own.cdrom && volume.is_cloudinit() {
            return Ok(true);
        }
        if own.cdrom {
            return failed("local cdrom image");
        }
        if !drives::is_own(self.guest, volume) {
            let owner = volume.owner().map(|owner| owner.to_string()).unwrap_or_default();
            return failed(&format!("owned by other VM (owner = VM {owner})"));
        }
        let kind = storage.kind();
        if own.uses.contains(&VolumeUse::Snapshot) {
            if self.running && replication::job_to(transaction, &self.guest.vmid, &self.there.node)?.is_none() {
                return failed("online storage migration not possible if non-replicated snapshot exists");
            }
            let format = features::format(&kind, volume);
            let goes = kind == "zfspool" || kind == "btrfs" && format == "raw";
            if !goes && (format != "qcow2" || is_on(storage.row(), "snapshot-as-volume-chain")) {
                return failed("non-migratable snapshot exists");
            }
        }
        if features::is_base(volume) && super::super::destroy::is_used(transaction, self.guest, volume)? {
            return failed("referenced by linked clone(s)");
        }
        if self.running && own.uses.first() == Some(&VolumeUse::Attached) && !self.plan.local_disks {
            return failed("can't live migrate attached local disks without with-local-disks option");
        }
        if !matches!(kind.as_str(), "dir" | "btrfs" | "zfspool" | "lvmthin" | "lvm") {
            return failed(&format!("storage type '{kind}' not supported"));
        }
        Ok(true)
    }
}
