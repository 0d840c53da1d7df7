//! Checks between interfaces before Proxmox writes them, and the corrections that it makes by itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::interface::{Interface, is_number, is_set, numbered, word};
use crate::list;

type Set = BTreeMap<String, Interface>;

/// Checks and corrects the interfaces in Proxmox's order, since the first complaint is its refusal.
pub(super) fn settle(set: &mut Set) -> Result<(), String> {
    let used = used_ports(set)?;
    drop_unused_ovs_ports(set, &used);
    ovs_bridges(set)?;
    bonds(set, "OVSBond", "ovs_bonds", "OVS bond", &["eth"])?;
    bonds(set, "bond", "slaves", "bond", &["eth", "bond"])?;
    vlans(set)?;
    let ported = bridges(set)?;
    port_options(set, &ported)?;
    set.iter_mut().try_for_each(|(_, interface)| write_ovs_options(interface))
}

fn of_type<'s>(set: &'s Set, wanted: &'s str) -> impl Iterator<Item = (&'s String, &'s Interface)> {
    set.iter().filter(move |(_, interface)| word(interface, "type") == wanted)
}

fn words(interface: &Interface, key: &str) -> Vec<String> {
    list::items(&word(interface, key)).map(str::to_owned).collect()
}

/// The interface of each port.
fn used_ports(set: &mut Set) -> Result<BTreeMap<String, String>, String> {
    let mut used = BTreeMap::new();
    for (name, interface) in set {
        for (cidr, address) in [("cidr", "address"), ("cidr6", "address6")] {
            if let Some(cidr) = interface.remove(cidr) {
                interface.entry(address).or_insert(cidr);
            }
        }
        for port in ["bridge_ports", "ovs_ports", "slaves", "ovs_bonds"].iter().flat_map(|key| words(interface, key)) {
            if let Some(other) = used.insert(port.clone(), name.clone()).filter(|other| other != name) {
                return Err(format!("port '{port}' is already used on interface '{other}'"));
            }
        }
    }
    Ok(used)
}

/// Makes a plain card of a port of Open vSwitch that no bridge has.
fn drop_unused_ovs_ports(set: &mut Set, used: &BTreeMap<String, String>) {
    let is_port = |kind: &str| matches!(kind, "OVSPort" | "OVSIntPort" | "OVSBond");
    let ports: Vec<String> =
        set.iter().filter(|(_, interface)| is_port(&word(interface, "type"))).map(|(name, _)| name.clone()).collect();
    for port in ports {
        match used.get(&port).and_then(|bridge| set.get(bridge)) {
            None => {
                let card = json!({ "type": "eth", "exists": 1, "method": "manual", "families": ["inet"] });
                set.insert(port, card.as_object().cloned().unwrap_or_default());
            }
            Some(bridge) if word(bridge, "type") != "OVSBridge" => {
                set.remove(&port);
            }
            Some(_) => {}
        }
    }
}

fn ovs_bridges(set: &mut Set) -> Result<(), String> {
    let bridges: Vec<(String, Vec<String>)> =
        of_type(set, "OVSBridge").map(|(name, bridge)| (name.clone(), words(bridge, "ovs_ports"))).collect();
    for (name, ports) in bridges {
        for port in ports {
            let interface = set.get_mut(&port);
            let interface = interface.ok_or_else(|| format!("OVS bridge '{name}' - unable to find port '{port}'"))?;
            interface.insert("autostart".to_owned(), json!(0));
            match word(interface, "type").as_str() {
                "eth" => {
                    interface.insert("type".to_owned(), "OVSPort".into());
                }
                "OVSBond" | "OVSPort" | "OVSIntPort" => {}
                _ => return Err(format!("interface '{port}' is not defined as OVS port/bond")),
            }
            interface.insert("ovs_bridge".to_owned(), name.as_str().into());
            check_mtu(set, &name, &port)?;
        }
    }
    Ok(())
}

