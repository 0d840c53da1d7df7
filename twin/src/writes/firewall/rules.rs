//! Firewall rules: an ordered list, new ones first (`PVE::API2::Firewall::Rules`).

use proxmox_mpc_model::ApiPath;
use serde_json::{Value, json};

use super::lists::{above, has, keys, same_list, store};
use super::verify::verify;
use crate::call::{Call, Refusal};
use crate::state::{Row, Transaction};

/// Keys of a rule (`rule_properties`).
const KEYS: &[&str] = &[
    "pos",
    "digest",
    "type",
    "action",
    "enable",
    "macro",
    "iface",
    "source",
    "dest",
    "proto",
    "dport",
    "sport",
    "log",
    "comment",
    "icmp-type",
];

/// `POST` of a rule: the new one is the first, whatever position the call names.
pub(super) fn create(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let mut rows = rules(transaction, call, &call.path)?;
    let mut row = Row::new();
    copy(call, &mut row);
    verify(transaction, &call.path, &mut row)?;
    row.entry("enable").or_insert(json!(0));
    rows.insert(0, row);
    store_numbered(transaction, &call.path, rows);
    Ok(Value::Null)
}

pub(super) fn update(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let list = above(call);
    let mut rows = rules(transaction, call, &list)?;
    same_list(call, &rows)?;
    let at = position(call, &rows)?;
    if let Some(to) = call.number("moveto").and_then(|to| usize::try_from(to).ok()).filter(|to| *to != at) {
        let row = rows.remove(at);
        // The place is counted among the rules as they were.
        let to = if to > at { to - 1 } else { to };
        rows.insert(to.min(rows.len()), row);
    } else {
        copy(call, &mut rows[at]);
        remove(call, &mut rows[at])?;
        verify(transaction, &list, &mut rows[at])?;
    }
    store_numbered(transaction, &list, rows);
    Ok(Value::Null)
}

pub(super) fn delete(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let list = above(call);
    let mut rows = rules(transaction, call, &list)?;
    same_list(call, &rows)?;
    let at = position(call, &rows)?;
    rows.remove(at);
    store_numbered(transaction, &list, rows);
    Ok(Value::Null)
}

/// Copies the keys of a call into a rule: an empty value, or a dash, takes a key away (`copy_rule_data`).
fn copy(call: &Call, row: &mut Row) {
    for (key, value) in keys(call).into_iter().filter(|(key, _)| !call.captured.contains(&key.as_str())) {
        if matches!(value.as_str(), Some("" | "-")) {
            row.remove(&key);
        } else {
            row.insert(key, value);
        }
    }
}

/// Takes away the keys that a call names (`delete_rule_properties`).
fn remove(call: &Call, row: &mut Row) -> Result<(), Refusal> {
    for key in call.list("delete") {
        let why = match key.as_str() {
            "type" | "action" => format!("unable to delete required property '{key}'"),
            key if !KEYS.contains(&key) => format!("no such property ('{key}')"),
            key => {
                row.remove(key);
                continue;
            }
        };
        return Err(Refusal::parameter("delete", why));
    }
    Ok(())
}

/// The rules of a list; a security group has to be there.
fn rules(transaction: &Transaction, call: &Call, list: &ApiPath) -> Result<Vec<Row>, Refusal> {
    if let Some(group) = call.text("group").filter(|_| call.captured.contains(&"group")) {
        let groups = transaction.rows(&ApiPath::parse("cluster/firewall/groups"))?;
        if !groups.iter().any(|row| has(row, "group", &group)) {
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

fn store_numbered(transaction: &mut Transaction, list: &ApiPath, mut rows: Vec<Row>) {
    for (at, row) in rows.iter_mut().enumerate() {
        row.insert("pos".to_owned(), at.into());
    }
    store(transaction, list, rows);
}

/// Lets the rules of the cluster, of every node and of every guest follow a security group to its new name.
pub(super) fn follow(transaction: &mut Transaction, old: &str, new: &str) -> Result<(), Refusal> {
    let mut lists = vec![ApiPath::parse("cluster/firewall/rules")];
    for node in transaction.rows(&ApiPath::parse("nodes"))? {
        let node = node.get("node").and_then(Value::as_str).unwrap_or_default();
        lists.push(ApiPath::new(["nodes", node, "firewall", "rules"]));
    }
    for guest in transaction.rows(&ApiPath::parse("cluster/resources"))? {
        if let Some((kind @ ("qemu" | "lxc"), vmid)) =
            guest.get("id").and_then(Value::as_str).and_then(|id| id.split_once('/'))
        {
            let node = guest.get("node").and_then(Value::as_str).unwrap_or_default();
            lists.push(ApiPath::new(["nodes", node, kind, vmid, "firewall", "rules"]));
        }
    }
    for list in lists {
        let mut rows = transaction.rows(&list)?;
        let named = |row: &&mut Row| has(row, "type", "group") && has(row, "action", old);
        let mut found = false;
        for row in rows.iter_mut().filter(named) {
            row.insert("action".to_owned(), new.into());
            found = true;
        }
        if found {
            store_numbered(transaction, &list, rows);
        }
    }
    Ok(())
}
