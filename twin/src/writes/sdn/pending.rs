//! Running and configured states of the virtual networks' lists (`PVE::Network::SDN::pending_config`).
//!
//! The running configuration is remembered from what the recorded `?pending=1` says of it.

use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::object::text;
use serde_json::{Value, json};

use crate::call::Refusal;
use crate::state::{Row, Transaction};
use crate::writes::digest;

/// Beginning of the memories of running lists.
const RUNNING: &str = "sdn/running/";

/// Keys that identify an object: they are never pending.
const IDENTITY: &[&str] = &["type", "digest", "id", "cidr", "network", "mask"];

fn key(list: &ApiPath) -> &'static str {
    match list.segments().last().map(String::as_str) {
        Some("zones") => "zone",
        Some("vnets") => "vnet",
        Some("subnets") => "subnet",
        _ => "controller",
    }
}

/// The lists of zones, controllers, networks and of the subnets of each network.
pub(super) fn lists(transaction: &Transaction) -> Result<Vec<ApiPath>, Refusal> {
    let mut lists: Vec<ApiPath> =
        ["zones", "controllers", "vnets"].map(|kind| ApiPath::new(["cluster", "sdn", kind])).into();
    let vnets = ApiPath::parse("cluster/sdn/vnets");
    let rows = transaction.rows(&vnets)?.into_iter().chain(running(transaction, &vnets));
    let names: BTreeSet<String> = rows.filter_map(|row| row.get("vnet").and_then(text)).collect();
    lists.extend(names.iter().map(|vnet| ApiPath::new(["cluster", "sdn", "vnets", vnet, "subnets"])));
    Ok(lists)
}

/// Remembers the running objects of a list, unless they are remembered already.
pub(super) fn remember(transaction: &mut Transaction, list: &ApiPath) -> Result<(), Refusal> {
    let memory = format!("{RUNNING}{}", list.as_str());
    if transaction.recall(&memory).is_some() {
        return Ok(());
    }
    let mut rows = transaction.rows(&list.clone().with_query("pending", "1"))?;
    rows.retain(|row| row.get("state").is_none_or(|state| state != "new"));
    for row in &mut rows {
        row.retain(|key, _| !matches!(key.as_str(), "state" | "pending" | "digest"));
    }
    transaction.remember(&memory, rows.into_iter().map(Value::Object).collect::<Vec<_>>());
    Ok(())
}

/// Running objects of a list.
pub(super) fn running(transaction: &Transaction, list: &ApiPath) -> Vec<Row> {
    let memory = transaction.recall(&format!("{RUNNING}{}", list.as_str()));
    memory.and_then(|rows| serde_json::from_value(rows).ok()).unwrap_or_default()
}

/// Makes the configured objects of a list the running ones.
pub(super) fn run(transaction: &mut Transaction, list: &ApiPath) -> Result<(), Refusal> {
    let mut rows = transaction.rows(list)?;
    for row in &mut rows {
        row.remove("digest");
    }
    let rows: Vec<Value> = rows.into_iter().map(Value::Object).collect();
    transaction.remember(&format!("{RUNNING}{}", list.as_str()), json!(rows));
    refresh(transaction, list)
}

/// Makes the running objects of a list the configured ones.
pub(super) fn roll_back(transaction: &mut Transaction, list: &ApiPath) -> Result<(), Refusal> {
    remember(transaction, list)?;
    let mut rows = running(transaction, list);
    let names = transaction.rows(list)?.into_iter().chain(rows.clone());
    for name in names.filter_map(|row| row.get(key(list)).and_then(text)).collect::<BTreeSet<String>>() {
        transaction.hide(&single(list, &name));
    }
    let digest = digest::of(digest::DigestForm::Sha1, &rows);
    for row in &mut rows {
        row.insert("digest".to_owned(), digest.as_str().into());
    }
    transaction.set_rows(list, rows);
    refresh(transaction, list)
}

fn single(list: &ApiPath, id: &str) -> ApiPath {
    ApiPath::new(list.segments().iter().map(String::as_str).chain([id]))
}