/// Checks the bonds of one type: their slaves exist, have one of these types, and start with them.
fn bonds(set: &mut Set, kind: &str, key: &str, called: &str, allowed: &[&str]) -> Result<(), String> {
    let bonds: Vec<(String, Vec<String>, String)> = of_type(set, kind)
        .map(|(name, bond)| (name.clone(), words(bond, key), word(bond, "bond-primary")))
        .filter(|(_, slaves, _)| !slaves.is_empty())
        .collect();
    for (name, slaves, primary) in bonds {
        for slave in &slaves {
            // A missing slave is refused as one without a type (recorded).
            let slave_type = set.get(slave).map(|slave| word(slave, "type")).unwrap_or_default();
            if !allowed.contains(&slave_type.as_str()) {
                let wanted = allowed.join(" or ");
                let why = format!("wrong interface type on slave '{slave}' ('{slave_type}' != '{wanted}')");
                return Err(format!("{called} '{name}' - {why}"));
            }
            if let Some(slave) = set.get_mut(slave) {
                slave.insert("autostart".to_owned(), json!(1));
            }
            check_mtu(set, &name, slave)?;
        }
        if kind == "bond" && !primary.is_empty() && !slaves.contains(&primary) {
            return Err(format!("bond '{name}' - bond-primary interface is not a slave"));
        }
    }
    Ok(())
}

/// Checks the VLANs: the parent exists and has a type that can carry one.
fn vlans(set: &mut Set) -> Result<(), String> {
    let names: Vec<String> = of_type(set, "vlan").map(|(name, _)| name.clone()).collect();
    for name in names {
        let Some(vlan) = set.get_mut(&name) else { continue };
        let given = (word(vlan, "vlan-raw-device"), word(vlan, "vlan-id"));
        forget_named(&name, vlan);
        let (parent, id) = match (numbered(&name, '.'), name.strip_prefix("vlan").filter(|id| is_number(id))) {
            (Some((parent, id)), _) => (parent.to_owned(), id.to_owned()),
            (None, _) if given.0.is_empty() => return Err("missing vlan-raw-device option".to_owned()),
            (None, Some(id)) => (given.0, id.to_owned()),
            (None, None) if given.1.is_empty() => return Err("missing vlan-id option".to_owned()),
            (None, None) => given,
        };
        if id.parse().is_ok_and(|id: u32| id > 4094) {
            return Err(format!("vlan '{name}' - vlan-id {id} should be <= 4094"));
        }
        let parent_type = set.get(&parent).map(|parent| word(parent, "type"));
        let kind = parent_type.ok_or_else(|| format!("vlan '{name}' - unable to find parent '{parent}'"))?;
        if !matches!(kind.as_str(), "eth" | "bridge" | "bond" | "vlan") {
            let why = format!("wrong interface type on parent '{parent}' ('{kind}' != 'eth|bond|bridge|vlan' )");
            return Err(format!("vlan '{name}' - {why}"));
        }
        check_mtu(set, &parent, &name)?;
    }
    Ok(())
}

/// Removes the keys that the name of a VLAN implies: its parent and number in `eno1.5`, its number in `vlan5`.
pub(super) fn forget_named(name: &str, vlan: &mut Interface) {
    if word(vlan, "type") != "vlan" {
        return;
    }
    let by_dot = numbered(name, '.').is_some();
    if by_dot {
        vlan.remove("vlan-raw-device");
    }
    if by_dot || name.strip_prefix("vlan").is_some_and(is_number) {
        vlan.remove("vlan-id");
    }
}

/// Checks the ports of bridges: they exist, without an address of their own. Returns the bridge of each port. A VLAN of
/// a card that is a port need not be configured.
fn bridges(set: &Set) -> Result<BTreeMap<String, String>, String> {
    let mut ported = BTreeMap::new();
    for (name, bridge) in of_type(set, "bridge") {
        for port in words(bridge, "bridge_ports") {
            let made_up = numbered(&port, '.').map(|(parent, _)| {
                let mut vlan = Interface::from_iter([("type".to_owned(), "vlan".into())]);
                let mtu = set.get(parent).and_then(|parent| parent.get("mtu"));
                vlan.extend(mtu.map(|mtu| ("mtu".to_owned(), mtu.clone())));
                vlan
            });
            let interface = set.get(&port).cloned().or(made_up);
            let interface =
                interface.ok_or_else(|| format!("bridge '{name}' - unable to find bridge port '{port}'"))?;
            for (family, nothing) in [("", "0.0.0.0"), ("6", "::")] {
                let is_static = word(&interface, &format!("method{family}")) == "static";
                if is_static && word(&interface, &format!("address{family}")) != nothing {
                    return Err(format!("iface {port} - ip address can't be set on interface if bridged in {name}"));
                }
            }
            compare_mtu(&port, &interface, name, bridge)?;
            ported.insert(port, name.clone());
        }
    }
    Ok(ported)
}

const PORT_OPTIONS: &[&str] =
    &["bridge-learning", "bridge-arp-nd-suppress", "bridge-unicast-flood", "bridge-multicast-flood", "bridge-access"];

