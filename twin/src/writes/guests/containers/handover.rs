//! Handover of a volume from one container to another of the same node.

use proxmox_mpc_model::features::{self, Feature};
use proxmox_mpc_model::volume::VolumeId;
use serde_json::{Value, json};

use super::configuration::{in_snapshot, same_version};
use super::mounts::{MountKind, mount_at};
use crate::call::{Call, Check, Refusal, in_order};
use crate::state::Transaction;
use crate::writes::guests::guest::{Guest, resources, unlocked};
use crate::writes::guests::keys::{is_on, word};
use crate::writes::guests::replication;
use crate::writes::guests::stored_configuration::StoredConfiguration;
use crate::writes::guests::volumes::Storage;

/// `POST move_volume` with `target-vmid`: a task that gives a volume to another container of the node.
pub(super) fn to_container(transaction: &mut Transaction, call: &Call, vmid: String) -> Result<Value, Refusal> {
    let (guest, key) = (Guest::of(call), call.required("volume")?);
    let place = call.text("target-volume").unwrap_or_else(|| key.clone());
    let target = Guest { vmid, ..guest.clone() };
    let handover = Handover { transaction, call, guest: &guest, key: &key, target: &target, place: &place };
    let Accepted { mut from, mut to, volume } = handover.checked()?;
    let node = guest.node.clone();
    let id = format!("{}-{key}>{}-{place}", guest.vmid, target.vmid);
    transaction.task(call, &node, "move_volume", &id, |transaction, log| {
        log.push(format!("moving volume '{key}' from container '{}' to '{}'", guest.vmid, target.vmid));
        let mut mount = mount_at(&from, &key)?;
        let storage = Storage::of(transaction, &volume)?;
        mount.volume = storage.reassign(transaction, &guest.node, &volume, &target.vmid)?;
        from.keys.remove(&key);
        log.push(format!("removing volume '{key}' from container '{}' config", guest.vmid));
        from.write(transaction, &guest)?;
        if place.starts_with("unused") {
            to.keys.insert(place.clone(), json!(mount.volume));
        } else {
            to.keys.insert(place.clone(), json!(mount.text(&place)));
        }
        to.write(transaction, &target)?;
        log.push(format!("target container '{}' updated with '{place}'", target.vmid));
        Ok(())
    })
}

/// A handover that is asked for: the volume at `key` of one container becomes `place` of the other.
struct Handover<'a> {
    transaction: &'a Transaction,
    call: &'a Call,
    guest: &'a Guest,
    key: &'a str,
    target: &'a Guest,
    place: &'a str,
}

/// The same, with the configurations of both containers.
struct Configured<'a> {
    handover: &'a Handover<'a>,
    from: StoredConfiguration,
    to: StoredConfiguration,
}

/// The same, with the volume and its storage.
struct Located<'a> {
    configured: &'a Configured<'a>,
    volume: &'a VolumeId,
    storage: Storage,
}

/// A handover that passed all checks: both configurations, and the volume.
struct Accepted {
    from: StoredConfiguration,
    to: StoredConfiguration,
    volume: VolumeId,
}

fn failed(text: impl Into<String>) -> Result<(), Refusal> {
    Err(Refusal::failed(text))
}

