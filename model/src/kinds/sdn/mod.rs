//! The kinds of the SDN, Proxmox's half, and what of them waits to be applied.

use serde_json::{Map, Value};

use crate::Object;

pub(super) mod controller;
pub(super) mod dns;
pub(super) mod fabric;
pub(super) mod fabric_node;
pub(super) mod ipam;
pub(super) mod prefix_list;
pub(super) mod route_map;
pub(super) mod subnet;
pub(super) mod vnet;
pub(super) mod zone;

/// How Proxmox writes that a key is to go when changes are applied.
const DELETED: &str = "deleted";

/// Brings a row of a list that was asked for with `pending=1` into the form in which it is configured: what waits takes the
/// place of what runs (facts/pve/BEHAVIOUR.md, "Pending and writes"). `pending` and `state` stay, and tell that something waits.
pub(crate) fn configured(keys: &mut Map<String, Value>) -> bool {
    keys.retain(|_, value| !value.is_null());
    let pending = keys.get("pending").and_then(Value::as_object).cloned().unwrap_or_default();
    for (key, value) in pending {
        if value == DELETED {
            keys.remove(&key);
        } else {
            keys.insert(key, value);
        }
    }
    true
}

/// Whether the object goes when changes are applied: it is no longer configured, and still runs.
pub(crate) fn leaves(keys: &Map<String, Value>) -> bool {
    keys.get("state").is_some_and(|state| state == DELETED)
}

/// Whether there is something to write: an object that leaves is not made again.
fn stays(object: &Object) -> bool {
    !leaves(&object.keys)
}
