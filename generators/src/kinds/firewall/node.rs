//! Firewall options of nodes as `proxmox_node_firewall`, if all of its attributes are set; otherwise Ansible keeps them.

use proxmox_mpc_model::Object;

use super::super::sdn::numbers;
use super::super::{Destination, Namespace, Translation};
use super::{LEVELS, role};
use crate::draft::{Draft, Obstacle};
use crate::hcl::Value;
use crate::row::Row;

/// Translation of the nodes' firewall options.
pub(in super::super) static TRANSLATION: Translation = Translation {
    kind: "node_firewall",
    file: "node_firewalls.tf",
    word: "node",
    data: false,
    namespace: Namespace::Own("node_firewall"),
    destination: |object, _| destination(object),
    name: |entry| entry.name.clone(),
    rows: &[
        Row::custom(&[], |draft| draft.set("node_name", draft.object.entry.node.clone().unwrap_or_default())),
        Row::custom(SWITCHES, |draft| each(draft, SWITCHES, |draft, key| Value::Boolean(draft.flag(key)))),
        Row::custom(WORDS, |draft| each(draft, WORDS, |draft, key| draft.text(key).unwrap_or_default().into())),
        Row::custom(NUMBERS, |draft| each(draft, NUMBERS, |draft, key| draft.integer(key).unwrap_or_default().into())),
        Row::volatile(&["digest"]),
        Row::ansible(
            &[
                "log_nf_conntrack",
                "nf_conntrack_allow_invalid",
                "nf_conntrack_helpers",
                "nf_conntrack_tcp_timeout_syn_recv",
                "protection_synflood",
                "protection_synflood_burst",
                "protection_synflood_rate",
                "tcpflags",
            ],
            "the provider has no attribute for it (provider rule F6)",
        ),
    ],
    role: Some(role),
};

const SWITCHES: &[&str] = &["enable", "ndp", "nftables", "nosmurfs"];
const WORDS: &[&str] =
    &["log_level_forward", "log_level_in", "log_level_out", "smurf_log_level", "tcp_flags_log_level"];
const NUMBERS: &[&str] = &["nf_conntrack_max", "nf_conntrack_tcp_timeout_established"];

/// Numbers that the provider reads without having an attribute for them.
const READ: &[&str] = &["nf_conntrack_tcp_timeout_syn_recv", "protection_synflood_burst", "protection_synflood_rate"];

/// Destination of the options. Each attribute has a default that differs from an unset key, and no code hides the difference, so
/// all keys must be set.
fn destination(object: &Object) -> Result<Destination, Obstacle> {
    numbers(object, NUMBERS)?;
    numbers(object, READ)?;
    if [SWITCHES, WORDS, NUMBERS].concat().iter().any(|key| object.text(key).is_none()) {
        let reason = "the provider shows a change unless all of its eleven options are set (provider rule F6)";
        return Ok(Destination::Ansible(reason.into()));
    }
    let known = |key: &&&str| object.text(key).is_some_and(|word| LEVELS.contains(&word.as_str()));
    let least = |key: &str, least: i64| object.keys.get(key).and_then(serde_json::Value::as_i64) >= Some(least);
    if WORDS.iter().filter(known).count() < WORDS.len()
        || !least("nf_conntrack_max", 32768)
        || !least("nf_conntrack_tcp_timeout_established", 7875)
    {
        return Ok(Destination::Ansible("the provider refuses one of the values (provider rule F8)".into()));
    }
    let node = object.entry.node.clone().unwrap_or_default();
    Ok(Destination::Resource("proxmox_node_firewall", node))
}

/// Writes each key. The attributes have the names of the keys, except for `enabled`.
fn each(draft: &mut Draft<'_>, keys: &[&str], value: impl Fn(&mut Draft<'_>, &str) -> Value) {
    for key in keys {
        let value = value(draft, key);
        draft.set(if *key == "enable" { "enabled" } else { key }, value);
    }
}
