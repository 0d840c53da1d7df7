//! Network interfaces of the nodes (`/etc/network/interfaces`), Proxmox's half, and their pending changes.

use serde_json::{Map, Value};

use super::key::{Form, Key};
use super::kind::Kind;
use super::source::{Listed, Scope, Shape, Source};
use super::write::{Create, Write, Writing};
use crate::object::text;
use crate::rows::RowId;
use crate::{ApiPath, Object};

/// An interface as the list of its node shows it: with pending changes applied, and without `lo`.
pub(super) static KIND: Kind = Kind {
    id: "network",
    prefix: "network",
    title: "network interface",
    keys: KEYS,
    source: Source::Listed(
        Listed::cluster("network", Shape::Rows(RowId::Key("iface"))).at(&[Scope::Node]).adjust(adjust),
    ),
    writing: Writing::Own(|_, object| write(object)),
};

/// Changes of a node's network that are not applied yet: the list of its interfaces has them as a difference.
pub(super) static CHANGES: Kind = Kind {
    id: "network_changes",
    prefix: "network-changes",
    title: "changes of the network",
    keys: &[Key::new("changes", Form::Text).volatile()],
    source: Source::Listed(Listed::cluster("network", Shape::Beside("changes")).at(&[Scope::Node])),
    writing: Writing::No,
};

/// Parameters of the API, and keys that it only shows. It writes the delay of a bridge, its spanning tree and the
/// monitor of a bond with these defaults (`PVE::INotify`).
const KEYS: &[Key] = &[
    Key::new("active", Form::Boolean).volatile(),
    Key::new("address", Form::Text),
    Key::new("address6", Form::Text),
    Key::new("altnames", Form::Structure).volatile(),
    Key::new("autostart", Form::Boolean),
    Key::new("bond-primary", Form::Text),
    Key::new("bond_miimon", Form::Text).default("100").shown(),
    Key::new("bond_mode", Form::Text),
    Key::new("bond_xmit_hash_policy", Form::Text),
    Key::new("bridge-access", Form::Integer).shown(),
    Key::new("bridge-arp-nd-suppress", Form::Boolean).shown(),
    Key::new("bridge-learning", Form::Boolean).shown(),
    Key::new("bridge-multicast-flood", Form::Boolean).shown(),
    Key::new("bridge-unicast-flood", Form::Boolean).shown(),
    Key::new("bridge_fd", Form::Text).default("0").shown(),
    Key::new("bridge_ports", Form::Text),
    Key::new("bridge_stp", Form::Text).default("off").shown(),
    Key::new("bridge_vids", Form::Text),
    Key::new("bridge_vlan_aware", Form::Boolean),
    Key::new("cidr", Form::Text),
    Key::new("cidr6", Form::Text),
    Key::new("comments", Form::Text),
    Key::new("comments6", Form::Text),
    Key::new("exists", Form::Boolean).volatile(),
    Key::new("families", Form::Structure).volatile(),
    Key::new("gateway", Form::Text),
    Key::new("gateway6", Form::Text),
    Key::new("iface", Form::Text).fixed(),
    Key::new("link-type", Form::Text).shown(),
    Key::new("method", Form::Text).shown(),
    Key::new("method6", Form::Text).shown(),
    Key::new("mtu", Form::Integer),
    Key::new("netmask", Form::Text),
    Key::new("netmask6", Form::Integer),
    Key::new("options", Form::Structure).shown(),
    Key::new("options6", Form::Structure).shown(),
    Key::new("ovs_bonds", Form::Text),
    Key::new("ovs_bridge", Form::Text),
    Key::new("ovs_options", Form::Text),
    Key::new("ovs_ports", Form::Text),
    Key::new("ovs_tag", Form::Integer),
    Key::new("ovs_type", Form::Text).shown(),
    Key::new("priority", Form::Integer).volatile(),
    Key::new("slaves", Form::Text),
    Key::new("type", Form::Text).fixed(),
    Key::new("uplink-id", Form::Text).shown(),
    Key::new("vlan-id", Form::Integer),
    Key::new("vlan-protocol", Form::Text).shown(),
    Key::new("vlan-raw-device", Form::Text),
    Key::new("vxlan-id", Form::Integer).shown(),
    Key::new("vxlan-local-tunnelip", Form::Text).shown(),
    Key::new("vxlan-physdev", Form::Text).shown(),
    Key::new("vxlan-svcnodeip", Form::Text).shown(),
];

/// Removes the keys that repeat another key: the address and the mask beside `cidr`, the method that follows from the
/// presence of an address, and the type of Open vSwitch's own.
fn adjust(row: &mut Map<String, Value>) -> bool {
    for (cidr, address, netmask, method) in
        [("cidr", "address", "netmask", "method"), ("cidr6", "address6", "netmask6", "method6")]
    {
        let usual = if row.contains_key(cidr) || row.contains_key(address) { "static" } else { "manual" };
        if row.get(method).and_then(text).as_deref() == Some(usual) {
            row.remove(method);
        }
        if row.contains_key(cidr) {
            row.remove(address);
            row.remove(netmask);
        }
    }
    if row.contains_key("ovs_type") && row.get("ovs_type") == row.get("type") {
        row.remove("ovs_type");
    }
    true
}

/// Each change sets the method anew: `static` where an address is sent, `manual` elsewhere (`PVE::API2::Network`). So
/// the addresses are sent with each change, and an interface with another method (`dhcp`), or with an address of an
/// unknown network, must not be written at all. A physical interface cannot be created.
fn write(object: &Object) -> Option<Write> {
    if ["method", "method6", "address", "address6"].iter().any(|key| object.keys.contains_key(*key)) {
        return None;
    }
    let node = object.entry.node.as_deref()?;
    let (name, of_type) = (object.text("iface")?, object.text("type")?);
    let path = ApiPath::new(["nodes", node, "network", &name]);
    let made = !matches!(of_type.as_str(), "eth" | "unknown" | "fabric" | "vnet");
    let own_type = ("type".to_owned(), of_type);
    let create = made.then(|| Create {
        path: ApiPath::new(["nodes", node, "network"]),
        values: vec![("iface".to_owned(), name), own_type.clone()],
    });
    Some(Write { create, always: vec![own_type], along: &["cidr", "cidr6"], ..Write::at(path) })
}
