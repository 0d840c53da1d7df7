//! Virtual networks: the configured state, the running state, and the steps from one to the other
//! (`PVE::Network::SDN`).
//!
//! Most of their objects are collections; fabrics and addresses are not.

use proxmox_mpc_model::object::text;
use proxmox_mpc_model::schema::Verb;
use proxmox_mpc_model::{Answers, ApiPath, list};
use serde_json::{Value, json};

use super::collections;
use super::method::Handler;
use crate::call::{Call, Refusal};
use crate::state::{Row, Transaction};

mod addresses;
mod fabric_rules;
mod fabrics;
mod pending;

/// Memory of the token that locks the configuration.
const LOCK: &str = "sdn/lock";

/// Finds the function of a method of the virtual networks that is more than a collection's.
pub(super) fn method(verb: Verb, path: &str) -> Option<Handler> {
    let below = path.strip_prefix("/cluster/sdn")?;
    let kind = below.trim_start_matches('/').split('/').next().unwrap_or_default();
    match (verb, below) {
        (Verb::Put, "") => Some(apply),
        (Verb::Post, "/lock") => Some(lock),
        (Verb::Delete, "/lock") => Some(unlock),
        (Verb::Post, "/rollback") => Some(roll_back),
        _ if below.ends_with("/ips") => addresses::method(verb),
        _ if below.contains("/firewall/") => None,
        _ if kind == "fabrics" => Some(fabric),
        _ => collections::method(verb, path).map(|_| change as Handler),
    }
}

/// The list that a call changes: it ends with the last word that names one.
fn changed_list(call: &Call) -> ApiPath {
    let is_list =
        |word: &String| matches!(word.as_str(), "zones" | "vnets" | "controllers" | "subnets" | "dns" | "ipams");
    let at = call.segments.iter().rposition(is_list);
    ApiPath::new(call.segments.iter().take(at.map_or(0, |at| at + 1)))
}

/// A write to a collection, which waits until it is applied; DNS and IPAM servers count at once.
fn change(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let list = changed_list(call);
    let kind = list.segments().last().cloned().unwrap_or_default();
    let doing = match call.method.verb {
        Verb::Post => "create",
        Verb::Put => "update",
        _ => "delete",
    };
    check_lock(transaction, call, &format!("{doing} sdn {} object failed", kind.trim_end_matches('s')))?;
    let Some(run) = collections::method(call.method.verb, &call.method.path) else {
        return Err(Refusal::beyond_the_twin(&call.method.path));
    };
    if matches!(kind.as_str(), "dns" | "ipams") {
        return run(transaction, call);
    }
    pending::remember(transaction, &list)?;
    let before = changed_object(transaction, call, &list)?;
    let answer = run(transaction, call)?;
    if kind == "subnets" {
        let after = changed_object(transaction, call, &list)?;
        addresses::keep_gateway(transaction, before.as_ref(), after.as_ref())?;
    }
    pending::refresh(transaction, &list)?;
    Ok(answer)
}

/// The object of a list that a call makes, changes or removes. A subnet is made by its network, and called after it.
fn changed_object(transaction: &Transaction, call: &Call, list: &ApiPath) -> Result<Option<Row>, Refusal> {
    let id = call.text("subnet").unwrap_or_default();
    let is_it = |row: &Row| ["subnet", "cidr"].iter().any(|key| row.get(*key).and_then(text).as_ref() == Some(&id));
    Ok(transaction.rows(list)?.into_iter().find(is_it))
}

fn fabric(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    check_lock(transaction, call, "")?;
    fabrics::write(transaction, call)
}

/// Refuses a call without the token while the configuration is locked. The line numbers in the messages are Proxmox's.
fn check_lock(transaction: &Transaction, call: &Call, context: &str) -> Result<(), Refusal> {
    let Some(token) = transaction.recall(LOCK) else { return Ok(()) };
    if call.text("lock-token") == text(&token) {
        return Ok(());
    }
    let refusal = Refusal::failed("invalid lock token provided! at /usr/share/perl5/PVE/Network/SDN.pm line 291.");
    Err(if context.is_empty() { refusal } else { refusal.within(context) })
}

fn lock(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let context = "could not acquire lock for SDN config";
    check_lock(transaction, call, context)?;
    if !call.flag("allow-pending") && waits(transaction)? {
        let text = "configuration has pending changes at /usr/share/perl5/PVE/API2/Network/SDN.pm line 149.";
        return Err(Refusal::failed(text).within(context));
    }
    let token = transaction.made_up_uuid();
    transaction.remember(LOCK, token.as_str());
    Ok(token.into())
}

fn waits(transaction: &Transaction) -> Result<bool, Refusal> {
    for list in pending::lists(transaction)? {
        let rows = transaction.rows(&list.with_query("pending", "1"))?;
        if rows.iter().any(|row| row.contains_key("pending")) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn unlock(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    if !call.flag("force") {
        check_lock(transaction, call, "could not release lock")?;
    }
    transaction.forget(LOCK);
    Ok(Value::Null)
}

/// Releases the lock for a call that gives its token, unless it says otherwise.
fn release(transaction: &mut Transaction, call: &Call) {
    if call.text("lock-token").is_some() && call.text("release-lock").as_deref() != Some("0") {
        transaction.forget(LOCK);
    }
}

/// `POST rollback`: makes the running configuration the configured one.
fn roll_back(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    check_lock(transaction, call, "could not rollback SDN configuration")?;
    for list in pending::lists(transaction)? {
        pending::roll_back(transaction, &list)?;
    }
    fabrics::roll_back(transaction);
    release(transaction, call);
    Ok(Value::Null)
}

/// `PUT` of the virtual networks: makes the configured state the running one, and starts a task that reloads the
/// network of each node.
fn apply(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    check_lock(transaction, call, "could not commit SDN config")?;
    for list in pending::lists(transaction)? {
        pending::run(transaction, &list)?;
    }
    fabrics::apply(transaction)?;
    addresses::show(transaction)?;
    release(transaction, call);
    let nodes = transaction.rows(&ApiPath::parse("nodes"))?;
    let nodes: Vec<String> = nodes.iter().filter_map(|row| row.get("node").and_then(text)).collect();
    for node in &nodes {
        show_zones(transaction, node)?;
    }
    let local = transaction.local_node()?;
    transaction.task(call, &local, "reloadnetworkall", "", |_, log| {
        log.extend(nodes.iter().map(|node| format!("{node}: reloading network config")));
        Ok(())
    })
}

/// Writes the state of the running zones of a node: available, unless none was when it was recorded.
fn show_zones(transaction: &mut Transaction, node: &str) -> Result<(), Refusal> {
    let list = ApiPath::new(["nodes", node, "sdn", "zones"]);
    if transaction.get(&list)?.is_none() {
        return Ok(());
    }
    let known = transaction.rows(&list)?;
    let is_up = |row: &&Row| row.get("status").is_some_and(|status| status == "available");
    let status = known.iter().find(is_up).or(known.first()).and_then(|row| row.get("status"));
    let status = status.cloned().unwrap_or_else(|| json!("available"));
    let zones = pending::running(transaction, &ApiPath::parse("cluster/sdn/zones"));
    let here = zones.iter().filter(|zone| {
        let nodes = zone.get("nodes").and_then(text).unwrap_or_default();
        nodes.is_empty() || list::items(&nodes).any(|allowed| allowed == node)
    });
    let rows: Vec<Value> =
        here.filter_map(|zone| Some(json!({ "zone": zone.get("zone")?, "status": status }))).collect();
    transaction.hide_below(&list);
    transaction.set(&list, rows);
    Ok(())
}
