//! Pools, in either form of their paths (`PVE::API2::Pool`).

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::derived::Deriver;
use proxmox_mpc_model::object::text;
use proxmox_mpc_model::schema::Verb;
use serde_json::{Value, json};

use super::method::Write;
use crate::call::{Call, EXISTS, NOT_EMPTY, Refusal};
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

fn names(transaction: &Transaction) -> Result<Vec<String>, Refusal> {
    Ok(transaction.rows(&pools())?.iter().filter_map(|row| text(row.get("poolid")?)).collect())
}

/// The members of a pool.
fn members(transaction: &Transaction, pool: &str) -> Result<Vec<Row>, Refusal> {
    let path = pools().with_query("poolid", pool);
    let data = transaction.read(&path)?.unwrap_or_default();
    let answer = Deriver::new(transaction).with_members(&path, proxmox_mpc_model::Answer::ok(data))?;
    let members = answer.body.pointer("/data/0/members").and_then(Value::as_array).cloned().unwrap_or_default();
    Ok(members.into_iter().filter_map(|member| member.as_object().cloned()).collect())
}

fn storages(transaction: &Transaction, pool: &str) -> Result<Vec<String>, Refusal> {
    Ok(members(transaction, pool)?.iter().filter_map(|member| text(member.get("storage")?)).collect())
}

/// Writes a pool with its storages. Its guests follow from the cluster's resources, and with them the other answers
/// about it.
fn write(transaction: &mut Transaction, row: &Row, storages: &[String]) {
    let Some(pool) = row.get("poolid").and_then(text) else { return };
    let members: Vec<Value> = storages.iter().map(|storage| json!({ "type": "storage", "storage": storage })).collect();
    let mut row = row.clone();
    row.insert("members".to_owned(), members.into());
    transaction.hide(&ApiPath::new(["pools", &pool]));
    transaction.set_rows(&pools().with_query("poolid", &pool), vec![row]);
}

/// Writes the list. What was recorded of single pools is written with it, or it would be stale.
fn store(transaction: &mut Transaction, rows: &[Row]) -> Result<(), Refusal> {
    let mut kept = Vec::new();
    for row in rows {
        let name = row.get("poolid").and_then(text).unwrap_or_default();
        kept.push(storages(transaction, &name)?);
    }
    transaction.set_rows(&pools(), rows.to_owned());
    for (row, storages) in rows.iter().zip(kept) {
        write(transaction, row, &storages);
    }
    Ok(())
}

fn create(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let pool = call.required("poolid")?;
    let failed = |what: String| Err(Refusal::failed(format!("create pool failed: {what}")));
    let known = names(transaction)?;
    if known.contains(&pool) {
        return failed(format!("pool '{pool}' {EXISTS}"));
    }
    let (parent, leaf) = pool.rsplit_once('/').map_or((None, pool.as_str()), |(parent, leaf)| (Some(parent), leaf));
    if let Some(parent) = parent.filter(|parent| !known.iter().any(|own| own == parent)) {
        return failed(format!("parent '{parent}' of pool '{pool}' does not exist"));
    }
    if !leaf.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return failed("pool name must start with a letter".to_owned());
    }
    let mut row = call.given();
    row.insert("poolid".to_owned(), pool.as_str().into());
    row.retain(|_, value| *value != "");
    let mut rows = transaction.rows(&pools())?;
    rows.push(row);
    rows.sort_by_key(|row| row.get("poolid").and_then(text));
    store(transaction, &rows)?;
    Ok(Value::Null)
}

fn update(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let pool = call.required("poolid")?;
    let context = |refusal: Refusal| refusal.within("update pools failed");
    let mut rows = transaction.rows(&pools())?;
    let Some(at) = rows.iter().position(|row| is(row, "poolid", &pool)) else {
        return Err(context(Refusal::failed(format!("pool '{pool}' does not exist"))));
    };
    if let Some(comment) = call.text("comment") {
        rows[at].insert("comment".to_owned(), comment.into());
        rows[at].retain(|_, value| *value != "");
    }
    let row = rows[at].clone();
    store(transaction, &rows)?;
    for vmid in call.list("vms") {
        move_guest(transaction, call, &pool, &vmid).map_err(context)?;
    }
    let mut own = storages(transaction, &pool)?;
    for storage in call.list("storage") {
        move_storage(call, &storage, &mut own).map_err(context)?;
    }
    write(transaction, &row, &own);
    Ok(Value::Null)
}

