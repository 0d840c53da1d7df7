//! One interface: `POST`, `PUT` and `DELETE`, with Proxmox's checks.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use proxmox_mpc_model::interfaces::{Interface, is_set, word};
use proxmox_mpc_model::list;
use serde_json::{Value, json};

use super::files::Network;
use crate::call::{Call, Refusal};
use crate::state::Transaction;

type InterfaceSet = BTreeMap<String, Interface>;

pub(super) fn create(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (node, name) = (call.node(), call.required("iface")?);
    let mut network = Network::of(transaction, &node)?;
    let mut file = network.interfaces();
    let set = &mut file.interfaces;
    if set.contains_key(&name) {
        return Err(Refusal::parameter("iface", "interface already exists"));
    }
    let mut given = given(call);
    check_gateways(set, &name, &given)?;
    check_ports(set, &name, &given)?;
    split_cidr(&mut given)?;
    check_address6(&given)?;
    settle_families(&mut given);
    check_ovs(set, &name, &given)?;
    settle_vids(&mut given)?;
    set.insert(name, given);
    network.write(transaction, file)?;
    network.store(transaction, &node);
    Ok(Value::Null)
}

/// `PUT` of an interface. Keys that are not given stay, but the method and the families are made anew from the
/// addresses that are given.
pub(super) fn update(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (node, name) = (call.node(), call.required("iface")?);
    let mut network = Network::of(transaction, &node)?;
    let mut file = network.interfaces();
    let Some(interface) = file.interfaces.get_mut(&name) else { return Err(unknown()) };
    for key in call.list("delete") {
        interface.remove(&key);
        if let Some(family) = key.strip_prefix("cidr") {
            interface.remove(&format!("netmask{family}"));
            interface.remove(&format!("address{family}"));
        }
    }
    let mut given = given(call);
    split_cidr(&mut given)?;
    check_gateways(&file.interfaces, &name, &given)?;
    check_ports(&file.interfaces, &name, &given)?;
    check_address6(&given)?;
    settle_families(&mut given);
    // A change checks the list of VLANs, and keeps it as it was given.
    settle_vids(&mut given.clone())?;
    file.interfaces.entry(name).or_default().extend(given);
    network.write(transaction, file)?;
    network.store(transaction, &node);
    Ok(Value::Null)
}

pub(super) fn remove(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (node, name) = (call.node(), call.required("iface")?);
    let mut network = Network::of(transaction, &node)?;
    let mut file = network.interfaces();
    let Some(interface) = file.interfaces.remove(&name) else { return Err(unknown()) };
    if matches!(word(&interface, "type").as_str(), "OVSIntPort" | "OVSBond")
        && let Some(bridge) = file.interfaces.get_mut(&word(&interface, "ovs_bridge"))
    {
        let ports = word(bridge, "ovs_ports");
        let left: Vec<&str> = ports.split_whitespace().filter(|port| *port != name).collect();
        bridge.insert("ovs_ports".to_owned(), left.join(" ").into());
    }
    network.write(transaction, file)?;
    network.store(transaction, &node);
    Ok(Value::Null)
}

fn unknown() -> Refusal {
    Refusal::parameter("iface", "interface does not exist")
}

fn given(call: &Call) -> Interface {
    let mut given = call.given();
    given.retain(|key, _| !matches!(key.as_str(), "node" | "iface" | "delete"));
    given
}

/// Refuses a second default gateway of the same family.
fn check_gateways(set: &InterfaceSet, name: &str, given: &Interface) -> Result<(), Refusal> {
    for (key, called) in [("gateway", "Default gateway"), ("gateway6", "Default ipv6 gateway")] {
        let other = set.iter().find(|(other, interface)| *other != name && is_set(interface, key));
        if let Some((other, _)) = other.filter(|_| is_set(given, key)) {
            return Err(Refusal::parameter(key, format!("{called} already exists on interface '{other}'.")));
        }
    }
    Ok(())
}

const PORTS: &[&str] = &["bridge_ports", "ovs_ports", "slaves", "ovs_bonds"];

