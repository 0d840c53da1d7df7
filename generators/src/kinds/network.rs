//! Network interfaces of nodes: Linux bridges, bonds and VLANs in Terraform, all others in Ansible.

use std::net::IpAddr;

use proxmox_mpc_model::{Identity, Object};

use super::{Destination, Namespace, Translation, interface_order};
use crate::ansible::Role;
use crate::draft::{Draft, Obstacle, Remark};
use crate::hcl::Value;
use crate::row::Row;

/// Translation of network interfaces.
pub(super) static TRANSLATION: Translation = Translation {
    kind: "network",
    file: "network.tf",
    word: "interface",
    data: false,
    namespace: Namespace::Own("network"),
    destination: |object, _| destination(object),
    name: |entry| entry.name.clone(),
    rows: &[
        Row::custom(&["iface", "type"], identity),
        Row::custom(&["cidr", "gateway", "cidr6", "gateway6"], addresses),
        Row::custom(&["autostart"], autostart),
        Row::custom(&["mtu"], mtu),
        Row::custom(&["comments"], comment),
        Row::custom(&["bridge_ports", "bridge_vlan_aware", "bridge_vids"], bridge),
        Row::custom(&["vlan-id", "vlan-raw-device"], vlan),
        Row::custom(&["slaves", "bond_mode", "bond-primary", "bond_xmit_hash_policy"], bond),
        Row::ansible(
            &[
                "address",
                "netmask",
                "address6",
                "netmask6",
                "comments6",
                "ovs_bonds",
                "ovs_bridge",
                "ovs_options",
                "ovs_ports",
                "ovs_tag",
            ],
            "the provider has no attribute for it (provider rule H2)",
        ),
        Row::not_expressible(
            &[
                "bond_miimon",
                "bridge-access",
                "bridge-arp-nd-suppress",
                "bridge-learning",
                "bridge-multicast-flood",
                "bridge-unicast-flood",
                "bridge_fd",
                "bridge_stp",
                "link-type",
                "method",
                "method6",
                "options",
                "options6",
                "ovs_type",
                "uplink-id",
                "vlan-protocol",
                "vxlan-id",
                "vxlan-local-tunnelip",
                "vxlan-physdev",
                "vxlan-svcnodeip",
            ],
            "neither the provider nor Proxmox's API takes it (provider rule H5)",
        ),
        Row::volatile(&["active", "altnames", "exists", "families", "priority"]),
    ],
    role: Some(|_| Role::nodes("node_network")),
};

/// Translation of pending changes: the code describes the interfaces with the changes applied.
pub(super) static CHANGES: Translation = Translation {
    kind: "network_changes",
    file: "",
    word: "changes",
    data: false,
    namespace: Namespace::Own("network_changes"),
    destination: |object, _| {
        let node = object.entry.node.as_deref().unwrap_or_default();
        Ok(Destination::FactWithRemark(Remark {
            text: format!(
                "changes of the network of {node} wait to be applied: the code describes it with them applied"
            ),
            remedy: Some(format!(
                "pvesh set /nodes/{node}/network applies them, pvesh delete /nodes/{node}/network takes them back"
            )),
        }))
    },
    name: |entry| entry.name.clone(),
    rows: &[],
    role: None,
};

/// Consequence for an interface that Ansible keeps.
const PENDING: &str = "what Ansible changes of it waits until somebody applies the network of the node";

