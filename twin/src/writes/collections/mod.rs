//! Collections: lists of objects that are created with a POST, changed with a PUT and removed with a DELETE, all in the
//! same way. Their parameters come from the schema, their differences from [`table::COLLECTIONS`].

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::object::text;
use proxmox_mpc_model::schema::Verb;
use serde_json::Value;

use self::collection::{Collection, single};
use super::collections::table::COLLECTIONS;
use super::method::Handler;
use super::versions::{remove_keys, same_digest};
use crate::call::{Call, Refusal};
use crate::state::Transaction;

mod acme;
mod backup;
mod collection;
mod ha;
mod ha_rules;
mod networks;
mod notifications;
mod realms;
mod storages;
mod table;

/// Finds the function of a method of a collection.
pub(super) fn method(verb: Verb, path: &str) -> Option<Handler> {
    let has = |at: fn(&Collection) -> &'static str| COLLECTIONS.iter().any(|collection| at(collection) == path);
    match verb {
        Verb::Post if has(|collection| collection.create) => Some(create),
        Verb::Put if has(|collection| collection.single) => Some(update),
        Verb::Delete if has(|collection| collection.single) => Some(delete),
        _ => None,
    }
}

/// The collection of a call, and the path of its list.
fn of(call: &Call, at: fn(&Collection) -> &'static str) -> Option<(&'static Collection, ApiPath)> {
    let collection = COLLECTIONS.iter().find(|collection| at(collection) == call.method.path)?;
    let segments = collection.list.split('/').filter(|part| !part.is_empty()).map(|part| {
        let name = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
        name.map_or_else(|| part.to_owned(), |name| call.text(name).unwrap_or_default())
    });
    Some((collection, ApiPath::new(segments)))
}

fn beyond(call: &Call) -> Refusal {
    Refusal::beyond_the_twin(&call.method.path)
}

fn create(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (collection, list) = of(call, |collection| collection.create).ok_or_else(|| beyond(call))?;
    (collection.open)(transaction, "create")?;
    let mut row = collection.row(call);
    if let Some(id) = call.text(collection.parameter) {
        row.remove(collection.parameter);
        row.insert(collection.key.to_owned(), id.into());
    }
    (collection.settle)(transaction, call, &mut row, None)?;
    collection.read_back(&mut row);
    let id = row.get(collection.key).and_then(text);
    let id =
        id.ok_or_else(|| Refusal::parameter(collection.parameter, "property is missing and it is not optional"))?;
    let mut rows = transaction.rows(&list)?;
    if rows.iter().any(|row| collection.is(row, &id)) {
        collection.words.exists.about(&id)?;
    }
    (collection.fit)(transaction, call, &mut row, None)?;
    let answer = (collection.answer)(&mut row);
    rows.push(row.clone());
    collection.store(transaction, &list, rows, Some((&id, row.clone())));
    (collection.written)(transaction, call, &row)?;
    Ok(answer)
}

fn update(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (collection, list) = of(call, |collection| collection.single).ok_or_else(|| beyond(call))?;
    (collection.open)(transaction, "update")?;
    let id = (collection.id)(transaction, call.segments.last().map_or("", String::as_str))?;
    let mut rows = transaction.rows(&list)?;
    let Some(at) = rows.iter().position(|row| collection.is(row, &id)) else {
        collection.words.missing.about(&id)?;
        return Ok(Value::Null);
    };
    let before = collection.whole(transaction, &list, &id, &rows[at])?;
    let mut row = before.clone();
    same_digest(call, &before, collection.words.update)?;
    remove_keys(call, &mut row)?;
    row.extend(collection.row(call));
    (collection.settle)(transaction, call, &mut row, Some(&before))?;
    collection.read_back(&mut row);
    (collection.fit)(transaction, call, &mut row, Some(&before))?;
    let answer = (collection.answer)(&mut row);
    rows[at].clone_from(&row);
    collection.store(transaction, &list, rows, Some((&id, row.clone())));
    (collection.written)(transaction, call, &row)?;
    Ok(answer)
}

fn delete(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (collection, list) = of(call, |collection| collection.single).ok_or_else(|| beyond(call))?;
    (collection.open)(transaction, "delete")?;
    let id = (collection.id)(transaction, call.segments.last().map_or("", String::as_str))?;
    let mut rows = transaction.rows(&list)?;
    let Some(at) = rows.iter().position(|row| collection.is(row, &id)) else {
        collection.words.gone.about(&id)?;
        return Ok(Value::Null);
    };
    (collection.part)(transaction, call, &rows[at])?;
    rows.remove(at);
    transaction.hide_below(&single(&list, &id));
    collection.store(transaction, &list, rows, None);
    (collection.removed)(transaction, call, &id)?;
    Ok(Value::Null)
}
