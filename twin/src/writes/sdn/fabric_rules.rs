//! Checks of fabrics and their nodes before they are written (`proxmox-ve-config`).

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proxmox_mpc_model::object::text;
use proxmox_mpc_model::property::Properties;
use serde_json::Value;

use crate::state::Row;

/// Fabrics by their ids, and nodes by both ids.
#[derive(Clone, Debug, Default)]
pub(super) struct Fabrics {
    pub(super) fabrics: BTreeMap<String, Row>,
    pub(super) nodes: BTreeMap<(String, String), Row>,
}

/// Address with the length of its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    address: IpAddr,
    length: u32,
}

impl Prefix {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        Some(Self { address: address.parse().ok()?, length: length.parse().ok()? })
    }

    /// The network: `10.0.0.0/24` of `10.0.0.5/24`.
    pub(super) fn network(self) -> String {
        let base = match self.address {
            IpAddr::V4(address) => IpAddr::V4(Ipv4Addr::from_bits(
                address.to_bits() & u32::try_from(mask(self.length, 32)).unwrap_or_default(),
            )),
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask(self.length, 128))),
        };
        format!("{base}/{}", self.length)
    }

    pub(super) fn contains(self, address: IpAddr) -> bool {
        self.overlaps(Self { address, length: if address.is_ipv4() { 32 } else { 128 } })
    }

    fn overlaps(self, other: Self) -> bool {
        let length = self.length.min(other.length);
        let network = |address: IpAddr| Self { address, length }.network();
        self.address.is_ipv4() == other.address.is_ipv4() && network(self.address) == network(other.address)
    }
}

/// A mask of `length` ones in `width` bits.
fn mask(length: u32, width: u32) -> u128 {
    let ones = u128::MAX.checked_shr(128 - width).unwrap_or_default();
    ones ^ ones.checked_shr(length).unwrap_or_default()
}

const PREFIXES: [(&str, &str, &str); 2] = [("ip_prefix", "ip", "IP prefix"), ("ip6_prefix", "ip6", "IPv6 prefix")];

fn word(row: &Row, key: &str) -> String {
    row.get(key).and_then(text).unwrap_or_default()
}

/// Checks all fabrics and nodes, as each write does.
pub(super) fn check(set: &Fabrics) -> Result<(), String> {
    overlaps(set)?;
    let (mut areas, mut interfaces) = (BTreeSet::new(), BTreeSet::new());
    for (id, fabric) in &set.fabrics {
        if word(fabric, "protocol") == "ospf" && !areas.insert(area(&word(fabric, "area"))) {
            return Err("duplicate OSPF area".to_owned());
        }
        let nodes: Vec<(&String, &Row)> =
            set.nodes.iter().filter(|((of, _), _)| of == id).map(|((_, name), row)| (name, row)).collect();
        for (name, node) in &nodes {
            for interface in node.get("interfaces").and_then(Value::as_array).into_iter().flatten().filter_map(text) {
                let interface = Properties::parse(&interface).get("name").unwrap_or_default().to_owned();
                if !interfaces.insert(((*name).clone(), interface)) {
                    return Err("interface is already in use by another fabric".to_owned());
                }
            }
        }
        check_nodes(id, fabric, &nodes)?;
        check_fabric(id, fabric)?;
    }
    Ok(())
}

/// The number of an area, which may be written as an address.
fn area(text: &str) -> u32 {
    text.parse().or_else(|_| text.parse().map(Ipv4Addr::to_bits)).unwrap_or_default()
}

/// Refuses two fabrics whose networks overlap.
fn overlaps(set: &Fabrics) -> Result<(), String> {
    for (index, (first_id, first)) in set.fabrics.iter().enumerate() {
        for (second_id, second) in set.fabrics.iter().skip(index + 1) {
            for (key, _, called) in PREFIXES {
                let (Some(one), Some(two)) = (Prefix::parse(&word(first, key)), Prefix::parse(&word(second, key)))
                else {
                    continue;
                };
                if one.overlaps(two) {
                    // Proxmox names both versions where it is about the first one.
                    let other = if key == "ip_prefix" { "IPv4 prefix" } else { called };
                    let (one, two) = (one.network(), two.network());
                    let first = format!("{other} {one} in fabric '{first_id}'");
                    return Err(format!("{called} {two} in fabric '{second_id}' overlaps with {first}"));
                }
            }
        }
    }
    Ok(())
}

/// Checks the addresses of nodes: each node has one in the network of its fabric, and no other node has it.
fn check_nodes(id: &str, fabric: &Row, nodes: &[(&String, &Row)]) -> Result<(), String> {
    let mut taken = BTreeSet::new();
    for (name, node) in nodes {
        for (prefix_key, key, _) in PREFIXES {
            let (prefix, address) = (Prefix::parse(&word(fabric, prefix_key)), word(node, key).parse::<IpAddr>().ok());
            match (prefix, address) {
                (None, Some(address)) => {
                    let why = format!("does not have an IP prefix configured for the node IP {address}");
                    return Err(format!("fabric '{id}' {why}"));
                }
                (Some(prefix), None) => {
                    let why = format!("does not have an IP configured for this fabric prefix {}", prefix.network());
                    return Err(format!("node '{id}_{name}' {why}"));
                }
                (Some(prefix), Some(address)) if !prefix.contains(address) => {
                    let network = prefix.network();
                    return Err(format!("node IP {address} is outside the IP prefix {network} of the fabric"));
                }
                _ => {}
            }
        }
        let own = [word(node, "ip"), word(node, "ip6")].into_iter().filter(|address| !address.is_empty());
        let mut own = own.peekable();
        let has_none = own.peek().is_none();
        if !own.all(|address| taken.insert(address)) {
            return Err(format!("fabric {id} contains nodes with duplicated IPs"));
        }
        let is_ospf = word(fabric, "protocol") == "ospf";
        if has_none || is_ospf && word(node, "ip").is_empty() {
            return Err(format!("node '{id}_{name}' does not have an IP configured"));
        }
        if is_ospf && !word(node, "ip6").is_empty() {
            return Err("IPv6 is currently not supported for protocol ospf".to_owned());
        }
    }
    Ok(())
}

/// Refuses a fabric without a network, and OSPF with one of IPv6.
fn check_fabric(id: &str, fabric: &Row) -> Result<(), String> {
    let is_ospf = word(fabric, "protocol") == "ospf";
    let has = |key: &str| !word(fabric, key).is_empty();
    if !has("ip_prefix") && (is_ospf || !has("ip6_prefix")) {
        return Err(format!("fabric '{id}' does not have an IP prefix configured"));
    }
    if is_ospf && has("ip6_prefix") {
        return Err("IPv6 is currently not supported for protocol ospf".to_owned());
    }
    Ok(())
}
