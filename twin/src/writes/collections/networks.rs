//! What the schema does not say of zones, virtual networks and their subnets (`PVE::Network::SDN::*Plugin`).

use std::net::IpAddr;

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::object::text;

use crate::state::{Row, Transaction};
use crate::writes::{Call, Refusal};

fn of(row: &Row, key: &str) -> String {
    row.get(key).and_then(text).unwrap_or_default()
}

/// A zone has what its type needs.
pub(super) fn settle_zone(_: &Transaction, _: &Call, row: &mut Row, before: Option<&Row>) -> Result<(), Refusal> {
    let needed: &[&str] = match of(row, "type").as_str() {
        "vlan" => &["bridge"],
        "qinq" => &["bridge", "tag"],
        "evpn" => &["controller", "vrf-vxlan"],
        _ => &[],
    };
    match needed.iter().find(|key| before.is_none() && !row.contains_key(**key)) {
        Some(key) => Err(Refusal::failed(format!("missing value for required option '{key}'"))),
        None => Ok(()),
    }
}

/// A zone that a network is in stays. The place in the message is Proxmox's.
pub(super) fn part_zone(transaction: &Transaction, _: &Call, zone: &Row) -> Result<(), Refusal> {
    let vnets = transaction.rows(&ApiPath::parse("cluster/sdn/vnets"))?;
    let zone = of(zone, "zone");
    let Some(vnet) = vnets.iter().find(|vnet| of(vnet, "zone") == zone) else { return Ok(()) };
    let place = "at /usr/share/perl5/PVE/Network/SDN/Zones/Plugin.pm line 149.";
    let text = format!("delete sdn zone object failed: zone {zone} is used by vnet {} {place}", of(vnet, "vnet"));
    Err(Refusal::failed(text))
}

/// A tag is there where the zone has tags, and only once in a zone.
pub(super) fn settle_vnet(
    transaction: &Transaction,
    _: &Call,
    row: &mut Row,
    before: Option<&Row>,
) -> Result<(), Refusal> {
    row.insert("type".to_owned(), "vnet".into());
    let context = if before.is_some() { "update sdn vnet object failed" } else { "create sdn vnet object failed" };
    let zones = transaction.rows(&ApiPath::parse("cluster/sdn/zones"))?;
    let name = of(row, "zone");
    let zone = zones.iter().find(|zone| of(zone, "zone") == name);
    let zone = zone.ok_or_else(|| Refusal::failed(format!("{context}: sdn zone '{name}' does not exist")))?;
    let tag = of(row, "tag");
    if tag.is_empty() {
        let missing = match of(zone, "type").as_str() {
            "vlan" | "qinq" => "missing vlan tag",
            "vxlan" | "evpn" => "missing vxlan tag",
            _ => return Ok(()),
        };
        return Err(Refusal::nested(context, "tag", missing));
    }
    let vnets = transaction.rows(&ApiPath::parse("cluster/sdn/vnets"))?;
    let (own, zone) = (of(row, "vnet"), of(row, "zone"));
    let taken = |vnet: &&Row| of(vnet, "vnet") != own && of(vnet, "zone") == zone && of(vnet, "tag") == tag;
    match vnets.iter().find(taken) {
        Some(vnet) => {
            Err(Refusal::nested(context, "tag", &format!("tag {tag} already exist in vnet {}", of(vnet, "vnet"))))
        }
        None => Ok(()),
    }
}

/// A network with subnets stays.
pub(super) fn part_vnet(transaction: &Transaction, _: &Call, vnet: &Row) -> Result<(), Refusal> {
    let subnets = ApiPath::new(["cluster", "sdn", "vnets", &of(vnet, "vnet"), "subnets"]);
    if transaction.rows(&subnets)?.is_empty() {
        return Ok(());
    }
    Err(Refusal::nested("delete sdn vnet object failed", "vnet", "Can't delete vnet if subnets exists"))
}

/// `zone-10.0.0.0-24` of `10.0.0.0/24`, with what follows from it.
pub(super) fn settle_subnet(
    transaction: &Transaction,
    call: &Call,
    row: &mut Row,
    before: Option<&Row>,
) -> Result<(), Refusal> {
    let context = if before.is_some() { "update sdn subnet object failed" } else { "create sdn subnet object failed" };
    if before.is_none() {
        let vnet = call.required("vnet")?;
        let vnets = transaction.rows(&ApiPath::parse("cluster/sdn/vnets"))?;
        let zone = vnets.iter().find(|row| of(row, "vnet") == vnet).map(|row| of(row, "zone"));
        let zone = zone.ok_or_else(|| Refusal::failed(format!("{context}: sdn vnet '{vnet}' does not exist")))?;
        let cidr = of(row, "subnet");
        let (network, mask) = cidr.split_once('/').unwrap_or((&cidr, ""));
        let id = format!("{zone}-{network}-{mask}");
        let keys = [("zone", &*zone), ("vnet", &vnet), ("cidr", &cidr), ("network", network), ("mask", mask)];
        let keys = keys.into_iter().chain([("id", &*id), ("subnet", &id), ("type", "subnet")]);
        row.extend(keys.map(|(key, value)| (key.to_owned(), value.into())));
    }
    let (gateway, cidr) = (of(row, "gateway"), of(row, "cidr"));
    if !gateway.is_empty() && !contains(&cidr, &gateway) {
        return Err(Refusal::nested(context, "gateway", &format!("{gateway} is not in subnet {cidr}")));
    }
    if call.parameters.contains_key("dhcp-range") {
        let ranges = call.list("dhcp-range").into_iter().flat_map(|range| {
            let words: Vec<String> = range.split(',').map(str::to_owned).collect();
            words
        });
        let parts: Vec<(String, String)> = ranges
            .filter_map(|word| word.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned())))
            .collect();
        let ranges: Vec<serde_json::Value> = parts
            .chunks(2)
            .map(|pair| pair.iter().cloned().map(|(key, value)| (key, value.into())).collect::<Row>().into())
            .collect();
        row.insert("dhcp-range".to_owned(), ranges.into());
    }
    Ok(())
}

/// Whether a network has an address.
fn contains(cidr: &str, address: &str) -> bool {
    let Some((network, mask)) = cidr.split_once('/') else { return false };
    let (Ok(network), Ok(address), Ok(mask)) = (network.parse(), address.parse(), mask.parse::<u32>()) else {
        return false;
    };
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let differ = network.to_bits() ^ address.to_bits();
            differ.checked_shr(32 - mask.min(32)).unwrap_or(0) == 0
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            let differ = network.to_bits() ^ address.to_bits();
            differ.checked_shr(128 - mask.min(128)).unwrap_or(0) == 0
        }
        _ => false,
    }
}
