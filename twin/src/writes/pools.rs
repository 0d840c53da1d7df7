//! Pools, in either form of their paths (`PVE::API2::Pool`).

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::object::text;
use proxmox_mpc_model::schema::Verb;
use serde_json::{Value, json};

use super::{Call, Refusal, Write};
use crate::state::{Row, Transaction};

/// The methods of this file.
pub(super) static WRITES: &[Write] = &[
    Write { verb: Verb::Post, path: "/pools", run: create },
    Write { verb: Verb::Put, path: "/pools", run: update },
    Write { verb: Verb::Put, path: "/pools/{poolid}", run: update },
    Write { verb: Verb::Delete, path: "/pools", run: delete },
    Write { verb: Verb::Delete, path: "/pools/{poolid}", run: delete },
];

fn pools() -> ApiPath {
    ApiPath::parse("pools")
}

fn resources() -> ApiPath {
    ApiPath::parse("cluster/resources")
}

fn is(row: &Row, key: &str, value: &str) -> bool {
    row.get(key).and_then(text).is_some_and(|own| own == value)
}

/// A pool with its members, as `pools?poolid=` answers it.
fn single(transaction: &Transaction, pool: &str) -> Result<Row, Refusal> {
    let rows = transaction.rows(&pools().with_query("poolid", pool))?;
    Ok(rows.into_iter().next().unwrap_or_default())
}

fn members(pool: &Row) -> Vec<Row> {
    let members = pool.get("members").and_then(Value::as_array).into_iter().flatten();
    members.filter_map(|member| member.as_object().cloned()).collect()
}

/// Writes what `pools?poolid=` answers; the other form of a pool that is not nested follows from it.
fn write(transaction: &mut Transaction, pool: &str, mut row: Row, members: Vec<Row>) {
    row.insert("poolid".to_owned(), pool.into());
    row.insert("members".to_owned(), members.into_iter().map(Value::Object).collect::<Vec<_>>().into());
    transaction.hide(&ApiPath::new(["pools", pool]));
    transaction.set_rows(&pools().with_query("poolid", pool), vec![row]);
}

/// Writes the list. What was recorded of single pools is written first, or it would be stale.
fn store(transaction: &mut Transaction, rows: Vec<Row>) -> Result<(), Refusal> {
    let mut kept = Vec::new();
    for name in rows.iter().filter_map(|row| row.get("poolid").and_then(text)) {
        kept.push((name.clone(), single(transaction, &name)?));
    }
    transaction.set_rows(&pools(), rows);
    for (name, row) in kept.into_iter().filter(|(_, row)| !row.is_empty()) {
        let members = members(&row);
        write(transaction, &name, row, members);
    }
    Ok(())
}

fn create(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let pool = call.required("poolid")?;
    let mut rows = transaction.rows(&pools())?;
    let failed = |what: String| Err(Refusal::failed(format!("create pool failed: {what}")));
    if rows.iter().any(|row| is(row, "poolid", &pool)) {
        return failed(format!("pool '{pool}' already exists"));
    }
    if let Some((parent, _)) = pool.rsplit_once('/')
        && !rows.iter().any(|row| is(row, "poolid", parent))
    {
        return failed(format!("parent '{parent}' of pool '{pool}' does not exist"));
    }
    let mut row = call.given();
    row.insert("poolid".to_owned(), pool.as_str().into());
    row.retain(|_, value| *value != "");
    rows.push(row.clone());
    store(transaction, rows)?;
    write(transaction, &pool, row, Vec::new());
    Ok(Value::Null)
}