impl Handover<'_> {
    /// Makes all checks. No recording has their refusals; words and order are those of `pve-container` (`move_volume`).
    fn checked(&self) -> Result<Accepted, Refusal> {
        // First what the call alone shows, then containers that are not on one node: a configuration on another node
        // is not read.
        let of_the_call: [Check<Self>; 3] = [Self::keys, Self::unused, Self::nodes];
        in_order(&of_the_call, self)?;
        let from = StoredConfiguration::read(self.transaction, self.guest)?;
        let to = StoredConfiguration::read(self.transaction, self.target)?;
        let configured = Configured { handover: self, from, to };
        // The locks come first, with the words of every other change of a container (recorded: `locked_ct_put`).
        let of_the_configurations: [Check<Configured<'_>>; 5] =
            [Configured::locks, Configured::templates, Configured::versions, Configured::source, Configured::place];
        in_order(&of_the_configurations, &configured)?;
        let volume = configured.volume()?;
        let storage = Storage::of(self.transaction, &volume)?;
        // The volume comes last: these checks ask its storage.
        let of_the_volume: [Check<Located<'_>>; 4] =
            [Located::snapshots, Located::renaming, Located::running, Located::replication];
        in_order(&of_the_volume, &Located { configured: &configured, volume: &volume, storage })?;
        Ok(Accepted { from: configured.from, to: configured.to, volume })
    }

    fn keys(&self) -> Result<(), Refusal> {
        if [self.key, self.place].contains(&"rootfs") { failed("Cannot move to/from 'rootfs'") } else { Ok(()) }
    }

    fn unused(&self) -> Result<(), Refusal> {
        match (self.key.starts_with("unused"), self.place.starts_with("unused")) {
            (true, false) => failed("Moving an unused volume to a used one is not possible"),
            _ => Ok(()),
        }
    }

    fn nodes(&self) -> Result<(), Refusal> {
        let node = |vmid: &str| -> Result<String, Refusal> {
            let row = self.transaction.row(&resources(), "id", &format!("lxc/{vmid}"))?;
            let node = row.and_then(|row| word(&row, "node"));
            node.ok_or_else(|| Refusal::failed(format!("could not find CT {vmid}")))
        };
        let (own, other) = (node(&self.guest.vmid)?, node(&self.target.vmid)?);
        if own == other {
            return Ok(());
        }
        failed(format!("Both containers need to be on the same node ({own} != {other})"))
    }
}

impl Configured<'_> {
    fn locks(&self) -> Result<(), Refusal> {
        unlocked(self.handover.guest, &self.from.keys)?;
        unlocked(self.handover.target, &self.to.keys)
    }

    fn templates(&self) -> Result<(), Refusal> {
        if is_on(&self.from.keys, "template") || is_on(&self.to.keys, "template") {
            return failed("Can't move volumes from or to template CT");
        }
        Ok(())
    }

    fn versions(&self) -> Result<(), Refusal> {
        let Handover { call, guest, target, .. } = self.handover;
        for (parameter, stored, guest) in [("digest", &self.from, guest), ("target-digest", &self.to, target)] {
            same_version(call, parameter, stored).map_err(|why| why.within(&format!("Container {}", guest.vmid)))?;
        }
        Ok(())
    }

    fn source(&self) -> Result<(), Refusal> {
        let Handover { key, guest, .. } = self.handover;
        if word(&self.from.keys, key).is_some() {
            return Ok(());
        }
        failed(format!("volume '{key}' for container '{}' does not exist", guest.vmid))
    }

    fn place(&self) -> Result<(), Refusal> {
        let Handover { place, target, .. } = self.handover;
        if !self.to.keys.contains_key(*place) {
            return Ok(());
        }
        failed(format!("Target volume key '{place}' is already in use for container '{}'", target.vmid))
    }

    /// The volume: bind mounts and devices have none.
    fn volume(&self) -> Result<VolumeId, Refusal> {
        let mount = mount_at(&self.from, self.handover.key)?;
        let volume = mount.stored().filter(|_| mount.kind() == MountKind::Volume);
        volume.ok_or_else(|| Refusal::failed(NOT_MOVABLE))
    }
}

/// The message for a mount point that no storage can give to another container.
const NOT_MOVABLE: &str = "Storage does not support moving of this disk to another container";

impl Located<'_> {
    fn handover(&self) -> &Handover<'_> {
        self.configured.handover
    }

    fn snapshots(&self) -> Result<(), Refusal> {
        let Handover { transaction, guest, .. } = self.handover();
        if in_snapshot(transaction, guest, self.volume)? {
            return failed("Cannot move volume used by a snapshot to another container");
        }
        Ok(())
    }

    fn renaming(&self) -> Result<(), Refusal> {
        if features::has(&self.storage.kind(), Feature::Rename, self.volume) { Ok(()) } else { failed(NOT_MOVABLE) }
    }

    fn running(&self) -> Result<(), Refusal> {
        let Handover { transaction, guest, key, .. } = self.handover();
        if guest.is_running(transaction)? && !key.starts_with("unused") {
            return failed("Cannot move in-use volume while the source CT is running - detach or shutdown first");
        }
        Ok(())
    }

    fn replication(&self) -> Result<(), Refusal> {
        let Handover { transaction, target, .. } = self.handover();
        if !replication::is_replicated(transaction, &target.vmid)?
            || features::has(&self.storage.kind(), Feature::Replicate, self.volume)
        {
            return Ok(());
        }
        let storage = self.volume.storage();
        let why = "to a replicated container - missing replication support";
        failed(format!("Cannot move volume on storage '{storage}' {why}"))
    }
}
