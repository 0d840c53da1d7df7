//! Firewall rules: where they go in `proxmox_virtual_environment_firewall_rules`, and to Ansible at virtual networks.

use proxmox_mpc_model::kinds::{At, Where};
use proxmox_mpc_model::{Identity, Object, kinds};

use super::{Half, Namespace, Place};
use crate::ansible::Role;
use crate::draft::Draft;
use crate::hcl::{Block, Value};
use crate::row::Row;

/// The generators' half of firewall rules.
pub(super) static HALF: Half = Half {
    kind: "firewall_rules",
    file: "firewall_rules.tf",
    word: "rules",
    data: false,
    namespace: Namespace::Own("firewall_rules"),
    place: |object, _| Ok(place(object)),
    name: |entry| entry.name.clone(),
    rows: &[Row::custom(&[], scope), Row::custom(&["rule[n]"], rules), Row::volatile(&["digest"])],
    role: Some(role),
};

fn at(identity: &Identity) -> Option<At> {
    kinds::of(identity)?.at(identity)
}

/// The playbook is that of the place.
fn role(identity: &Identity) -> Role {
    match at(identity).map(|at| at.place) {
        Some(Where::Node(_)) => Role::nodes("node_firewall"),
        Some(Where::Guest(..)) => Role::guests("guest_firewall"),
        _ => Role::cluster("firewall"),
    }
}

/// `cluster`, `node/pve1`, `vm/pve1/100`, `container/pve1/200`; the provider has no word for a virtual network.
fn place(object: &Object) -> Place {
    let node = object.entry.node.as_deref().unwrap_or_default();
    let import_id = match at(&object.entry.identity).map(|at| at.place) {
        Some(Where::Node(node)) => format!("node/{node}"),
        Some(Where::Guest(kind, vmid)) => {
            let word = if kind.word() == "qemu" { "vm" } else { "container" };
            format!("{word}/{node}/{vmid}")
        }
        Some(Where::Vnet(_)) => {
            return Place::Ansible("the provider imports no rules of a virtual network (provider rule F5)".into());
        }
        _ => "cluster".to_owned(),
    };
    Place::Own("proxmox_virtual_environment_firewall_rules", import_id)
}

fn scope(draft: &mut Draft<'_>) {
    let identity = &draft.object.entry.identity;
    match at(identity).map(|at| at.place) {
        Some(Where::Node(node)) => draft.set("node_name", node),
        Some(Where::Guest(kind, vmid)) => {
            let node = draft.object.entry.node.clone().unwrap_or_default();
            draft.set("node_name", node);
            let guest = Identity::new(kind.word(), vmid);
            let literal = Value::Integer(vmid.to_string().parse().unwrap_or_default());
            // A container's `vm_id` stays null on an import (docs/provider.md, C2): both are referred to by their id.
            let value = draft.reference(&guest, "id").unwrap_or(literal);
            draft.set(if kind.word() == "qemu" { "vm_id" } else { "container_id" }, value);
        }
        _ => {}
    }
}

/// The options of a rule, by Proxmox's key and the provider's attribute.
const OPTIONS: [(&str, &str); 9] = [
    ("comment", "comment"),
    ("dest", "dest"),
    ("dport", "dport"),
    ("iface", "iface"),
    ("log", "log"),
    ("macro", "macro"),
    ("proto", "proto"),
    ("source", "source"),
    ("sport", "sport"),
];

/// One block for each rule, in their order.
fn rules(draft: &mut Draft<'_>) {
    let mut keys: Vec<String> =
        draft.object.keys.keys().filter(|key| kinds::index("rule", key).is_some()).cloned().collect();
    keys.sort_by_key(|key| kinds::index("rule", key));
    for key in keys {
        let Some(mut options) = draft.map(&key) else { continue };
        let mut block = Block::new("rule");
        let (kind, action) = (options.take("type").unwrap_or_default(), options.take("action").unwrap_or_default());
        if kind == "group" {
            block.set("security_group", action);
        } else {
            block.set("type", kind);
            block.set("action", action);
        }
        let enabled = options.take("enable").as_deref() == Some("1");
        block.set("enabled", enabled);
        for (option, attribute) in OPTIONS {
            block.set_some(attribute, options.take_raw(option));
        }
        // Proxmox makes it from the addresses.
        options.take("ipversion");
        if options.has("icmp-type") {
            options.take("icmp-type");
            draft.entrust_option(&key, "icmp-type", "the provider has no attribute for it (provider rule F2)");
        }
        draft.leftover(&options, &[]);
        draft.nest(block);
    }
}