fn update(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let pool = call.required("poolid")?;
    let mut rows = transaction.rows(&pools())?;
    let failed = |what: String| Refusal::failed(format!("update pools failed: {what}"));
    let Some(at) = rows.iter().position(|row| is(row, "poolid", &pool)) else {
        return Err(failed(format!("pool '{pool}' does not exist")));
    };
    if let Some(comment) = call.text("comment") {
        rows[at].insert("comment".to_owned(), comment.into());
        rows[at].retain(|_, value| *value != "");
    }
    let row = rows[at].clone();
    store(transaction, rows)?;
    let mut own = members(&single(transaction, &pool)?);
    for vmid in call.list("vms") {
        move_guest(transaction, call, &pool, &vmid, &mut own)?;
    }
    for storage in call.list("storage") {
        let there = own.iter().any(|member| is(member, "storage", &storage));
        if call.flag("delete") {
            if !there {
                return Err(failed(format!("Storage '{storage}' is not a pool member")));
            }
            own.retain(|member| !is(member, "storage", &storage));
            continue;
        }
        if there {
            return Err(failed(format!("Storage '{storage}' is already a pool member")));
        }
        let all = transaction.rows(&resources())?;
        own.extend(all.into_iter().filter(|row| is(row, "storage", &storage)));
    }
    write(transaction, &pool, row, own);
    Ok(Value::Null)
}

/// Puts a guest into a pool, or takes it out. One that is not there is taken without a word.
fn move_guest(
    transaction: &mut Transaction,
    call: &Call,
    pool: &str,
    vmid: &str,
    own: &mut Vec<Row>,
) -> Result<(), Refusal> {
    let failed = |what: String| Err(Refusal::failed(format!("update pools failed: {what}")));
    let guests = transaction.rows(&resources())?;
    let Some(mut guest) = guests.into_iter().find(|row| is(row, "vmid", vmid)) else { return Ok(()) };
    let before = guest.get("pool").and_then(text);
    if call.flag("delete") {
        if before.as_deref() != Some(pool) {
            return failed(format!("VM {vmid} is not a pool member"));
        }
        own.retain(|member| !is(member, "vmid", vmid));
        guest.remove("pool");
        return transaction.put_row(&resources(), "id", guest);
    }
    match before {
        Some(before) if before == pool => return failed(format!("VM {vmid} is already a pool member")),
        Some(before) if !call.flag("allow-move") => {
            return failed(format!("VM {vmid} belongs already to pool '{before}' and 'allow-move' is not set"));
        }
        Some(before) => {
            let other = single(transaction, &before)?;
            let rest = members(&other).into_iter().filter(|member| !is(member, "vmid", vmid)).collect();
            write(transaction, &before, other, rest);
        }
        None => {}
    }
    guest.insert("pool".to_owned(), pool.into());
    transaction.put_row(&resources(), "id", guest.clone())?;
    guest.retain(|key, _| !matches!(key.as_str(), "pool" | "tags" | "hastate"));
    own.push(guest);
    Ok(())
}

fn delete(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let pool = call.required("poolid")?;
    let mut rows = transaction.rows(&pools())?;
    let failed = |what: String| Err(Refusal::failed(format!("delete pool failed: {what}")));
    if !rows.iter().any(|row| is(row, "poolid", &pool)) {
        return failed(format!("pool '{pool}' does not exist"));
    }
    let below = format!("{pool}/");
    let nested = rows.iter().filter_map(|row| row.get("poolid").and_then(text)).find(|name| name.starts_with(&below));
    if let Some(nested) = nested {
        return failed(format!("pool '{pool}' is not empty (contains pool '{nested}')"));
    }
    let own = members(&single(transaction, &pool)?);
    if let Some(member) = own.first() {
        let named = |key: &str| member.get(key).and_then(text);
        let what = match named("vmid") {
            Some(vmid) => format!("VM {vmid}"),
            None => format!("storage '{}'", named("storage").unwrap_or_default()),
        };
        return failed(format!("pool '{pool}' is not empty (contains {what})"));
    }
    rows.retain(|row| !is(row, "poolid", &pool));
    store(transaction, rows)?;
    transaction.hide(&ApiPath::new(["pools", &pool]));
    transaction.hide(&pools().with_query("poolid", &pool));
    Ok(json!(null))
}
