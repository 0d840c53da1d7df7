//! Security groups, sets of addresses and aliases (`PVE::API2::Firewall::{Groups,IPSet,Aliases}`).

use proxmox_mpc_model::object::text;
use proxmox_mpc_model::{ApiPath, firewall};
use serde_json::Value;

use super::lists::{above, has, is_alias, keys, same_list, store};
use super::verify::alias as alias_of;
use crate::call::{Call, Refusal};
use crate::state::{Row, Transaction};

/// Key of a named object's name, and the word for such an object in Proxmox's messages.
fn words(call: &Call) -> (&'static str, &'static str) {
    if call.segments.iter().any(|segment| segment == "groups") {
        ("group", "Security group")
    } else {
        ("name", "IPSet")
    }
}

/// Refusal of a group or a set that does not exist.
fn unknown(call: &Call, name: &str) -> Refusal {
    let what = if words(call).0 == "group" { "security group" } else { "IPSet" };
    Refusal::failed(format!("no such {what} '{name}'"))
}

fn below(list: &ApiPath, name: &str) -> ApiPath {
    ApiPath::new(list.segments().iter().map(String::as_str).chain([name]))
}

fn sort(rows: &mut [Row], key: &str) {
    rows.sort_by_key(|row| row.get(key).and_then(text).unwrap_or_default().to_lowercase());
}

/// Creates a group or a set, or gives one another name and comment. Names are kept in lower case.
pub(super) fn create(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (key, title) = words(call);
    let mut rows = transaction.rows(&call.path)?;
    let name = call.required(key)?.to_lowercase();
    let is_there = |name: &str| rows.iter().any(|row| has(row, key, name));
    let mut row = Row::from_iter([(key.to_owned(), name.as_str().into())]);
    let mut members = Vec::new();
    if let Some(old) = call.text("rename").map(|old| old.to_lowercase()) {
        same_list(call, &rows)?;
        if !is_there(&old) {
            return Err(Refusal::parameter(key, format!("{title} '{old}' does not exist")));
        }
        if old != name && is_there(&name) {
            return Err(Refusal::parameter(key, format!("{title} '{name}' does already exist")));
        }
        members = transaction.rows(&below(&call.path, &old))?;
        let comment = rows.iter().find(|row| has(row, key, &old)).and_then(|row| row.get("comment").cloned());
        row.extend(comment.map(|comment| ("comment".to_owned(), comment)));
        rows.retain(|row| !has(row, key, &old));
        transaction.hide_below(&below(&call.path, &old));
        if key == "group" && old != name {
            super::rules::follow(transaction, &old, &name)?;
        }
    } else if is_there(&name) {
        return Err(Refusal::parameter(key, format!("{title} '{name}' already exists")));
    }
    row.extend(call.text("comment").map(|comment| ("comment".to_owned(), comment.into())));
    row.retain(|_, value| *value != "");
    rows.push(row);
    sort(&mut rows, key);
    write_list(transaction, &call.path, rows);
    transaction.set_rows(&below(&call.path, &name), members);
    Ok(Value::Null)
}

/// Removes a group or a set; with members only where the client insists.
pub(super) fn delete(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (key, title) = words(call);
    let (list, name) = (above(call), call.required(key)?);
    let mut rows = transaction.rows(&list)?;
    if !rows.iter().any(|row| has(row, key, &name)) {
        return Err(unknown(call, &name));
    }
    if !call.flag("force") && !transaction.rows(&call.path)?.is_empty() {
        return Err(Refusal::failed(format!("{title} '{name}' is not empty")));
    }
    rows.retain(|row| !has(row, key, &name));
    transaction.hide_below(&call.path);
    write_list(transaction, &list, rows);
    Ok(Value::Null)
}

/// Writes a list of names, not what is below them.
fn write_list(transaction: &mut Transaction, list: &ApiPath, mut rows: Vec<Row>) {
    let digest = crate::writes::digest::of(crate::writes::digest::DigestForm::Sha1, &rows);
    for row in &mut rows {
        row.insert("digest".to_owned(), digest.as_str().into());
    }
    transaction.set_rows(list, rows);
}

/// The entries of a set that is there.
fn entries(transaction: &Transaction, call: &Call, set: &ApiPath) -> Result<Vec<Row>, Refusal> {
    let name = call.required("name")?;
    let list = ApiPath::new(set.segments().iter().take(set.segments().len().saturating_sub(1)));
    if !transaction.rows(&list)?.iter().any(|row| has(row, "name", &name)) {
        return Err(unknown(call, &name));
    }
    transaction.rows(set)
}

