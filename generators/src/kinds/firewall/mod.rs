//! Parts that the kinds of the firewall share: the scope of an object, its import id and its role.

use proxmox_mpc_model::kinds::{self, LocalId, Location};
use proxmox_mpc_model::{Identity, Object};

use crate::ansible::Role;
use crate::draft::Draft;
use crate::hcl::Value;

pub(super) mod alias;
pub(super) mod cluster;
pub(super) mod group;
pub(super) mod guest;
pub(super) mod ipset;
pub(super) mod node;
mod rule;
pub(super) mod rules;
pub(super) mod vnet;

/// Log levels; Proxmox and the provider use the same words.
const LEVELS: &[&str] = &["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", "nolog"];

/// Policies. Forwarded packets cannot be rejected.
const POLICIES: &[&str] = &["ACCEPT", "DROP", "REJECT"];

/// Scope of an object: cluster, node, guest or virtual network.
fn at(identity: &Identity) -> Option<LocalId> {
    kinds::of(identity)?.at(identity)
}

/// Role in the playbook of the scope.
fn role(identity: &Identity) -> Role {
    match at(identity).map(|at| at.location) {
        Some(Location::Node(_)) => Role::nodes("node_firewall"),
        Some(Location::Guest(..)) => Role::guests("guest_firewall"),
        _ => Role::cluster("firewall"),
    }
}

/// Import id of a scope: `cluster`, `node/pve1`, `vm/pve1/100`, `container/pve1/200`; `None` for a virtual network.
fn import_id(object: &Object) -> Option<String> {
    let node = object.entry.node.as_deref().unwrap_or_default();
    match at(&object.entry.identity)?.location {
        Location::Cluster => Some("cluster".to_owned()),
        Location::Node(node) => Some(format!("node/{node}")),
        Location::Guest(kind, vmid) => {
            let word = if kind.word() == "qemu" { "vm" } else { "container" };
            Some(format!("{word}/{node}/{vmid}"))
        }
        Location::Vnet(_) => None,
    }
}

/// Writes the attributes for the scope; none for the cluster.
fn scope(draft: &mut Draft<'_>) {
    let identity = &draft.object.entry.identity;
    match at(identity).map(|at| at.location) {
        Some(Location::Node(node)) => draft.set("node_name", node),
        Some(Location::Guest(kind, vmid)) => {
            let node = draft.object.entry.node.clone().unwrap_or_default();
            draft.set("node_name", node);
            let guest = Identity::new(kind.word(), vmid);
            let literal = Value::Integer(vmid.to_string().parse().unwrap_or_default());
            // An imported container has no `vm_id` (docs/provider.md, C2), so the reference is to `id`.
            let value = draft.reference(&guest, "id").unwrap_or(literal);
            draft.set(if kind.word() == "qemu" { "vm_id" } else { "container_id" }, value);
        }
        _ => {}
    }
}

/// Writes a switch if the key is present; the provider reads null otherwise. `absent` is the meaning of an absent key.
fn switch(draft: &mut Draft<'_>, key: &str, attribute: &str, absent: bool) {
    if draft.object.keys.contains_key(key) {
        let value = draft.flag(key);
        draft.set(attribute, value);
    } else {
        assume(draft, attribute, absent);
    }
}

/// Writes a word if the key is present and the provider knows the word. `absent` is the meaning of an absent key.
fn word(draft: &mut Draft<'_>, key: &str, attribute: &str, words: &[&str], absent: &'static str) {
    match draft.text(key) {
        Some(word) if words.contains(&word.as_str()) => draft.set(attribute, word),
        Some(word) => {
            draft.keep_in_ansible(key, format!("the provider refuses `{word}` (provider rule F8)"));
            draft.ignore(&[attribute], "the provider refuses what is set; left out, it stays");
        }
        None => assume(draft, attribute, absent),
    }
}

/// Writes the meaning of an absent key, and ignores it. If it were omitted, the provider would send its own default with a
/// creation, which differs for some keys (docs/provider.md, F3).
fn assume(draft: &mut Draft<'_>, attribute: &str, means: impl Into<Value>) {
    draft.set(attribute, means);
    draft.ignore_without_comment(&[attribute]);
}
