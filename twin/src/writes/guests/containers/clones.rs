//! Clones of containers, and the templates that they are made of.

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::features::{self, Feature};
use proxmox_mpc_model::volume::VolumeId;
use serde_json::{Value, json};

use super::mounts::{Mount, MountKind, is_mount};
use super::new_volume::allocate;
use super::{configuration, create};
use crate::call::{Call, Refusal};
use crate::state::tasks::TaskLog;
use crate::state::{Row, Transaction};
use crate::writes::guests::guest::{Guest, unlocked};
use crate::writes::guests::keys::{is_on, word};
use crate::writes::guests::new_guest;
use crate::writes::guests::stored_configuration::StoredConfiguration;
use crate::writes::guests::volumes::{NewVolume, Storage};
use crate::writes::guests::{relocate, volumes};

/// Keys that a clone does not have from its origin.
const OWN: [&str; 6] = ["digest", "lock", "parent", "snaptime", "template", "vmstate"];

/// `POST clone`: a task on the container that is cloned.
pub(super) fn clone(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let guest = Guest::of(call);
    let target = call.text("target").filter(|target| *target != guest.node && target != "localhost");
    let new = Guest {
        vmid: call.required("newid")?,
        node: target.clone().unwrap_or_else(|| guest.node.clone()),
        ..guest.clone()
    };
    // Other than for a virtual machine, the number comes before what can be cloned (`clone_vm` of `pve-container`); no
    // recording has a container's clone refused.
    places(transaction, call, &guest, target.as_deref())?;
    let stored = StoredConfiguration::read(transaction, &guest)?;
    unlocked(&guest, &stored.keys)?;
    create::unused(transaction, &new.vmid)?;
    let full = call.text("full").map_or(!is_on(&stored.keys, "template"), |full| full == "1");
    if call.text("storage").is_some() && !full {
        return Err(Refusal::failed("parameter 'storage' not allowed for linked clones"));
    }
    let origin = CloneOrigin::read(transaction, call, &guest, &stored)?;
    origin.copiable(transaction, call, full, target.as_deref())?;
    let node = guest.node.clone();
    transaction.task(call, &node, "vzclone", &guest.vmid, |transaction, log| {
        log.push(format!("creating a clone of container {} with ID {}", guest.vmid, new.vmid));
        make(transaction, call, &origin, &new, full, log).map_err(|refusal| match refusal {
            Refusal::Message { status, text } => Refusal::Message { status, text: format!("clone failed: {text}") },
            other => other,
        })?;
        relocate::copy_firewall(transaction, &guest, &new)
    })
}

/// Refuses a pool, a node and a storage that do not exist, or cannot be used.
fn places(transaction: &Transaction, call: &Call, guest: &Guest, target: Option<&str>) -> Result<(), Refusal> {
    if let Some(pool) = call.text("pool")
        && transaction.row(&ApiPath::parse("pools"), "poolid", &pool)?.is_none()
    {
        let text = format!("Permission check failed (pool '{pool}' does not exist)");
        return Err(Refusal::Message { status: 403, text });
    }
    if let Some(target) = target {
        relocate::known_node(transaction, target)?;
    }
    let Some(name) = call.text("storage") else { return Ok(()) };
    let storage = Storage::enabled(transaction, &name, &guest.node)?;
    let Some(target) = target else { return Ok(()) };
    storage.usable(target)?;
    if storage.is_shared() {
        return Ok(());
    }
    Err(Refusal::failed(format!("can't clone to non-shared storage '{name}'")))
}

/// Origin of a clone: a container as it is, or as a snapshot has it.
struct CloneOrigin {
    keys: Row,
    running: bool,
    snapshot: Option<String>,
}