/// Writes the answer to `?pending=1`.
pub(super) fn refresh(transaction: &mut Transaction, list: &ApiPath) -> Result<(), Refusal> {
    let key = key(list);
    let by_id = |rows: Vec<Row>| rows.into_iter().map(|row| (row.get(key).and_then(text).unwrap_or_default(), row));
    let running: BTreeMap<String, Row> = by_id(running(transaction, list)).collect();
    let configured: BTreeMap<String, Row> = by_id(transaction.rows(list)?).collect();
    for id in running.keys().chain(configured.keys()) {
        let single = single(list, id);
        transaction.hide(&single.clone().with_query("pending", "1"));
        transaction.hide(&single.with_query("running", "1"));
    }
    let mut rows = compared(key, &running, &configured);
    for row in &mut rows {
        row.insert("digest".to_owned(), Value::Null);
    }
    transaction.set_rows(&list.clone().with_query("running", "1"), running.into_values().collect());
    transaction.set_rows(&list.clone().with_query("pending", "1"), rows);
    Ok(())
}

/// Running objects, each with its configured values. `key` is that of the id, empty where the id is pending like any
/// other.
pub(super) fn compared(key: &str, running: &BTreeMap<String, Row>, configured: &BTreeMap<String, Row>) -> Vec<Row> {
    let names: BTreeSet<&String> = running.keys().chain(configured.keys()).collect();
    names.into_iter().map(|name| pending(key, running.get(name), configured.get(name))).collect()
}

fn pending(key: &str, running: Option<&Row>, configured: Option<&Row>) -> Row {
    let fixed = |name: &str| if key.is_empty() { name == "type" } else { name == key || IDENTITY.contains(&name) };
    let (mut row, changes, state) = match (running, configured) {
        (Some(running), Some(configured)) => {
            let mut changes = Row::new();
            for (name, value) in configured.iter().filter(|(name, _)| !fixed(name)) {
                if running.get(name).is_none_or(|running| plain(name, running) != plain(name, value)) {
                    changes.insert(name.clone(), written(name, value));
                }
            }
            for name in running.keys().filter(|name| !fixed(name) && !configured.contains_key(*name)) {
                changes.insert(name.clone(), "deleted".into());
            }
            let state = (!changes.is_empty()).then_some("changed");
            (running.clone(), changes, state)
        }
        (Some(running), None) => (running.clone(), Row::new(), Some("deleted")),
        (None, configured) => {
            let row = configured.cloned().unwrap_or_default();
            let (row, mut changes): (Row, Row) = row.into_iter().partition(|(name, _)| fixed(name));
            for (name, value) in &mut changes {
                *value = written(name, value);
            }
            (row, changes, Some("new"))
        }
    };
    if let Some(state) = state {
        row.insert("state".to_owned(), state.into());
        row.insert("pending".to_owned(), changes.into());
    }
    row
}

/// A value as it is compared: sets without order.
fn plain(name: &str, value: &Value) -> Value {
    let mut words: Vec<String> = match value {
        Value::Array(items) if !items.is_empty() => items.iter().map(|item| written(name, item).to_string()).collect(),
        Value::String(words) if matches!(name, "nodes" | "exitnodes") => words.split(',').map(str::to_owned).collect(),
        value => return text(value).map_or(Value::Null, Value::from),
    };
    words.sort();
    words.into()
}

/// A value as it is shown while it waits: ranges of addresses as their file has them.
fn written(name: &str, value: &Value) -> Value {
    let range = |range: &Value| {
        let end = |key: &str| range.get(key).and_then(text);
        end("start-address")
            .zip(end("end-address"))
            .map(|(start, end)| format!("start-address={start},end-address={end}"))
    };
    match value {
        Value::Array(ranges) if name == "dhcp-range" => {
            ranges.iter().map(|given| range(given).map_or_else(|| given.clone(), Value::from)).collect()
        }
        value => value.clone(),
    }
}
