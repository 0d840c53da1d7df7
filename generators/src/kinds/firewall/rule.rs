//! Rules of a scope or of a security group, a block for each, in their order.

use proxmox_mpc_model::{Identity, Object, kinds};
use serde_json::Value as Json;

use super::super::references;
use super::POLICIES;
use crate::draft::{Draft, Obstacle, PropertyOptions};
use crate::hcl::{Block, Value};

/// Options of a rule: Proxmox's key and the provider's attribute.
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

/// Options that the provider reads of a rule for a security group.
const OF_GROUP: [&str; 2] = ["comment", "iface"];

/// Keys of the rules, in their order.
fn keys(object: &Object) -> Vec<String> {
    let mut keys: Vec<String> = object.keys.keys().filter(|key| kinds::index("rule", key).is_some()).cloned().collect();
    keys.sort_by_key(|key| kinds::index("rule", key));
    keys
}

/// Checks that the provider can read and express every rule: one refused word stops the whole plan.
pub(super) fn checked(object: &Object) -> Result<(), Obstacle> {
    for key in keys(object) {
        let rule = &object.keys[&key];
        let word = |option: &str| rule.get(option).and_then(Json::as_str).unwrap_or_default();
        let refused = match (word("type"), word("action")) {
            ("group", group) => group.is_empty().then_some("a group without a name"),
            ("in" | "out" | "forward", action) => (!POLICIES.contains(&action)).then_some("its action"),
            _ => Some("its type"),
        };
        let text = OPTIONS
            .iter()
            .map(|(option, _)| *option)
            .find(|option| rule.get(*option).is_some_and(|one| !one.is_string()));
        if let Some(what) = refused.or(text) {
            return Err(Obstacle::new(format!("the provider refuses {key}: {what} (provider rule F8)")));
        }
    }
    Ok(())
}

/// Writes a block for each rule.
pub(super) fn rules(draft: &mut Draft<'_>) {
    for key in keys(draft.object) {
        let Some(mut options) = draft.map(&key) else { continue };
        let mut block = Block::new("rule");
        let (kind, action) = (options.take("type").unwrap_or_default(), options.take("action").unwrap_or_default());
        let group = kind == "group";
        if group {
            let identity = Identity::new("firewall-group", &action);
            block.set("security_group", draft.reference(&identity, "name").unwrap_or(Value::Text(action)));
        } else {
            block.set("type", kind);
            block.set("action", action);
        }
        // Without the key a rule is off, for Proxmox and for the provider.
        let enabled = options.take("enable").as_deref() == Some("1");
        block.set("enabled", enabled);
        for (option, attribute) in OPTIONS {
            if !group || OF_GROUP.contains(&option) {
                let value = options.take_raw(option).map(|value| match option {
                    "dest" | "source" => sets(draft, value),
                    "iface" => references::bridge(draft, &value),
                    _ => value.into(),
                });
                block.set_some(attribute, value);
            }
        }
        keep_unread_options(draft, &key, &options);
        draft.add_block(block);
    }
}

/// List of addresses, with references to IP sets that have code: `+dc/mgmt` of the cluster, `+guest/clients` of the guest.
fn sets(draft: &Draft<'_>, addresses: String) -> Value {
    let (mut pieces, mut text) = (Vec::new(), String::new());
    for (index, address) in addresses.split(',').enumerate() {
        text.push_str(if index > 0 { "," } else { "" });
        let set = ["+dc/", "+guest/"].into_iter().find_map(|scope| Some((scope, address.strip_prefix(scope)?)));
        let reference = set.and_then(|(scope, name)| {
            let place = if scope == "+dc/" { "cluster" } else { draft.object.entry.identity.id() };
            Some((scope, draft.reference(&Identity::new("firewall-ipset", format!("{place}/{name}")), "name")?))
        });
        match reference {
            Some((scope, reference)) => {
                text.push_str(scope);
                pieces.extend([Value::Text(std::mem::take(&mut text)), reference]);
            }
            None => text.push_str(address),
        }
    }
    if pieces.is_empty() {
        return Value::Text(addresses);
    }
    if !text.is_empty() {
        pieces.push(Value::Text(text));
    }
    Value::Template(pieces)
}

/// Gives the options that the provider does not read to Ansible.
fn keep_unread_options(draft: &mut Draft<'_>, key: &str, options: &PropertyOptions) {
    let mut remaining = options.clone();
    for option in options.names() {
        let reason = match option.as_str() {
            "icmp-type" => "the provider has no attribute for it (provider rule F2)",
            option if OPTIONS.iter().any(|(known, _)| *known == option) => {
                "the provider reads no more than comment and interface of a security group's rule (provider rule F1)"
            }
            _ => continue,
        };
        remaining.take_raw(&option);
        draft.keep_option_in_ansible(key, &option, reason);
    }
    draft.explain_remaining(&remaining, &[]);
}
