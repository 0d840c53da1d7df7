//! Zones, virtual networks and their subnets: rules that the schema does not have (`PVE::Network::SDN::*Plugin`).

use std::net::IpAddr;

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::object::text;

use crate::call::{Call, Refusal};
use crate::state::{Row, Transaction};
use crate::writes::guests::network_devices::mac;

fn of(row: &Row, key: &str) -> String {
    row.get(key).and_then(text).unwrap_or_default()
}

/// Refuses a zone that lacks what its type needs.
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

/// Refuses to remove a zone that a network is in. The place in the message is Proxmox's.
pub(super) fn part_zone(transaction: &Transaction, _: &Call, zone: &Row) -> Result<(), Refusal> {
    let vnets = transaction.rows(&ApiPath::parse("cluster/sdn/vnets"))?;
    let zone = of(zone, "zone");
    let Some(vnet) = vnets.iter().find(|vnet| of(vnet, "zone") == zone) else { return Ok(()) };
    let place = "at /usr/share/perl5/PVE/Network/SDN/Zones/Plugin.pm line 149.";
    let text = format!("delete sdn zone object failed: zone {zone} is used by vnet {} {place}", of(vnet, "vnet"));
    Err(Refusal::failed(text))
}

/// Beginning of the messages of Proxmox.
fn context(kind: &str, before: Option<&Row>) -> String {
    format!("{} sdn {kind} object failed", if before.is_some() { "update" } else { "create" })
}

/// Failure in Proxmox's code, whose message names a line of it.
fn failed_at(context: &str, text: &str, file: &str, line: u32) -> Refusal {
    Refusal::failed(format!("{text} at /usr/share/perl5/PVE/{file} line {line}.")).within(context)
}

fn listed(transaction: &Transaction, kind: &str) -> Result<Vec<Row>, Refusal> {
    transaction.rows(&ApiPath::new(["cluster", "sdn", kind]))
}

fn is_listed(transaction: &Transaction, kind: &str, key: &str, id: &str) -> Result<bool, Refusal> {
    Ok(listed(transaction, kind)?.iter().any(|row| of(row, key) == id))
}

/// Checks that what a zone names is there, and fits its type.
pub(super) fn fit_zone(
    transaction: &Transaction,
    call: &Call,
    row: &mut Row,
    before: Option<&Row>,
) -> Result<(), Refusal> {
    let context = context("zone", before);
    if before.is_some_and(|before| of(before, "ipam") != of(row, "ipam")) {
        check_ipam_change(transaction, &of(row, "zone"), &context)?;
    }
    for key in ["dns", "reversedns"] {
        let server = call.text(key).unwrap_or_default();
        if !server.is_empty() && !is_listed(transaction, "dns", "dns", &server)? {
            return Err(Refusal::nested(&context, key, &format!("{server} don't exist")));
        }
    }
    if call.text("dnszone").is_some() && call.text("dns").is_none() {
        return Err(Refusal::nested(&context, "dnszone", "missing dns server"));
    }
    let ipam = call.text("ipam").unwrap_or_default();
    if !ipam.is_empty() && !is_listed(transaction, "ipams", "ipam", &ipam)? {
        return Err(Refusal::nested(&context, "ipam", &format!("{ipam} not existing")));
    }
    match of(row, "type").as_str() {
        "evpn" => fit_evpn(transaction, row, &context),
        "vxlan" if row.contains_key("peers") == row.contains_key("fabric") => {
            let why = "must have exactly one of peers / fabric defined";
            Err(Refusal::nested(&context, "fabric", &format!("{why}\npeers: {why}")))
        }
        _ => Ok(()),
    }
}

fn check_ipam_change(transaction: &Transaction, zone: &str, context: &str) -> Result<(), Refusal> {
    for vnet in listed(transaction, "vnets")?.iter().filter(|vnet| of(vnet, "zone") == zone) {
        let subnets = ApiPath::new(["cluster", "sdn", "vnets", &of(vnet, "vnet"), "subnets"]);
        if !transaction.rows(&subnets)?.is_empty() {
            let why = "can't change ipam if a subnet is already defined in this zone";
            return Err(Refusal::nested(context, "ipam", why));
        }
    }
    Ok(())
}

