//! Subnets of virtual networks as `proxmox_sdn_subnet`.

use std::net::IpAddr;

use proxmox_mpc_model::{Identity, Object};
use serde_json::Value as Json;

use super::super::{Destination, Namespace, Translation};
use super::{holds, legal_name, network, role, text};
use crate::draft::{Draft, Obstacle};
use crate::hcl::Value;
use crate::row::Row;

/// Translation of subnets.
pub(in super::super) static TRANSLATION: Translation = Translation {
    kind: "sdn_subnet",
    file: "sdn_subnets.tf",
    word: "subnet",
    data: false,
    namespace: Namespace::Own("sdn_subnet"),
    destination: |object, _| destination(object),
    // Virtual network and network are a sufficient name, without the zone: `lan0 10.20.0.0-24`.
    name: |entry| {
        let (vnet, subnet) = entry.identity.id().split_once('/')?;
        Some(format!("{vnet} {}", subnet.split_once('-').map_or(subnet, |(_, network)| network)))
    },
    rows: &[
        Row::custom(&["vnet", "subnet", "type"], identity),
        Row::custom(&["gateway"], |draft| address(draft, "gateway", "gateway")),
        Row::custom(&["dhcp-dns-server"], |draft| address(draft, "dhcp-dns-server", "dhcp_dns_server")),
        Row::custom(&["dhcp-range"], ranges),
        Row::custom(&["dnszoneprefix"], |draft| text(draft, "dnszoneprefix", "dns_zone_prefix")),
        // The provider distinguishes off and not set: written for an unset key, it would replace the subnet (D7).
        Row::custom(&["snat"], |draft| {
            if draft.object.keys.contains_key("snat") {
                let snat = draft.flag("snat");
                draft.set("snat", snat);
            }
        }),
        Row::volatile(&["cidr", "digest", "id", "mask", "network", "zone"]),
    ],
    role: Some(role),
};

/// Network as the provider derives it from the id: `10.20.0.0/24` of `lan-10.20.0.0-24`.
fn cidr(object: &Object) -> Option<String> {
    let id = object.text("subnet")?;
    let (_, cidr) = id.split_once('-')?;
    Some(cidr.replace('-', "/"))
}

fn destination(object: &Object) -> Result<Destination, Obstacle> {
    legal_name(&object.text("vnet").unwrap_or_default())?;
    if cidr(object).as_deref().and_then(network).is_none() {
        return Err(Obstacle::new("the provider cannot take the network out of its id (provider rule D7)"));
    }
    let range =
        |range: &Json| ["start-address", "end-address"].iter().all(|key| range.get(*key).is_some_and(Json::is_string));
    let ranges = object.keys.get("dhcp-range");
    if ranges.is_some_and(|ranges| !ranges.as_array().is_some_and(|ranges| ranges.iter().all(range))) {
        return Err(Obstacle::new("the provider cannot read its ranges (provider rule D8)"));
    }
    Ok(Destination::Resource("proxmox_sdn_subnet", object.entry.identity.id().to_owned()))
}

fn identity(draft: &mut Draft<'_>) {
    for key in ["subnet", "type"] {
        draft.take(key);
    }
    let vnet = draft.text("vnet").unwrap_or_default();
    let reference = draft.reference(&Identity::new("sdn-vnet", &vnet), "id").unwrap_or(Value::Text(vnet));
    draft.set("vnet", reference);
    draft.set_some("cidr", cidr(draft.object));
}

/// Parses an address; `None` if it is outside of the subnet.
fn within(draft: &Draft<'_>, text: &str) -> Option<IpAddr> {
    let network = cidr(draft.object).as_deref().and_then(network)?;
    text.parse().ok().filter(|address| holds(network, *address))
}

/// Writes an address. The provider refuses one outside of the subnet, which would stop the whole plan.
fn address(draft: &mut Draft<'_>, key: &str, attribute: &str) {
    let Some(text) = draft.text(key) else { return };
    if within(draft, &text).is_some() {
        draft.set(attribute, text);
    } else {
        outside(draft, key, attribute);
    }
}

fn outside(draft: &mut Draft<'_>, key: &str, attribute: &str) {
    draft.keep_in_ansible(key, "the provider refuses addresses outside of the subnet (provider rule D9)");
    draft.ignore(&[attribute], "the provider refuses addresses outside of the subnet; left out, it stays");
}

/// Writes the first range. If there are more, Ansible keeps all of them.
fn ranges(draft: &mut Draft<'_>) {
    let Some(ranges) = draft.take("dhcp-range").and_then(Json::as_array) else { return };
    let Some(first) = ranges.first() else { return draft.set_default("dhcp-range") };
    let end = |key: &str| first.get(key).and_then(Json::as_str).unwrap_or_default();
    let (start, end) = (end("start-address"), end("end-address"));
    match (within(draft, start), within(draft, end)) {
        (Some(one), Some(other)) if one <= other => {
            let range = [("start_address", start), ("end_address", end)];
            let range = range.map(|(attribute, address)| (attribute.to_owned(), Value::from(address)));
            draft.set("dhcp_range", Value::Map(range.to_vec()));
        }
        _ => return outside(draft, "dhcp-range", "dhcp_range"),
    }
    if ranges.len() > 1 {
        draft.keep_in_ansible("dhcp-range", "the provider knows the first range only (provider rule D8)");
    }
}
