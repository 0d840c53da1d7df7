//! The firewall of the cluster, of a node, of a guest and of a virtual network (`PVE::API2::Firewall`).

use proxmox_mpc_model::schema::Verb;
use serde_json::Value;

use self::lists::keys;
use super::digest;
use super::method::Handler;
use super::versions::same_digest;
use crate::call::{Call, Refusal};
use crate::state::Transaction;

mod lists;
mod named;
mod rules;
mod verify;

/// Finds the function of a method below any `firewall`.
pub(super) fn method(verb: Verb, path: &str) -> Option<Handler> {
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
    let digest = digest::of(digest::DigestForm::Sha1, [&options]);
    options.insert("digest".to_owned(), digest.into());
    transaction.set(&call.path, options);
    Ok(Value::Null)
}
