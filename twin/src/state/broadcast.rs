//! Broadcasts: what the lists of the whole cluster show of a guest that has just changed.
//!
//! Each node tells the others every ten seconds what its guests are doing and how large they are (`pvestatd`). Lists of
//! the whole cluster are made of what was told last: a new guest has no name there and its status is unknown, a changed
//! one is as it was. That a guest is there, and what the cluster's files say of it, shows at once.

use std::collections::BTreeMap;

use proxmox_mpc_model::object::text;
use proxmox_mpc_model::{Answer, Answers, ApiPath, Unreadable};
use serde_json::{Value, json};

use super::changes::Changes;
use super::list::Row;
use super::view::View;

/// Beginning of the memories of the last broadcast: `told/qemu/100`.
const BROADCAST: &str = "told/";
/// Keys that come from the cluster's files, which need no broadcast.
const AT_ONCE: [&str; 8] = ["id", "vmid", "node", "type", "pool", "lock", "tags", "hastate"];
const RESOURCES: &str = "cluster/resources";

/// Notes the last broadcast of each guest that a write changes. `interval` is the time between two broadcasts, in
/// seconds.
pub(super) fn note(view: &View, changes: &mut Changes, now: i64, interval: i64) -> Result<(), Unreadable> {
    if interval <= 0 {
        return Ok(());
    }
    let Some(written) = changes.rows.get(RESOURCES) else { return Ok(()) };
    let known = view.indexed(&ApiPath::parse(RESOURCES), "id")?;
    let mut notes = BTreeMap::new();
    for (id, row) in written.rows.iter().filter(|(id, _)| id.starts_with("qemu/") || id.starts_with("lxc/")) {
        let before = known.as_ref().and_then(|rows| rows.get(id)).map(|row| broadcast_part(row));
        let key = format!("{BROADCAST}{id}");
        match row {
            None => drop(notes.insert(key, None)),
            Some(row) if before.as_ref() == Some(&broadcast_part(row)) => {}
            // What happens before the next broadcast adds to it.
            Some(_) if view.recall(&key).is_some_and(|note| is_late(&note, now, interval)) => {}
            Some(_) => drop(notes.insert(key, Some(json!({ "since": now, "row": before })))),
        }
    }
    changes.memories.extend(notes);
    Ok(())
}

/// The part of a guest's row that is broadcast.
fn broadcast_part(row: &Row) -> Row {
    row.iter()
        .filter(|(key, _)| !AT_ONCE.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

fn is_late(note: &Value, now: i64, interval: i64) -> bool {
    note.get("since").and_then(Value::as_i64).is_some_and(|since| now < since + interval)
}

/// Reports whether the answer to this request is made of broadcasts, and one of them is still to come.
pub fn is_awaited(view: &View, path: &ApiPath, now: i64, interval: i64) -> bool {
    is_about(path) && interval > 0 && view.memories(BROADCAST).iter().any(|(_, note)| is_late(note, now, interval))
}

fn is_about(path: &ApiPath) -> bool {
    let base = path.as_str().split('?').next().unwrap_or_default();
    base == RESOURCES || base == "pools" || base.strip_prefix("pools/").is_some()
}

/// Puts the last broadcasts into an answer of the whole cluster.
pub fn apply(view: &View, answer: &mut Answer, now: i64, interval: i64) {
    let late: BTreeMap<String, Option<Row>> = view
        .memories(BROADCAST)
        .into_iter()
        .filter(|(_, note)| is_late(note, now, interval))
        .map(|(key, note)| (key[BROADCAST.len()..].to_owned(), note.get("row").and_then(Value::as_object).cloned()))
        .collect();
    if let Some(data) = answer.body.get_mut("data") {
        replace(data, &late);
    }
}

fn replace(data: &mut Value, late: &BTreeMap<String, Option<Row>>) {
    match data {
        Value::Array(rows) => rows.iter_mut().for_each(|row| replace(row, late)),
        Value::Object(row) => {
            if let Some(members) = row.get_mut("members") {
                return replace(members, late);
            }
            let Some(last) = row.get("id").and_then(text).and_then(|id| late.get(&id)) else { return };
            row.retain(|key, _| AT_ONCE.contains(&key.as_str()));
            match last {
                Some(last) => row.extend(last.clone()),
                None => drop(row.insert("status".to_owned(), json!("unknown"))),
            }
        }
        _ => {}
    }
}
