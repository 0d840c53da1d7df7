//! The firewall's kinds, Proxmox's half: options, rules, security groups, IP sets and aliases, each at the locations
//! that have it.

use serde_json::{Map, Value};

pub(super) mod alias;
pub(super) mod cluster;
pub(super) mod group;
pub(super) mod guest;
pub(super) mod ipset;
pub(super) mod node;
pub(super) mod rules;
pub(super) mod vnet;

/// Removes the keys that Proxmox computes from each part: `ipversion` from the addresses, and `errors` where a name
/// does not exist.
fn configured(keys: &mut Map<String, Value>) -> bool {
    for part in keys.values_mut().filter_map(Value::as_object_mut) {
        part.remove("errors");
        part.remove("ipversion");
    }
    true
}