/// Checks an EVPN zone: it needs an EVPN controller, a number of its own, and an address, which Proxmox makes up.
fn fit_evpn(transaction: &Transaction, row: &mut Row, context: &str) -> Result<(), Refusal> {
    const FILE: &str = "Network/SDN/Zones/EvpnPlugin.pm";
    let controllers = listed(transaction, "controllers")?;
    let name = of(row, "controller");
    let Some(controller) = controllers.iter().find(|controller| of(controller, "controller") == name) else {
        return Err(failed_at(context, &format!("controller {name} don't exist"), FILE, 354));
    };
    if of(controller, "type") != "evpn" {
        return Err(failed_at(context, &format!("{name} is not a evpn controller type"), FILE, 357));
    }
    let number = of(row, "vrf-vxlan");
    let zones = listed(transaction, "zones")?;
    let taken = |zone: &&Row| of(zone, "zone") != of(row, "zone") && of(zone, "vrf-vxlan") == number;
    if let Some(zone) = zones.iter().find(taken) {
        let text = format!("vrf-vxlan {number} is already declared in {}", of(zone, "zone"));
        return Err(failed_at(context, &text, FILE, 367));
    }
    if !row.contains_key("mac") {
        row.insert("mac".to_owned(), mac(transaction)?.into());
    }
    Ok(())
}

/// Checks the number of controllers: one of EVPN in the cluster, few of BGP and IS-IS on a node.
pub(super) fn fit_controller(
    transaction: &Transaction,
    _: &Call,
    row: &mut Row,
    before: Option<&Row>,
) -> Result<(), Refusal> {
    let context = context("controller", before);
    let controllers = listed(transaction, "controllers")?;
    let (id, kind, local) = (of(row, "controller"), of(row, "type"), transaction.local_node()?);
    let others = controllers.iter().filter(|other| of(other, "controller") != id && of(other, "type") == kind);
    let here = others.clone().filter(|other| of(other, "node") == local).count();
    let both = row.contains_key("peers") == row.contains_key("fabric");
    let (text, file, line) = match kind.as_str() {
        "evpn" if others.count() > 0 => ("only 1 global evpn controller can be defined", "EvpnPlugin", 491),
        "evpn" if both => ("must have exactly one of peers / fabric defined", "EvpnPlugin", 497),
        "bgp" if here > 1 => ("only 1 bgp controller can be defined", "BgpPlugin", 183),
        "isis" if here > 1 => ("only 1 bgp or isis controller can be defined", "IsisPlugin", 123),
        _ => return Ok(()),
    };
    Err(failed_at(&context, text, &format!("Network/SDN/Controllers/{file}.pm"), line))
}

/// Refuses to remove a controller that a zone has.
pub(super) fn part_controller(transaction: &Transaction, _: &Call, controller: &Row) -> Result<(), Refusal> {
    let (file, line) = match of(controller, "type").as_str() {
        "evpn" => ("EvpnPlugin", 476),
        "bgp" => ("BgpPlugin", 167),
        _ => return Ok(()),
    };
    let id = of(controller, "controller");
    let zones = listed(transaction, "zones")?;
    let Some(zone) = zones.iter().find(|zone| of(zone, "controller") == id) else { return Ok(()) };
    let text = format!("controller {id} is used by {}", of(zone, "zone"));
    let file = format!("Network/SDN/Controllers/{file}.pm");
    Err(failed_at("delete sdn controller object failed", &text, &file, line))
}

