//! The virtual networks: what is configured, what runs, and how one becomes the other (`PVE::Network::SDN`).
//!
//! The objects themselves are collections. What runs is remembered from what the recorded `?pending=1` says of it.

use std::collections::BTreeSet;

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::object::text;
use proxmox_mpc_model::schema::Verb;
use serde_json::{Value, json};

use super::{Call, Refusal, Run, collections};
use crate::state::{Row, Transaction};

/// Where what runs is remembered, by its list.
const RUNNING: &str = "sdn/running/";

/// What writes to a part of the virtual networks that has a pending state, or applies it.
pub(super) fn method(verb: Verb, path: &str) -> Option<Run> {
    if (verb, path) == (Verb::Put, "/cluster/sdn") {
        return Some(apply);
    }
    let kind = path.strip_prefix("/cluster/sdn/")?.split('/').next()?;
    let pending = matches!(kind, "zones" | "vnets" | "controllers") && !path.contains("/firewall/");
    (pending && collections::method(verb, path).is_some()).then_some(change as Run)
}

fn key(list: &ApiPath) -> &'static str {
    match list.segments().last().map(String::as_str) {
        Some("zones") => "zone",
        Some("vnets") => "vnet",
        Some("subnets") => "subnet",
        _ => "controller",
    }
}

/// The list that a call changes: it ends with the last word that names one.
fn list(call: &Call) -> ApiPath {
    let at =
        call.segments.iter().rposition(|word| matches!(word.as_str(), "zones" | "vnets" | "controllers" | "subnets"));
    ApiPath::new(call.segments.iter().take(at.map_or(0, |at| at + 1)))
}

fn change(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let list = list(call);
    remember_running(transaction, &list)?;
    let Some(run) = collections::method(call.method.verb, &call.method.path) else {
        return Err(Refusal::beyond_the_twin(&call.method.path));
    };
    let answer = run(transaction, call)?;
    refresh(transaction, &list)?;
    Ok(answer)
}

fn remember_running(transaction: &mut Transaction, list: &ApiPath) -> Result<(), Refusal> {
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

/// Writes what `?pending=1` answers now.
fn refresh(transaction: &mut Transaction, list: &ApiPath) -> Result<(), Refusal> {
    let running: Vec<Row> = transaction
        .recall(&format!("{RUNNING}{}", list.as_str()))
        .and_then(|rows| serde_json::from_value(rows).ok())
        .unwrap_or_default();
    let configured = transaction.rows(list)?;
    let key = key(list);
    let id = |row: &Row| row.get(key).and_then(text).unwrap_or_default();
    let names: BTreeSet<String> = running.iter().chain(&configured).map(id).collect();
    let rows = names.iter().map(|name| {
        let find = |rows: &[Row]| rows.iter().find(|row| id(row) == *name).cloned();
        pending(key, find(&running), find(&configured))
    });
    let rows: Vec<Row> = rows.collect();
    for name in &names {
        let single = ApiPath::new(list.segments().iter().map(String::as_str).chain([name.as_str()]));
        transaction.hide(&single.clone().with_query("pending", "1"));
        transaction.hide(&single.with_query("running", "1"));
    }
    transaction.set_rows(&list.clone().with_query("running", "1"), running);
    transaction.set_rows(&list.clone().with_query("pending", "1"), rows);
    Ok(())
}

/// Keys that tell what an object is: they are never pending.
const IDENTITY: &[&str] = &["type", "digest", "id", "cidr", "network", "mask"];

/// An object as it runs, with what is configured beside it (`PVE::Network::SDN::pending_config`).
fn pending(key: &str, running: Option<Row>, configured: Option<Row>) -> Row {
    let fixed = |name: &str| name == key || IDENTITY.contains(&name);
    let (mut row, changes, state) = match (running, configured) {
        (Some(running), Some(configured)) => {
            let mut changes = Row::new();
            for (name, value) in configured.iter().filter(|(name, _)| !fixed(name)) {
                if running.get(name).and_then(text) != text(value) || running.get(name).is_none() {
                    changes.insert(name.clone(), value.clone());
                }
            }
            for name in running.keys().filter(|name| !fixed(name) && !configured.contains_key(*name)) {
                changes.insert(name.clone(), "deleted".into());
            }
            let state = (!changes.is_empty()).then_some("changed");
            (running, changes, state)
        }
        (Some(running), None) => (running, Row::new(), Some("deleted")),
        (None, configured) => {
            let (row, changes) = configured.unwrap_or_default().into_iter().partition(|(name, _)| fixed(name));
            (row, changes, Some("new"))
        }
    };
    if let Some(state) = state {
        row.insert("state".to_owned(), state.into());
        row.insert("pending".to_owned(), changes.into());
    }
    row.insert("digest".to_owned(), Value::Null);
    row
}

/// What is configured runs from now on.
fn apply(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let node = transaction.local_node()?;
    transaction.task(call, &node, "reloadnetworkall", "", |transaction, log| {
        for row in transaction.rows(&ApiPath::parse("nodes"))? {
            log.push(format!("{}: reloading network config", row.get("node").and_then(text).unwrap_or_default()));
        }
        let mut lists: Vec<ApiPath> =
            ["zones", "controllers", "vnets"].map(|kind| ApiPath::new(["cluster", "sdn", kind])).into();
        for row in transaction.rows(&ApiPath::parse("cluster/sdn/vnets"))? {
            let vnet = row.get("vnet").and_then(text).unwrap_or_default();
            lists.push(ApiPath::new(["cluster", "sdn", "vnets", &vnet, "subnets"]));
        }
        for list in lists {
            let mut rows = transaction.rows(&list)?;
            for row in &mut rows {
                row.remove("digest");
            }
            let rows: Vec<Value> = rows.into_iter().map(Value::Object).collect();
            transaction.remember(&format!("{RUNNING}{}", list.as_str()), json!(rows));
            refresh(transaction, &list)?;
        }
        Ok(())
    })
}
