//! Settings of a node: resolver, hosts file, time zone and options.

use proxmox_mpc_model::Object;
use serde_json::Value as Json;

use super::{Destination, Namespace, Translation};
use crate::ansible::Role;
use crate::draft::{Draft, Obstacle};
use crate::hcl::{Block, Value};
use crate::row::Row;

const ROLE: Role = Role::nodes("nodes");

/// Translation of resolvers.
pub(super) static DNS: Translation = Translation {
    kind: "node_dns",
    file: "node_dns.tf",
    word: "node",
    data: false,
    namespace: Namespace::Own("node_dns"),
    destination: |object, _| Ok(Destination::Resource("proxmox_virtual_environment_dns", node(object))),
    name: |entry| entry.name.clone(),
    rows: &[Row::custom(&["dns1", "dns2", "dns3", "search"], |draft| {
        node_name(draft);
        let domain = draft.text("search").unwrap_or_default();
        draft.set("domain", domain);
        let servers: Vec<Value> =
            ["dns1", "dns2", "dns3"].iter().filter_map(|key| draft.text(key)).map(Value::from).collect();
        draft.set("servers", Value::List(servers));
    })],
    role: None,
};

/// Translation of hosts files.
pub(super) static HOSTS: Translation = Translation {
    kind: "node_hosts",
    file: "node_hosts.tf",
    word: "node",
    data: false,
    namespace: Namespace::Own("node_hosts"),
    destination: |object, _| {
        let entries = entries(&object.text("data").unwrap_or_default());
        if entries.is_empty() || entries.iter().any(|(_, names)| names.is_empty()) {
            return Err(Obstacle::new("the provider wants entries, and names behind each address (provider rule H8)"));
        }
        Ok(Destination::Resource("proxmox_virtual_environment_hosts", node(object)))
    },
    name: |entry| entry.name.clone(),
    rows: &[Row::custom(&["data"], hosts), Row::volatile(&["digest"])],
    role: None,
};

/// Translation of time zones.
pub(super) static TIME: Translation = Translation {
    kind: "node_time",
    file: "node_time.tf",
    word: "node",
    data: false,
    namespace: Namespace::Own("node_time"),
    destination: |object, _| {
        let zone = object.text("timezone").unwrap_or_default();
        if zone.starts_with("posix/") || zone.starts_with("right/") {
            return Ok(Destination::Ansible("the provider does not know its zone (provider rule H6)".into()));
        }
        Ok(Destination::Resource("proxmox_virtual_environment_time", node(object)))
    },
    name: |entry| entry.name.clone(),
    rows: &[
        Row::custom(&["timezone"], |draft| {
            node_name(draft);
            let zone = draft.text("timezone").unwrap_or_default();
            draft.set("time_zone", zone);
        }),
        Row::volatile(&["localtime", "time"]),
    ],
    role: Some(|_| ROLE),
};

/// Translation of nodes' options.
pub(super) static CONFIG: Translation = Translation {
    kind: "node_config",
    file: "node_config.tf",
    word: "node",
    data: false,
    namespace: Namespace::Own("node_config"),
    destination: |object, _| {
        Ok(match notes(object) {
            Some(_) => Destination::Resource("proxmox_node_config", node(object)),
            None if is_bare(object) => Destination::BuiltIn,
            None if object.text("description").is_some_and(|notes| !notes.is_empty()) => {
                Destination::Ansible("the provider refuses notes that end with an empty line (provider rule H7)".into())
            }
            None => Destination::Ansible("the provider has an attribute for the notes only (provider rule H7)".into()),
        })
    },
    name: |entry| entry.name.clone(),
    rows: &[
        Row::custom(&["description"], |draft| {
            node_name(draft);
            draft.take("description");
            let notes = notes(draft.object);
            draft.set_some("description", notes.map(Value::Text));
        }),
        Row::ansible(
            &["ballooning-target", "location", "startall-onboot-delay", "wakeonlan"],
            "the provider has an attribute for the notes only (provider rule H7)",
        ),
        Row::volatile(&["digest"]),
    ],
    role: Some(|_| ROLE),
};

/// True if no option of the node is set.
fn is_bare(object: &Object) -> bool {
    let is_set =
        |(key, value): (&String, &Json)| key != "digest" && !(key == "description" && value.as_str() == Some(""));
    !object.keys.iter().any(is_set)
}

fn node(object: &Object) -> String {
    object.entry.node.clone().unwrap_or_default()
}

pub(super) fn node_name(draft: &mut Draft<'_>) {
    let node = node(draft.object);
    draft.set("node_name", node);
}

/// Notes as the provider accepts them: without their last line end, and not ending with another one.
fn notes(object: &Object) -> Option<String> {
    let text = object.text("description")?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    (!text.is_empty() && !text.ends_with('\n')).then(|| text.to_owned())
}

/// Parses the lines of a hosts file as the provider does: a first word, which need not be an address, and names.
fn entries(text: &str) -> Vec<(String, Vec<String>)> {
    let lines = text.split('\n').filter(|line| !line.starts_with('#'));
    let entry = |line: &str| {
        let mut words = line.split([' ', '\t']).map(str::to_owned);
        let address = words.next().filter(|address| !address.is_empty())?;
        Some((address, words.filter(|word| !word.is_empty()).collect()))
    };
    lines.filter_map(entry).collect()
}

fn hosts(draft: &mut Draft<'_>) {
    node_name(draft);
    let text = draft.text("data").unwrap_or_default();
    for (address, names) in entries(&text) {
        let mut block = Block::new("entry");
        block.set("address", address);
        block.set("hostnames", Value::List(names.into_iter().map(Value::from).collect()));
        draft.add_block(block);
    }
    if text.lines().any(|line| line.starts_with('#')) {
        let reason = "the first change of its hosts file made with Terraform writes it without its comments";
        draft.remark(format!("{reason} (provider rule H8)"), None);
    }
}
