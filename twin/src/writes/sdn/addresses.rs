//! Addresses that Proxmox's own IPAM has assigned (`PVE::Network::SDN::Ipams::PVEPlugin`).

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::object::text;
use proxmox_mpc_model::schema::Verb;
use serde_json::{Value, json};

use super::fabric_rules::Prefix;
use super::pending;
use crate::call::{Call, Refusal};
use crate::state::{Row, Transaction};
use crate::writes::method::Handler;

/// The memory of all addresses. The API shows those of networks that run in zones with DHCP.
const MEMORY: &str = "sdn/addresses";
/// List of the addresses.
const STATUS: &str = "cluster/sdn/ipams/pve/status";

/// The writes to `cluster/sdn/vnets/{vnet}/ips`.
pub(super) fn method(verb: Verb) -> Option<Handler> {
    Some(match verb {
        Verb::Post => add,
        Verb::Put => update,
        Verb::Delete => remove,
        Verb::Get => return None,
    })
}

fn word(row: &Row, key: &str) -> String {
    row.get(key).and_then(text).unwrap_or_default()
}

fn read(transaction: &Transaction) -> Result<Vec<Row>, Refusal> {
    match transaction.recall(MEMORY) {
        Some(memory) => Ok(serde_json::from_value(memory).unwrap_or_default()),
        None => transaction.rows(&ApiPath::parse(STATUS)),
    }
}

fn list(kind: &str) -> ApiPath {
    ApiPath::new(["cluster", "sdn", kind])
}

fn subnets(vnet: &str) -> ApiPath {
    ApiPath::new(["cluster", "sdn", "vnets", vnet, "subnets"])
}

/// Running objects of a list, also where nothing of it was written yet.
fn running(transaction: &mut Transaction, list: &ApiPath) -> Result<Vec<Row>, Refusal> {
    pending::remember(transaction, list)?;
    Ok(pending::running(transaction, list))
}

/// Remembers the addresses, and writes the list of those that the API shows.
fn store(transaction: &mut Transaction, addresses: &[Row]) -> Result<(), Refusal> {
    let zones = running(transaction, &list("zones"))?;
    let leases = |zone: &&Row| word(zone, "ipam") == "pve" && !word(zone, "dhcp").is_empty();
    let zones: Vec<String> = zones.iter().filter(leases).map(|zone| word(zone, "zone")).collect();
    let mut shown = Vec::new();
    for address in addresses {
        let run = running(transaction, &subnets(&word(address, "vnet")))?;
        let runs = run.iter().any(|subnet| word(subnet, "cidr") == word(address, "subnet"));
        if runs && zones.contains(&word(address, "zone")) {
            shown.push(address.clone());
        }
    }
    transaction.remember(MEMORY, json!(addresses));
    transaction.set_rows(&ApiPath::parse(STATUS), shown);
    Ok(())
}

/// Writes the list again after other networks run.
pub(super) fn show(transaction: &mut Transaction) -> Result<(), Refusal> {
    let addresses = read(transaction)?;
    if addresses.is_empty() && transaction.recall(MEMORY).is_none() {
        return Ok(());
    }
    store(transaction, &addresses)
}

/// Assigns the gateway of a subnet, which is an address of it.
pub(super) fn keep_gateway(
    transaction: &mut Transaction,
    before: Option<&Row>,
    after: Option<&Row>,
) -> Result<(), Refusal> {
    let place = |subnet: &Row| (word(subnet, "zone"), word(subnet, "cidr"));
    let mut addresses = read(transaction)?;
    if let Some(before) = before {
        let (zone, cidr) = place(before);
        let is_inside = |address: &Row| word(address, "zone") == zone && word(address, "subnet") == cidr;
        let has_gateway = |address: &Row| address.contains_key("gateway");
        if after.is_none() && addresses.iter().any(|address| is_inside(address) && !has_gateway(address)) {
            let text = format!("delete sdn subnet object failed: cannot delete subnet '{cidr}', not empty");
            return Err(Refusal::failed(text));
        }
        addresses.retain(|address| !is_inside(address) || after.is_some() && !has_gateway(address));
    }
    let zones = transaction.rows(&list("zones"))?;
    let has_ipam = |zone: &str| zones.iter().any(|row| word(row, "zone") == zone && word(row, "ipam") == "pve");
    if let Some(after) = after.filter(|after| !word(after, "gateway").is_empty()) {
        let (zone, cidr) = place(after);
        // The gateway of a network of one address lies outside of it.
        let is_point = cidr.ends_with("/32") && !cidr.contains(':');
        if has_ipam(&zone) && !is_point {
            let row = json!({
                "gateway": 1, "ip": word(after, "gateway"), "subnet": cidr, "vnet": word(after, "vnet"), "zone": zone,
            });
            addresses.extend(row.as_object().cloned());
        }
    }
    store(transaction, &addresses)
}

/// The running subnet of a network that has an address.
fn subnet_of(transaction: &mut Transaction, vnet: &str, address: &str) -> Result<Row, Refusal> {
    let subnets = running(transaction, &subnets(vnet))?;
    let has = |subnet: &Row| {
        let prefix = Prefix::parse(&word(subnet, "cidr"));
        prefix.zip(address.parse().ok()).is_some_and(|(prefix, address)| prefix.contains(address))
    };
    // The place in the message is Proxmox's.
    let place = "at /usr/share/perl5/PVE/Network/SDN/Subnets.pm line 115.";
    let missing = || Refusal::failed(format!("can't find any subnet for ip {address} {place}"));
    subnets.into_iter().find(has).ok_or_else(missing)
}

fn add(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (vnet, address) = (call.required("vnet")?, call.required("ip")?);
    let subnet = subnet_of(transaction, &vnet, &address)?;
    let mut addresses = read(transaction)?;
    let is_it = |row: &Row| word(row, "ip") == address && word(row, "zone") == word(&subnet, "zone");
    if addresses.iter().any(is_it) {
        return Err(Refusal::failed(format!("IP '{address}' already exist")));
    }
    let row = json!({
        "ip": address, "mac": call.required("mac")?, "subnet": word(&subnet, "cidr"), "vnet": vnet,
        "zone": word(&subnet, "zone"),
    });
    let mut row = row.as_object().cloned().unwrap_or_default();
    row.extend(call.number("vmid").map(|vmid| ("vmid".to_owned(), vmid.into())));
    addresses.push(row);
    store(transaction, &addresses)?;
    Ok(Value::Null)
}

/// `PUT` of an address: assigns another one to a network device.
fn update(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (vnet, address, mac) = (call.required("vnet")?, call.required("ip")?, call.required("mac")?);
    subnet_of(transaction, &vnet, &address)?;
    let mut addresses = read(transaction)?;
    let version = address.contains(':');
    addresses
        .retain(|row| word(row, "vnet") != vnet || word(row, "mac") != mac || word(row, "ip").contains(':') != version);
    store(transaction, &addresses)?;
    add(transaction, call)
}

fn remove(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (vnet, address) = (call.required("vnet")?, call.required("ip")?);
    let subnet = subnet_of(transaction, &vnet, &address)?;
    let mut addresses = read(transaction)?;
    let known = addresses.len();
    addresses.retain(|row| word(row, "ip") != address || word(row, "zone") != word(&subnet, "zone"));
    if addresses.len() == known {
        return Err(Refusal::failed(format!("IP '{address}' does not exist in IPAM DB\n")));
    }
    store(transaction, &addresses)?;
    Ok(Value::Null)
}