fn move_storage(call: &Call, storage: &str, own: &mut Vec<String>) -> Result<(), Refusal> {
    let there = own.iter().any(|member| member == storage);
    match (call.flag("delete"), there) {
        (true, true) => own.retain(|member| member != storage),
        (true, false) => return Err(Refusal::failed(format!("Storage '{storage}' is not a pool member"))),
        (false, true) => return Err(Refusal::failed(format!("Storage '{storage}' is already a pool member"))),
        (false, false) => own.push(storage.to_owned()),
    }
    Ok(())
}

/// Puts a guest into a pool, or takes it out. A guest that is not in the pool is taken out without a message.
fn move_guest(transaction: &mut Transaction, call: &Call, pool: &str, vmid: &str) -> Result<(), Refusal> {
    let guests = transaction.rows(&resources())?;
    let Some(mut guest) = guests.into_iter().find(|row| is(row, "vmid", vmid)) else { return Ok(()) };
    let before = guest.get("pool").and_then(text);
    match before {
        Some(before) if call.flag("delete") && before == pool => {
            guest.remove("pool");
            return transaction.put_row(&resources(), "id", guest);
        }
        _ if call.flag("delete") => return Err(Refusal::failed(format!("VM {vmid} is not a pool member"))),
        Some(before) if before == pool => {
            return Err(Refusal::failed(format!("VM {vmid} is already a pool member")));
        }
        Some(before) if !call.flag("allow-move") => {
            let why = format!("VM {vmid} belongs already to pool '{before}' and 'allow-move' is not set");
            return Err(Refusal::failed(why));
        }
        _ => {}
    }
    guest.insert("pool".to_owned(), pool.into());
    transaction.put_row(&resources(), "id", guest)
}

/// Takes a storage out of every pool.
pub(super) fn leave(transaction: &mut Transaction, storage: &str) -> Result<(), Refusal> {
    for row in transaction.rows(&pools())? {
        let pool = row.get("poolid").and_then(text).unwrap_or_default();
        let listed = transaction.rows(&pools().with_query("poolid", &pool))?;
        let members = listed.first().and_then(|pool| pool.get("members")?.as_array().cloned()).unwrap_or_default();
        let mut own: Vec<String> = members.iter().filter_map(|member| text(member.get("storage")?)).collect();
        let before = own.len();
        own.retain(|own| own != storage);
        if own.len() != before {
            write(transaction, &row, &own);
        }
    }
    Ok(())
}

fn delete(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let pool = call.required("poolid")?;
    let mut rows = transaction.rows(&pools())?;
    let failed = |what: String| Err(Refusal::failed(format!("delete pool failed: {what}")));
    if !rows.iter().any(|row| is(row, "poolid", &pool)) {
        return failed(format!("pool '{pool}' does not exist"));
    }
    // A nested pool is named before a member (recorded: `pool_delete_nonempty`).
    let below = format!("{pool}/");
    if let Some(nested) = names(transaction)?.into_iter().find(|name| name.starts_with(&below)) {
        return failed(format!("pool '{pool}' is {NOT_EMPTY} (contains pool '{nested}')"));
    }
    if let Some(member) = members(transaction, &pool)?.first() {
        let named = |key: &str| member.get(key).and_then(text);
        let what = match named("vmid") {
            Some(vmid) => format!("VM {vmid}"),
            None => format!("storage '{}'", named("storage").unwrap_or_default()),
        };
        return failed(format!("pool '{pool}' is {NOT_EMPTY} (contains {what})"));
    }
    rows.retain(|row| !is(row, "poolid", &pool));
    store(transaction, &rows)?;
    transaction.hide(&ApiPath::new(["pools", &pool]));
    transaction.hide(&pools().with_query("poolid", &pool));
    // The rights on a nested pool stay: Proxmox looks for them at the top (`delete_pool_acl`).
    let acl = ApiPath::parse("access/acl");
    let (own, below) = (format!("/pool/{pool}"), format!("/pool/{pool}/"));
    let mut entries = transaction.rows(&acl)?;
    let before = entries.len();
    let path = |entry: &Row| entry.get("path").and_then(text).unwrap_or_default();
    entries.retain(|entry| pool.contains('/') || path(entry) != own && !path(entry).starts_with(&below));
    if entries.len() != before {
        transaction.set_rows(&acl, entries);
    }
    Ok(json!(null))
}
