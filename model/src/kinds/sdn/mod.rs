//! The kinds of the SDN, Proxmox's half, and their pending changes.

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

/// Value with which Proxmox marks a key that is removed when changes are applied.
const DELETED: &str = "deleted";

/// Brings a row of a list that was requested with `pending=1` into the form in which it is configured: pending values
/// take the place of those that are applied (recorded). `pending` and `state` stay, and show that changes are pending.
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

/// Reports whether the object is removed when changes are applied: it is no longer configured, and still runs.
pub(crate) fn leaves(keys: &Map<String, Value>) -> bool {
    keys.get("state").is_some_and(|state| state == DELETED)
}

/// Reports whether the object can be written: one that is about to be removed is not created again.
fn stays(object: &Object) -> bool {
    !leaves(&object.keys)
}
