//! The firewall of the cluster, of a node, of a guest and of a virtual network (`PVE::API2::Firewall`).

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::object::text;
use proxmox_mpc_model::schema::Verb;
use serde_json::Value;

use super::digest;
use super::method::Run;
use super::versions::same_digest;
use crate::call::{Call, Refusal};
use crate::state::{Row, Transaction};

mod named;
mod rules;
mod verify;

/// What does a method below a `firewall` of any place.
pub(super) fn method(verb: Verb, path: &str) -> Option<Run> {
    let (_, rest) = path.split_once("/firewall/")?;
    Some(match (verb, rest) {
        (Verb::Put, "options") => set_options,
        (Verb::Post, "rules" | "groups/{group}") => rules::create,
        (Verb::Put, "rules/{pos}" | "groups/{group}/{pos}") => rules::update,
        (Verb::Delete, "rules/{pos}" | "groups/{group}/{pos}") => rules::delete,
        (Verb::Post, "groups" | "ipset") => named::create,
        (Verb::Delete, "groups/{group}" | "ipset/{name}") => named::delete,
        (Verb::Post, "ipset/{name}") => named::create_entry,
        (Verb::Put, "ipset/{name}/{cidr}") => named::update_entry,
        (Verb::Delete, "ipset/{name}/{cidr}") => named::delete_entry,
        (Verb::Post, "aliases") => named::create_alias,
        (Verb::Put, "aliases/{name}") => named::update_alias,
        (Verb::Delete, "aliases/{name}") => named::delete_alias,
        _ => return None,
    })
}

fn set_options(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let mut options = transaction.object(&call.path)?;
    same_digest(call, &options, "")?;
    for key in call.list("delete") {
        let known = call.method.parameter(&key).is_some() && !call.captured.contains(&key.as_str());
        if !known || matches!(key.as_str(), "delete" | "digest") {
            return Err(Refusal::parameter("delete", format!("no such option '{key}'")));
        }
        options.remove(&key);
    }
    options.extend(keys(call));
    if call.number("enable").is_some_and(|enable| enable > 1) {
        // The cluster remembers since when its firewall is on.
        options.insert("enable".to_owned(), transaction.now().into());
    }
    let digest = digest::of(digest::Form::Sha1, [&options]);
    options.insert("digest".to_owned(), digest.into());
    transaction.set(&call.path, options);
    Ok(Value::Null)
}

/// What a call sets: its parameters but those that say how.
fn keys(call: &Call) -> Row {
    let mut row = call.given();
    row.retain(|key, _| !matches!(key.as_str(), "delete" | "digest" | "pos" | "moveto" | "rename" | "force"));
    row
}

/// The path without its last segment.
fn above(call: &Call) -> ApiPath {
    ApiPath::new(call.segments.iter().take(call.segments.len().saturating_sub(1)))
}

/// Writes a list whose objects all carry the checksum of their file; single answers follow from it.
fn store(transaction: &mut Transaction, list: &ApiPath, mut rows: Vec<Row>) {
    let digest = digest::of(digest::Form::Sha1, &rows);
    for row in &mut rows {
        row.insert("digest".to_owned(), digest.as_str().into());
    }
    transaction.hide_below(list);
    transaction.set_rows(list, rows);
}

/// Refuses a change where the client has read another version of the list.
fn same_list(call: &Call, rows: &[Row]) -> Result<(), Refusal> {
    rows.first().map_or(Ok(()), |row| same_digest(call, row, ""))
}

fn has(row: &Row, key: &str, value: &str) -> bool {
    row.get(key).and_then(text).is_some_and(|own| own == value)
}