/// Destination by the type that Proxmox reports, with the import id `pve1:vmbr0`. The provider does not check the type: it would
/// import any interface as any resource.
fn destination(object: &Object) -> Result<Destination, Obstacle> {
    let word = |key: &str| object.text(key).unwrap_or_default();
    let (name, of_type) = (word("iface"), word("type"));
    if let Some(method) = object.text("method").or_else(|| object.text("method6")) {
        let reason = format!(
            "its address comes by `{method}`, and every change through the API would take that away (provider rule H4)"
        );
        return Err(Obstacle::new(reason));
    }
    if object.text("address").is_some() || object.text("address6").is_some() {
        let reason =
            "its address says no length of its network, and every change would take it away (provider rule H4)";
        return Err(Obstacle::new(reason));
    }
    if of_type == "eth" && object.keys.keys().all(|key| PRESENT.contains(&key.as_str())) {
        return Ok(Destination::BuiltIn);
    }
    let ansible = |reason: &str, rule: &str| {
        Ok(Destination::Ansible(format!("{reason} (provider rule {rule}); {PENDING}").into()))
    };
    let resource = match of_type.as_str() {
        "bridge" => "proxmox_network_linux_bridge",
        "vlan" => "proxmox_network_linux_vlan",
        "bond" => "proxmox_network_linux_bond",
        other => return ansible(&format!("the provider has no resource for interfaces of type {other}"), "H1"),
    };
    if !is_name(&of_type, &name) {
        return ansible("the provider refuses its name", "H3");
    }
    if of_type == "vlan" && object.text("autostart").is_none() {
        return ansible("a VLAN that does not start by itself always shows a change", "H3");
    }
    if of_type == "bond" && word("slaves").is_empty() {
        return ansible("a bond without a slave always shows a change", "H3");
    }
    if ["cidr", "cidr6", "gateway", "gateway6"]
        .iter()
        .any(|key| object.text(key).is_some_and(|text| !is_address(&text)))
    {
        return ansible("the provider refuses one of its addresses", "H3");
    }
    if !word("bridge_vids").is_empty() && word("bridge_vlan_aware") != "1" {
        return ansible("VLANs of a bridge that does not look at them always show a change", "H3");
    }
    Ok(Destination::Resource(resource, format!("{}:{name}", object.entry.node.as_deref().unwrap_or_default())))
}

/// Keys of a physical interface without configuration.
const PRESENT: [&str; 7] = ["active", "altnames", "exists", "families", "iface", "priority", "type"];

/// True for a name that the provider's validators accept; any other would stop the whole plan.
fn is_name(of_type: &str, name: &str) -> bool {
    let short = name.len() <= 10 && name.starts_with(|first: char| first.is_ascii_alphabetic());
    match of_type {
        "bridge" => short && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'),
        "bond" => short && name.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        _ => name.len() >= 3 && !name.contains(':'),
    }
}

/// True for an address, with or without a prefix length.
fn is_address(text: &str) -> bool {
    let (address, length) = text.split_once('/').unwrap_or((text, "0"));
    let most = match address.parse() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    length.bytes().all(|byte| byte.is_ascii_digit()) && length.parse().is_ok_and(|length: u8| length <= most)
}

fn of_type(draft: &Draft<'_>) -> String {
    draft.object.text("type").unwrap_or_default()
}

fn identity(draft: &mut Draft<'_>) {
    draft.take("type");
    let node = draft.object.entry.node.clone().unwrap_or_default();
    draft.set("node_name", node);
    let name = draft.text("iface").unwrap_or_default();
    draft.set("name", name);
}

fn addresses(draft: &mut Draft<'_>) {
    for (key, attribute) in
        [("cidr", "address"), ("gateway", "gateway"), ("cidr6", "address6"), ("gateway6", "gateway6")]
    {
        let text = draft.text(key);
        draft.set_some(attribute, text);
    }
}

/// Writes `autostart`. Its default is true; the provider reads false for an absent key, and null for a VLAN (docs/provider.md,
/// H3).
fn autostart(draft: &mut Draft<'_>) {
    if !draft.flag("autostart") {
        draft.set("autostart", false);
    }
}

fn mtu(draft: &mut Draft<'_>) {
    if draft.object.keys.contains_key("mtu") {
        match draft.integer("mtu") {
            Some(number) => draft.set("mtu", number),
            None => {
                draft.not_expressible("mtu", "the provider and Proxmox's API take a number only (provider rule H5)");
            }
        }
    }
}

/// Writes the comment, trimmed as the provider reads it.
fn comment(draft: &mut Draft<'_>) {
    let text = draft.text("comments");
    draft.set_some("comment", text.map(|text| Value::Text(text.trim().to_owned())));
}

/// Reference to another interface of the same node, or its name if it has no code.
fn refer(draft: &Draft<'_>, name: &str) -> Value {
    neighbour(draft, name).map_or_else(|| name.into(), |address| Value::Reference(format!("{address}.name")))
}