pub(super) fn create_entry(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let mut rows = entries(transaction, call, &call.path)?;
    let given = call.required("cidr")?;
    let cidr = firewall::unmasked(&given);
    let name = firewall::unscoped(&given);
    if firewall::is_name(name) && alias_of(transaction, &call.path, &given)?.is_none() {
        return Err(Refusal::failed(format!("no such alias '{name}'")));
    }
    if rows.iter().any(|row| has(row, "cidr", &cidr)) {
        return Err(Refusal::parameter("cidr", format!("address '{cidr}' already exists")));
    }
    let zero = |(_, length): (&str, &str)| !length.is_empty() && length.bytes().all(|byte| byte == b'0');
    if cidr.split_once('/').is_some_and(zero) {
        return Err(Refusal::parameter("cidr", "a zero prefix is not allowed in ipset entries"));
    }
    let mut row = entry(call);
    row.insert("cidr".to_owned(), cidr.into());
    rows.push(row);
    sort(&mut rows, "cidr");
    store(transaction, &call.path, rows);
    Ok(Value::Null)
}

/// Entry of a set as a call gives it; values that are false are not kept.
fn entry(call: &Call) -> Row {
    let mut row = keys(call);
    row.retain(|key, value| {
        !call.captured.contains(&key.as_str()) && *value != "" && !(key == "nomatch" && *value == 0)
    });
    row
}

pub(super) fn update_entry(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (set, cidr) = (above(call), call.required("cidr")?);
    let mut rows = entries(transaction, call, &set)?;
    same_list(call, &rows)?;
    let row = rows.iter_mut().find(|row| has(row, "cidr", &cidr));
    let row = row.ok_or_else(|| Refusal::parameter("cidr", "no such IP/Network"))?;
    // What is not given is gone.
    row.retain(|key, _| key == "cidr");
    row.extend(entry(call));
    store(transaction, &set, rows);
    Ok(Value::Null)
}

pub(super) fn delete_entry(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (set, cidr) = (above(call), call.required("cidr")?);
    let mut rows = entries(transaction, call, &set)?;
    same_list(call, &rows)?;
    rows.retain(|row| !has(row, "cidr", &cidr));
    store(transaction, &set, rows);
    Ok(Value::Null)
}

/// An address as the list shows it: a single one has no prefix.
fn single(cidr: &str) -> String {
    let full = if cidr.contains(':') { "/128" } else { "/32" };
    cidr.strip_suffix(full).unwrap_or(cidr).to_owned()
}

/// An alias as it reads back.
fn alias(call: &Call, name: &str) -> Result<Row, Refusal> {
    let cidr = single(&call.required("cidr")?);
    let version = if cidr.contains(':') { 6 } else { 4 };
    let mut row = Row::from_iter([
        ("name".to_owned(), name.into()),
        ("cidr".to_owned(), cidr.into()),
        ("ipversion".to_owned(), version.into()),
    ]);
    let comment = call.text("comment").filter(|comment| !comment.is_empty());
    row.extend(comment.map(|comment| ("comment".to_owned(), comment.into())));
    Ok(row)
}

pub(super) fn create_alias(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let mut rows = transaction.rows(&call.path)?;
    let name = call.required("name")?;
    if rows.iter().any(|row| is_alias(row, &name)) {
        return Err(Refusal::parameter("name", format!("alias '{name}' already exists")));
    }
    rows.push(alias(call, &name)?);
    sort(&mut rows, "name");
    store(transaction, &call.path, rows);
    Ok(Value::Null)
}

/// `PUT` of an alias, which replaces it: keys that are not given are gone.
pub(super) fn update_alias(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (list, name) = (above(call), call.required("name")?);
    let mut rows = transaction.rows(&list)?;
    same_list(call, &rows)?;
    let at = rows.iter().position(|row| is_alias(row, &name));
    let at = at.ok_or_else(|| Refusal::parameter("name", "no such alias"))?;
    let new = call.text("rename").unwrap_or(name);
    let taken = rows.iter().enumerate().any(|(other, row)| other != at && is_alias(row, &new));
    if taken {
        return Err(Refusal::parameter("name", format!("alias '{new}' already exists")));
    }
    rows[at] = alias(call, &new)?;
    sort(&mut rows, "name");
    store(transaction, &list, rows);
    Ok(Value::Null)
}

pub(super) fn delete_alias(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (list, name) = (above(call), call.required("name")?);
    let mut rows = transaction.rows(&list)?;
    same_list(call, &rows)?;
    rows.retain(|row| !is_alias(row, &name));
    store(transaction, &list, rows);
    Ok(Value::Null)
}