/// Checks the tag of a network: the zone has tags, and it is used once where it must be.
pub(super) fn fit_vnet(
    transaction: &Transaction,
    _: &Call,
    row: &mut Row,
    before: Option<&Row>,
) -> Result<(), Refusal> {
    row.insert("type".to_owned(), "vnet".into());
    let context = context("vnet", before);
    let (name, vnet) = (of(row, "zone"), of(row, "vnet"));
    let has_subnets = !transaction.rows(&ApiPath::new(["cluster", "sdn", "vnets", &vnet, "subnets"]))?.is_empty();
    if before.is_some() && name.is_empty() {
        return Err(Refusal::nested(&context, "zone", "cannot delete zone"));
    }
    if has_subnets && before.is_some_and(|before| of(before, "zone") != name) {
        return Err(Refusal::nested(&context, "zone", "can't change zone if subnets exist"));
    }
    let zones = listed(transaction, "zones")?;
    let Some(zone) = zones.iter().find(|zone| of(zone, "zone") == name) else {
        let line = if before.is_some() { 402 } else { 326 };
        return Err(failed_at(&context, "cannot lookup undefined type!", "API2/Network/SDN/Vnets.pm", line));
    };
    let others: Vec<Row> =
        listed(transaction, "vnets")?.into_iter().filter(|other| of(other, "vnet") != vnet).collect();
    if let Err((key, why)) = fit_tag(row, &of(zone, "type"), &zones, &others) {
        return Err(Refusal::nested(&context, key, &why));
    }
    if has_subnets && of(row, "vlanaware") == "1" {
        return Err(Refusal::nested(&context, "vlanaware", "vlanaware vnet is not compatible with subnets"));
    }
    Ok(())
}

/// Checks the tag of a network against the type of its zone (`vnet_update_hook`).
fn fit_tag(row: &Row, kind: &str, zones: &[Row], others: &[Row]) -> Result<(), (&'static str, String)> {
    let (tag, zone) = (of(row, "tag"), of(row, "zone"));
    let number: u32 = tag.parse().unwrap_or_default();
    let over_vxlan = |other: &&Row| {
        let mut zones = zones.iter().filter(|zone| of(zone, "zone") == of(other, "zone"));
        zones.any(|zone| matches!(of(zone, "type").as_str(), "vxlan" | "evpn"))
    };
    let same_tag = |other: &&Row| of(other, "tag") == tag;
    let same_zone = |other: &&Row| of(other, "zone") == zone;
    let name = |other: &Row| of(other, "vnet");
    let why = match kind {
        "simple" if !tag.is_empty() => Some("vlan tag is not allowed on simple zone".to_owned()),
        "vlan" if tag.is_empty() => Some("missing vlan tag".to_owned()),
        "vlan" if number > 4096 => Some("vlan tag max value is 4096".to_owned()),
        "vlan" => {
            let taken = others.iter().filter(same_zone).find(same_tag);
            taken.map(|other| format!("tag {tag} already exist in vnet {}", name(other)))
        }
        "qinq" if number > 4096 => Some("VLAN tag maximal value is 4096".to_owned()),
        "qinq" => others.iter().filter(same_zone).find(same_tag).map(|other| match number {
            0 => format!("tag-less vnet already exists in zone {zone} vnet {}", name(other)),
            _ => format!("tag {tag} already exist in zone {zone} vnet {}", name(other)),
        }),
        "vxlan" | "evpn" if tag.is_empty() => Some("missing vxlan tag".to_owned()),
        "vxlan" | "evpn" if number > 16_777_216 => Some("vxlan tag max value is 16777216".to_owned()),
        "evpn" if of(row, "vlanaware") == "1" => {
            return Err(("vlan-aware", "vlan-aware option can't be enabled with evpn".to_owned()));
        }
        "vxlan" | "evpn" => others.iter().filter(over_vxlan).find(same_tag).map(|other| {
            // The blank at the end is Proxmox's.
            format!("vxlan tag {tag} already exist in vnet {} in zone {} ", name(other), of(other, "zone"))
        }),
        _ => None,
    };
    why.map_or(Ok(()), |why| Err(("tag", why)))
}

/// Refuses to remove a network that has subnets.
pub(super) fn part_vnet(transaction: &Transaction, _: &Call, vnet: &Row) -> Result<(), Refusal> {
    let subnets = ApiPath::new(["cluster", "sdn", "vnets", &of(vnet, "vnet"), "subnets"]);
    if transaction.rows(&subnets)?.is_empty() {
        return Ok(());
    }
    Err(Refusal::nested("delete sdn vnet object failed", "vnet", "Can't delete vnet if subnets exists"))
}

/// Completes a subnet: the id `zone-10.0.0.0-24` of `10.0.0.0/24`, and the keys that follow from it.
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

/// Reports whether a network has an address.
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
