//! Firewall rules: an ordered list, new ones first (`PVE::API2::Firewall::Rules`).

use std::net::IpAddr;

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::object::text;
use serde_json::{Value, json};

use super::{above, keys, same_list};
use crate::state::{Row, Transaction};
use crate::writes::collections::remove_keys;
use crate::writes::{Call, Refusal};

pub(super) fn create(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let mut rows = rules(transaction, call, &call.path)?;
    let mut row = keys(call);
    row.remove("group");
    row.retain(|key, _| !call.captured.contains(&key.as_str()));
    row.entry("enable").or_insert(json!(0));
    verify(transaction, &mut row)?;
    let at = call.number("pos").and_then(|at| usize::try_from(at).ok()).unwrap_or(0);
    rows.insert(at.min(rows.len()), row);
    store(transaction, &call.path, rows);
    Ok(Value::Null)
}

pub(super) fn update(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let list = above(call);
    let mut rows = rules(transaction, call, &list)?;
    same_list(call, &rows)?;
    let at = position(call, &rows)?;
    if let Some(to) = call.number("moveto").and_then(|to| usize::try_from(to).ok()) {
        let row = rows.remove(at);
        // The place is counted among the rules as they were.
        let to = if to > at { to - 1 } else { to };
        rows.insert(to.min(rows.len()), row);
    } else {
        remove_keys(call, &mut rows[at])?;
        let mut given = keys(call);
        given.retain(|key, _| !call.captured.contains(&key.as_str()));
        rows[at].extend(given);
        verify(transaction, &mut rows[at])?;
    }
    store(transaction, &list, rows);
    Ok(Value::Null)
}

pub(super) fn delete(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let list = above(call);
    let mut rows = rules(transaction, call, &list)?;
    same_list(call, &rows)?;
    let at = position(call, &rows)?;
    rows.remove(at);
    store(transaction, &list, rows);
    Ok(Value::Null)
}

/// The rules of a list; a security group has to be there.
fn rules(transaction: &Transaction, call: &Call, list: &ApiPath) -> Result<Vec<Row>, Refusal> {
    if let Some(group) = call.text("group").filter(|_| call.captured.contains(&"group")) {
        let groups = transaction.rows(&ApiPath::parse("cluster/firewall/groups"))?;
        if !groups.iter().any(|row| super::has(row, "group", &group)) {
            return Err(Refusal::failed(format!("no such security group '{group}'")));
        }
    }
    transaction.rows(list)
}

fn position(call: &Call, rows: &[Row]) -> Result<usize, Refusal> {
    let given = call.required("pos")?;
    let at = given.parse().ok().filter(|at| *at < rows.len());
    at.ok_or_else(|| Refusal::failed(format!("no rule at position {given}")))
}

fn store(transaction: &mut Transaction, list: &ApiPath, mut rows: Vec<Row>) {
    for (at, row) in rows.iter_mut().enumerate() {
        row.insert("pos".to_owned(), at.into());
    }
    super::store(transaction, list, rows);
}

/// Refuses what the schema allows and `PVE::Firewall::verify_rule` does not, and adds the version of the addresses.
fn verify(transaction: &Transaction, row: &mut Row) -> Result<(), Refusal> {
    row.retain(|_, value| text(value).is_none_or(|text| !text.is_empty()));
    let of = |key: &str| row.get(key).and_then(text);
    let action = of("action").unwrap_or_default();
    if of("type").as_deref() != Some("group") && !matches!(action.as_str(), "ACCEPT" | "DROP" | "REJECT") {
        return Err(Refusal::parameter("action", format!("unknown action '{action}'")));
    }
    if let Some(name) = of("macro") {
        let macros = transaction.rows(&ApiPath::parse("cluster/firewall/macros"))?;
        if !macros.is_empty() && !macros.iter().any(|row| super::has(row, "macro", &name)) {
            return Err(Refusal::parameter("macro", format!("unknown macro '{name}'")));
        }
    } else {
        for key in ["dport", "sport"] {
            if of(key).is_some() && of("proto").is_none() {
                let why = format!("missing property - '{key}' requires this property");
                return Err(Refusal::parameter("proto", why));
            }
        }
    }
    let version = ["source", "dest"].iter().find_map(|key| version(transaction, &of(key)?));
    row.remove("ipversion");
    if let Some(version) = version {
        row.insert("ipversion".to_owned(), version.into());
    }
    Ok(())
}

/// The version of the first address in a list of addresses, networks, ranges and aliases.
fn version(transaction: &Transaction, addresses: &str) -> Option<i64> {
    addresses.split(',').find_map(|address| {
        let first = address.trim().split(['/', '-']).next()?;
        if let Ok(address) = first.parse::<IpAddr>() {
            return Some(if address.is_ipv4() { 4 } else { 6 });
        }
        let alias = address.trim().strip_prefix("dc/")?;
        let aliases = transaction.rows(&ApiPath::parse("cluster/firewall/aliases")).ok()?;
        aliases.iter().find(|row| super::has(row, "name", alias))?.get("ipversion")?.as_i64()
    })
}