/// Address of another interface of the same node that comes before this one and has code.
fn neighbour(draft: &Draft<'_>, name: &str) -> Option<String> {
    let node = draft.object.entry.node.as_deref().unwrap_or_default();
    let other = Identity::new("network", format_args!("{node}/{name}"));
    Some(other)
        .filter(|other| *other != draft.object.entry.identity)
        .and_then(|other| draft.addresses.get(&other).cloned())
}

/// Writes the keys of a bridge, with the ports in Proxmox's order. Without ports the provider reads null, not an empty list.
fn bridge(draft: &mut Draft<'_>) {
    if of_type(draft) != "bridge" {
        return foreign_keys(draft, &["bridge_ports", "bridge_vlan_aware", "bridge_vids"]);
    }
    let ports = draft.text("bridge_ports").filter(|ports| !ports.is_empty());
    if let Some(ports) = ports {
        let ports = ports.split(' ').map(|port| refer(draft, port)).collect();
        draft.set("ports", Value::List(ports));
    }
    if draft.flag("bridge_vlan_aware") {
        draft.set("vlan_aware", true);
    }
    let Some(vids) = draft.text("bridge_vids").filter(|vids| !vids.is_empty()) else { return };
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let range = |text: &str| text.split_once('-').map_or(number(text), |(from, to)| number(from) && number(to));
    if vids.split(' ').all(range) {
        draft.set("vids", vids);
    } else {
        draft.not_in_provider(
            "bridge_vids",
            "the provider takes numbers and ranges with one blank between (provider rule H2)",
        );
    }
}

/// Writes the keys of a VLAN. A name like `bond0.200` implies both device and tag.
fn vlan(draft: &mut Draft<'_>) {
    if of_type(draft) != "vlan" {
        return foreign_keys(draft, &["vlan-id", "vlan-raw-device"]);
    }
    let (device, tag) = (draft.text("vlan-raw-device"), draft.integer("vlan-id"));
    if draft.object.text("iface").is_some_and(|name| name.contains('.')) {
        for name in interface_order::below(draft.object) {
            if let Some(address) = neighbour(draft, &name) {
                draft.depend_on(address);
            }
        }
        return;
    }
    let device = device.map(|device| refer(draft, device.trim()));
    draft.set_some("interface", device);
    draft.set_some("vlan", tag);
}

const MODES: [&str; 7] =
    ["balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"];
const POLICIES: [&str; 3] = ["layer2", "layer2+3", "layer3+4"];

/// Writes the keys of a bond, with the slaves sorted as the provider reads them. An unknown mode may be omitted; an unknown policy
/// shows a change unless it is ignored.
fn bond(draft: &mut Draft<'_>) {
    if of_type(draft) != "bond" {
        return foreign_keys(draft, &["slaves", "bond_mode", "bond-primary", "bond_xmit_hash_policy"]);
    }
    let slaves = draft.text("slaves").unwrap_or_default();
    let mut slaves: Vec<&str> = slaves.split(' ').collect();
    slaves.sort_unstable();
    let slaves = slaves.into_iter().map(|slave| refer(draft, slave)).collect();
    draft.set("slaves", Value::List(slaves));
    match draft.text("bond_mode") {
        Some(mode) if !MODES.contains(&mode.as_str()) => {
            draft.not_expressible(
                "bond_mode",
                "the provider refuses this mode, which no Linux bond has (provider rule H5)",
            );
        }
        mode => draft.set_some("bond_mode", mode),
    }
    let primary = draft.text("bond-primary").filter(|primary| !primary.is_empty());
    draft.set_some("bond_primary", primary.map(|primary| refer(draft, &primary)));
    match draft.text("bond_xmit_hash_policy").filter(|policy| !policy.is_empty()) {
        Some(policy) if !POLICIES.contains(&policy.as_str()) => {
            let reason = "neither the provider nor Proxmox's API takes this policy (provider rule H5)";
            draft.not_expressible("bond_xmit_hash_policy", reason);
            draft.ignore(&["bond_xmit_hash_policy"], "the provider refuses this policy; left out, it stays");
        }
        policy => draft.set_some("bond_xmit_hash_policy", policy),
    }
}

/// Gives keys that belong to interfaces of another type to Ansible.
fn foreign_keys(draft: &mut Draft<'_>, keys: &[&str]) {
    for key in keys {
        draft
            .not_in_provider(key, "the provider has no attribute for it on interfaces of this type (provider rule H2)");
    }
}