impl CloneOrigin {
    fn read(
        transaction: &Transaction,
        call: &Call,
        guest: &Guest,
        stored: &StoredConfiguration,
    ) -> Result<Self, Refusal> {
        let running = guest.is_running(transaction)?;
        let Some(name) = call.text("snapname") else {
            return Ok(Self { keys: stored.keys.clone(), running, snapshot: None });
        };
        let rows = transaction.rows(&guest.path(&["snapshot"]))?;
        if name == "current" || !rows.iter().any(|row| word(row, "name").as_ref() == Some(&name)) {
            return Err(Refusal::failed(format!("snapshot '{name}' does not exist")));
        }
        let keys = transaction.object(&guest.path(&["snapshot", &name, "config"]))?;
        Ok(Self { keys, running, snapshot: Some(name) })
    }

    fn mounts(&self) -> impl Iterator<Item = (&str, Mount)> {
        let mounts = self.keys.iter().filter(|(key, _)| is_mount(key));
        mounts.filter_map(|(key, value)| Some((key.as_str(), Mount::parse(value.as_str()?))))
    }

    /// Refuses a container that cannot be cloned, or not in this way.
    fn copiable(
        &self,
        transaction: &Transaction,
        call: &Call,
        full: bool,
        target: Option<&str>,
    ) -> Result<(), Refusal> {
        let mut shared = true;
        for (key, mount) in self.mounts() {
            if mount.kind() != MountKind::Volume {
                let kind = mount.kind().word();
                return Err(Refusal::failed(format!("unable to clone mountpoint '{key}' (type {kind})")));
            }
            let Some(volume) = mount.stored() else { continue };
            let name = call.text("storage").unwrap_or_else(|| volume.storage().to_owned());
            let storage = Storage::named(transaction, &name)?;
            shared &= storage.is_shared();
            if full && self.running && self.snapshot.is_none() {
                return Err(Refusal::failed("Full clone of a running container is only possible from a snapshot"));
            }
            if !full && !features::has(&storage.kind(), Feature::ContainerClone, &volume) {
                return Err(Refusal::failed(format!("Linked clone feature for '{volume}' is not available")));
            }
        }
        match target {
            Some(target) if !shared => {
                Err(Refusal::failed(format!("can't clone CT to node '{target}' (CT uses local storage)")))
            }
            _ => Ok(()),
        }
    }
}

fn make(
    transaction: &mut Transaction,
    call: &Call,
    origin: &CloneOrigin,
    new: &Guest,
    full: bool,
    log: &mut TaskLog,
) -> Result<(), Refusal> {
    let mut made = StoredConfiguration::default();
    for (key, value) in &origin.keys {
        if is_mount(key) || key.starts_with("unused") || OWN.contains(&key.as_str()) {
            continue;
        }
        let text = value.as_str().unwrap_or_default();
        let is_network = key.strip_prefix("net").is_some_and(|rest| rest.parse::<u8>().is_ok());
        let value = if is_network { json!(fresh_interface(transaction, text)?) } else { value.clone() };
        made.keys.insert(key.clone(), value);
    }
    if let Some(hostname) = call.text("hostname") {
        made.keys.insert("hostname".to_owned(), json!(hostname));
    }
    if let Some(text) = call.text("description") {
        made.keys.insert("description".to_owned(), configuration::kept(transaction, "description", json!(text))?);
    }
    for (key, mut mount) in origin.mounts() {
        let Some(volume) = mount.stored() else { continue };
        let bytes = mount.size().unwrap_or_default();
        mount.volume = if full {
            log.push(format!("create full clone of mountpoint {key} ({volume})"));
            let storage = call.text("storage").unwrap_or_else(|| volume.storage().to_owned());
            allocate(transaction, new, (&storage, bytes), log)?
        } else {
            log.push(format!("create linked clone of mount point {key} ({volume})"));
            linked(transaction, new, &volume, bytes)?
        };
        mount.resize(bytes);
        made.keys.insert(key.to_owned(), json!(mount.text(key)));
    }
    made.write(transaction, new)?;
    new_guest::open(transaction, new)?;
    match call.text("pool") {
        Some(pool) => new_guest::join(transaction, new, &pool),
        None => Ok(()),
    }
}

/// A network device with an address of its own.
fn fresh_interface(transaction: &Transaction, text: &str) -> Result<String, Refusal> {
    let parts = text.split(',').filter(|part| !part.starts_with("hwaddr="));
    configuration::interface(transaction, &parts.collect::<Vec<_>>().join(","))
}

