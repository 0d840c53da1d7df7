//! The firewall's kinds, Proxmox's half: options, rules, security groups, IP sets and aliases, each at the places that have it.

use serde_json::{Map, Value};

pub(super) mod alias;
pub(super) mod cluster;
pub(super) mod group;
pub(super) mod guest;
pub(super) mod ipset;
pub(super) mod node;
pub(super) mod rules;
pub(super) mod vnet;

/// Takes out of each part what Proxmox computes: `ipversion` from the addresses, and `errors` where what it names is not there.
fn configured(keys: &mut Map<String, Value>) -> bool {
    for part in keys.values_mut().filter_map(Value::as_object_mut) {
        part.remove("errors");
        part.remove("ipversion");
    }
    true
}