/// Checks that only ports of bridges have options of such ports.
fn port_options(set: &Set, ported: &BTreeMap<String, String>) -> Result<(), String> {
    for (name, interface) in set {
        let bridge = ported.get(name);
        if let Some(key) = PORT_OPTIONS.iter().find(|key| is_set(interface, key) && bridge.is_none()) {
            let why = "bridge port specific options can be used only on interfaces attached to a bridge";
            return Err(format!("iface {name} - {key}: {why}"));
        }
        let aware = bridge.and_then(|bridge| set.get(bridge)).is_some_and(|bridge| is_set(bridge, "bridge_vlan_aware"));
        if is_set(interface, "bridge-access") && !aware {
            let why = "bridge-access option can be only used if interface is in a vlan aware bridge";
            return Err(format!("iface {name} - {why}"));
        }
    }
    Ok(())
}

/// Checks that the MTU of the child is not above that of the parent.
fn check_mtu(set: &Set, parent: &str, child: &str) -> Result<(), String> {
    match (set.get(parent), set.get(child)) {
        (Some(above), Some(below)) => compare_mtu(parent, above, child, below),
        _ => Ok(()),
    }
}

fn compare_mtu(parent: &str, above: &Interface, child: &str, below: &Interface) -> Result<(), String> {
    let mtu = |interface: &Interface| word(interface, "mtu").parse::<u32>().ok().filter(|mtu| *mtu > 0);
    let Some(wanted) = mtu(below) else { return Ok(()) };
    let usual = if word(above, "type") == "bond" { wanted } else { 1500 };
    let carried = mtu(above).unwrap_or(usual);
    if carried < wanted {
        return Err(format!("interface '{parent}' - mtu {carried} is lower than '{child}' - mtu {wanted}"));
    }
    Ok(())
}

/// Reads the options of Open vSwitch that the API has keys for: `tag`, `bond_mode` and `lacp`.
pub(super) fn read_ovs_options(interface: &mut Interface, kind: &str) {
    let mut options = ovs_options(interface);
    if let Some(tag) = options.remove("tag") {
        interface.insert("ovs_tag".to_owned(), tag.into());
    }
    if kind == "OVSBond" {
        let mode = options.remove("bond_mode").unwrap_or_default();
        let lacp = options.remove("lacp").is_some_and(|lacp| lacp == "active");
        let mode = if mode == "balance-tcp" || lacp && mode == "balance-slb" { format!("lacp-{mode}") } else { mode };
        interface.insert("bond_mode".to_owned(), mode.into());
    }
    keep_ovs_options(interface, &options);
}

fn write_ovs_options(interface: &mut Interface) -> Result<(), String> {
    let kind = word(interface, "type");
    if !matches!(kind.as_str(), "OVSPort" | "OVSIntPort" | "OVSBond") {
        return Ok(());
    }
    let mut options = ovs_options(interface);
    if is_set(interface, "ovs_tag") {
        options.insert("tag".to_owned(), word(interface, "ovs_tag"));
    }
    if kind == "OVSBond" {
        let given = Some(word(interface, "bond_mode")).filter(|mode| !mode.is_empty());
        let mode = given.unwrap_or_else(|| "active-backup".to_owned());
        let legal = ["active-backup", "balance-slb", "lacp-balance-slb", "lacp-balance-tcp"];
        if !legal.contains(&mode.as_str()) {
            // The missing quotation mark is Proxmox's.
            return Err(format!("OVS does not support bond mode '{mode}"));
        }
        options.remove("lacp");
        if mode.starts_with("lacp-") {
            options.insert("lacp".to_owned(), "active".to_owned());
        }
        options.insert("bond_mode".to_owned(), mode.trim_start_matches("lacp-").to_owned());
    }
    keep_ovs_options(interface, &options);
    Ok(())
}

fn ovs_options(interface: &Interface) -> BTreeMap<String, String> {
    let text = word(interface, "ovs_options");
    let pairs = text.split_whitespace().filter_map(|pair| pair.split_once('='));
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn keep_ovs_options(interface: &mut Interface, options: &BTreeMap<String, String>) {
    interface.remove("ovs_options");
    if !options.is_empty() {
        let pairs: BTreeSet<String> = options.iter().map(|(key, value)| format!("{key}={value}")).collect();
        interface.insert("ovs_options".to_owned(), pairs.into_iter().collect::<Vec<_>>().join(" ").into());
    }
}