/// Makes a volume that shares the blocks of a base; on ZFS and Ceph its name contains the base.
fn linked(transaction: &mut Transaction, new: &Guest, base: &VolumeId, bytes: u64) -> Result<String, Refusal> {
    let storage = Storage::of(transaction, base)?;
    let format = features::format(&storage.kind(), base);
    let (node, vmid) = (new.node.as_str(), new.vmid.as_str());
    let made = NewVolume { node, vmid, name: None, format, content: "rootdir", bytes };
    let volume = storage.allocate(transaction, &made, &mut TaskLog::new())?;
    if !matches!(storage.kind().as_str(), "zfspool" | "rbd") {
        return Ok(volume);
    }
    let own = volume.split_once(':').map_or(volume.as_str(), |(_, own)| own).to_owned();
    let named = format!("{base}/{own}");
    if let Some(volume) = VolumeId::parse(&volume) {
        volumes::rename(transaction, node, &volume, &named)?;
    }
    Ok(named)
}

/// `POST template`: a task that makes bases of the volumes.
pub(super) fn make_template(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let guest = Guest::of(call);
    let mut stored = StoredConfiguration::read(transaction, &guest)?;
    unlocked(&guest, &stored.keys)?;
    if transaction.rows(&guest.path(&["snapshot"]))?.len() > 1 {
        return Err(Refusal::failed("unable to create template, because CT contains snapshots"));
    }
    if is_on(&stored.keys, "template") {
        return Err(Refusal::failed("you can't convert a template to a template"));
    }
    if guest.is_running(transaction)? {
        return Err(Refusal::failed("you can't convert a CT to template if the CT is running"));
    }
    let node = guest.node.clone();
    transaction
        .task(call, &node, "vztemplate", &guest.vmid, |transaction, _| {
            let mounts: Vec<(String, Mount)> = stored.keys.iter().filter(|(key, _)| is_mount(key)).map(mount).collect();
            for (_, mount) in &mounts {
                let kind = match mount.stored() {
                    Some(volume) => Some((Storage::of(transaction, &volume)?.kind(), volume)),
                    None => None,
                };
                if !kind.is_some_and(|(kind, volume)| features::has(&kind, Feature::Template, &volume)) {
                    return Err(Refusal::failed(format!("Template feature is not available for '{}'", mount.volume)));
                }
            }
            for (key, mut mount) in mounts {
                let Some(volume) = mount.stored() else { continue };
                mount.volume = base_name(volume.as_str());
                volumes::rename(transaction, &guest.node, &volume, &mount.volume)?;
                stored.keys.insert(key.clone(), json!(mount.text(&key)));
            }
            stored.keys.insert("template".to_owned(), json!(1));
            stored.write(transaction, &guest)
        })
        // The method says that it answers nothing, and does not answer with the task that it starts.
        .map(|_| Value::Null)
}

fn mount((key, value): (&String, &Value)) -> (String, Mount) {
    (key.clone(), Mount::parse(value.as_str().unwrap_or_default()))
}

/// Name of a volume once it is a template's; its storage, its folder and the base that it stands on stay.
fn base_name(volume: &str) -> String {
    let at = volume.rfind(['/', ':']).map_or(0, |at| at + 1);
    let (place, name) = volume.split_at(at);
    let (name, was_folder) = match name.strip_prefix("subvol-") {
        Some(rest) => (rest, true),
        None => (name.strip_prefix("vm-").unwrap_or(name), false),
    };
    format!("{place}{}-{name}", if was_folder { "basevol" } else { "base" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_volume_has_another_name() {
        let check = |volume: &str, expected: &str| assert_eq!(base_name(volume), expected);
        check("local-lvm:vm-100-disk-0", "local-lvm:base-100-disk-0");
        check("tank:subvol-100-disk-0", "tank:basevol-100-disk-0");
        check("local:100/vm-100-disk-0.raw", "local:100/base-100-disk-0.raw");
    }
}