/// Refuses a port that belongs to another interface.
fn check_ports(set: &InterfaceSet, name: &str, given: &Interface) -> Result<(), Refusal> {
    let ports = |interface: &Interface| {
        let words = PORTS.iter().map(|key| word(interface, key));
        words.flat_map(|words| list::items(&words).map(str::to_owned).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    let wanted = ports(given);
    let Some(key) = PORTS.iter().find(|key| is_set(given, key)) else { return Ok(()) };
    for (other, interface) in set.iter().filter(|(other, _)| *other != name) {
        if let Some(port) = ports(interface).into_iter().find(|port| wanted.contains(port)) {
            return Err(Refusal::parameter(key, format!("{port} is already used on interface '{other}'.")));
        }
    }
    Ok(())
}

/// Splits `cidr` into address and netmask, which must not be given as well.
fn split_cidr(given: &mut Interface) -> Result<(), Refusal> {
    for family in ["", "6"] {
        let [cidr, address, netmask] = ["cidr", "address", "netmask"].map(|key| format!("{key}{family}"));
        let whole = word(given, &cidr);
        let Some((base, bits)) = whole.rsplit_once('/') else { continue };
        for other in [&address, &netmask] {
            if is_set(given, other) {
                return Err(Refusal::parameter(other, format!("{other} conflicts with {cidr}")));
            }
        }
        given.insert(address, base.into());
        given.insert(netmask, bits.into());
        given.remove(&cidr);
    }
    Ok(())
}

/// Kinds of IPv6 addresses by their first bits, the longest match counts (`Net::IP`).
const KINDS: &[(u128, u32, &str)] = &[
    (0x0, 128, "UNSPECIFIED"),
    (0x1, 128, "LOOPBACK"),
    (0x0000_0000_0000_0000_0000_ffff_0000_0000, 96, "IPV4MAP"),
    (0x0100 << 112, 64, "DISCARD"),
    (0x2001_0002 << 96, 48, "BMWG"),
    (0x2001_0000 << 96, 32, "TEREDO"),
    (0x2001_0db8 << 96, 32, "DOCUMENTATION"),
    (0x2001_0010 << 96, 28, "ORCHID"),
    (0x2002 << 112, 16, "6TO4"),
    (0xfe80 << 112, 10, "LINK-LOCAL-UNICAST"),
    (0xff00 << 112, 8, "MULTICAST"),
    (0xfc00 << 112, 7, "UNIQUE-LOCAL-UNICAST"),
    (0x2000 << 112, 3, "GLOBAL-UNICAST"),
];

/// Refuses an IPv6 address that a host cannot have.
fn check_address6(given: &Interface) -> Result<(), Refusal> {
    let text = word(given, "address6");
    if text.is_empty() {
        return Ok(());
    }
    let refused = |why: String| Err(Refusal::parameter("address", why));
    let Ok(address) = text.parse::<Ipv6Addr>() else {
        return refused(format!("{text} is not a valid host IPv6 address."));
    };
    let begins = |(bits, length, _): &&(u128, u32, &str)| (address.to_bits() ^ bits) >> (128 - length) == 0;
    match KINDS.iter().find(begins).map_or("RESERVED", |(_, _, kind)| kind) {
        "LINK-LOCAL-UNICAST" | "UNIQUE-LOCAL-UNICAST" | "GLOBAL-UNICAST" => Ok(()),
        kind => refused(format!("{text} with type '{kind}', cannot be used as host IPv6 address.")),
    }
}

fn settle_families(given: &mut Interface) {
    let has = |family: &str| is_set(given, &format!("address{family}"));
    let families: Vec<String> =
        ["", "6"].into_iter().filter(|family| has(family)).map(|family| format!("inet{family}")).collect();
    let methods = ["", "6"].map(|family| (format!("method{family}"), if has(family) { "static" } else { "manual" }));
    given.insert("families".to_owned(), if families.is_empty() { json!(["inet"]) } else { json!(families) });
    given.extend(methods.map(|(key, method)| (key, method.into())));
}

/// Checks devices of Open vSwitch: they need it to be installed, and a bridge of it, which gets the port.
fn check_ovs(set: &mut InterfaceSet, name: &str, given: &Interface) -> Result<(), Refusal> {
    let kind = word(given, "type");
    if !kind.starts_with("OVS") {
        return Ok(());
    }
    // A node that has something of it has the package; no answer tells of the others.
    if !set.values().any(|interface| word(interface, "type").starts_with("OVS")) {
        return Err(Refusal::failed("Open VSwitch is not installed (need package 'openvswitch-switch')"));
    }
    if !matches!(kind.as_str(), "OVSIntPort" | "OVSBond") {
        return Ok(());
    }
    let bridge = word(given, "ovs_bridge");
    let refused = |why: String| Err(Refusal::parameter("ovs_bridge", why));
    if bridge.is_empty() {
        return refused("parameter is required".to_owned());
    }
    let Some(interface) = set.get_mut(&bridge) else {
        return refused(format!("bridge '{bridge}' does not exist"));
    };
    if word(interface, "type") != "OVSBridge" {
        return refused(format!("interface '{bridge}' is no OVS bridge"));
    }
    let before = word(interface, "ovs_ports");
    if !before.split_whitespace().any(|port| port == name) {
        interface.insert("ovs_ports".to_owned(), format!("{before} {name}").trim().into());
    }
    Ok(())
}

/// Writes the list of VLANs with blanks between.
fn settle_vids(given: &mut Interface) -> Result<(), Refusal> {
    let vids = word(given, "bridge_vids");
    if vids.is_empty() {
        return Ok(());
    }
    let items: Vec<&str> = list::items(&vids).collect();
    if items.is_empty() {
        return Err(Refusal::parameter("bridge_vids", "VLAN list items are empty"));
    }
    let joined = items.join(" ");
    given.insert("bridge_vids".to_owned(), joined.into());
    Ok(())
}
