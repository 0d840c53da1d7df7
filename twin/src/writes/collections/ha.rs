//! What the schema does not say of high availability (`PVE::API2::HA`, `PVE::HA::Rules`).

use std::collections::BTreeSet;

use proxmox_mpc_model::object::text;
use proxmox_mpc_model::{ApiPath, list};

use crate::state::{Row, Transaction};
use crate::writes::{Call, Refusal};

/// `vm:101` of `101` and `vm:101`; the number alone means whichever guest has it.
pub(super) fn sid(transaction: &Transaction, given: &str) -> Result<String, Refusal> {
    if given.contains(':') {
        return Ok(given.to_owned());
    }
    let guests = transaction.rows(&ApiPath::parse("cluster/resources"))?;
    let guest = guests.iter().find(|row| row.get("vmid").and_then(text).is_some_and(|vmid| vmid == given));
    let container = guest.is_some_and(|row| row.get("type").is_some_and(|kind| kind == "lxc"));
    Ok(format!("{}:{given}", if container { "ct" } else { "vm" }))
}

/// A resource is a guest that exists.
pub(super) fn settle_resource(
    transaction: &Transaction,
    _: &Call,
    row: &mut Row,
    before: Option<&Row>,
) -> Result<(), Refusal> {
    if before.is_some() {
        return Ok(());
    }
    let sid = sid(transaction, &row.get("sid").and_then(text).unwrap_or_default())?;
    let (kind, vmid) = sid.split_once(':').unwrap_or_default();
    let guest_type = if kind == "ct" { "lxc" } else { "qemu" };
    let guests = transaction.rows(&ApiPath::parse("cluster/resources"))?;
    let exists = guests.iter().any(|row| {
        row.get("vmid").and_then(text).is_some_and(|own| own == vmid)
            && row.get("type").is_some_and(|own| own == guest_type)
    });
    if !exists {
        return Err(Refusal::failed(format!("resource '{sid}' does not exist in cluster")));
    }
    row.insert("type".to_owned(), kind.into());
    row.insert("sid".to_owned(), sid.clone().into());
    Ok(())
}

/// A rule is about managed resources, and can be kept together with the other rules.
pub(super) fn settle_rule(
    transaction: &Transaction,
    call: &Call,
    row: &mut Row,
    before: Option<&Row>,
) -> Result<(), Refusal> {
    let context = if before.is_some() { "update ha rule failed" } else { "create ha rule failed" };
    let managed = transaction.rows(&ApiPath::parse("cluster/ha/resources"))?;
    let is_managed = |sid: &String| managed.iter().any(|row| row.get("sid").is_some_and(|own| own == sid));
    let unmanaged: Vec<String> = call.list("resources").into_iter().filter(|sid| !is_managed(sid)).collect();
    if !unmanaged.is_empty() {
        return Err(Refusal::failed(format!("{context}: cannot use unmanaged resource(s) {}.", unmanaged.join(", "))));
    }
    let rules = transaction.rows(&ApiPath::parse("cluster/ha/rules"))?;
    if before.is_none() {
        row.insert("order".to_owned(), (rules.len() + 1).into());
    }
    let complaints = complaints(row, &rules);
    if complaints.is_empty() {
        return Ok(());
    }
    let rule = row.get("rule").and_then(text).unwrap_or_default();
    let text = format!("400 Rule '{rule}' is invalid.\nresources: {}", complaints.join(", "));
    Err(Refusal::failed(text).within(context))
}

/// A resource that is gone leaves the rules, and a rule that has no resource left goes with it.
pub(super) fn purge(transaction: &mut Transaction, call: &Call, sid: &str) -> Result<(), Refusal> {
    if call.text("purge").as_deref() == Some("0") {
        return Ok(());
    }
    let list = ApiPath::parse("cluster/ha/rules");
    let mut rules = transaction.rows(&list)?;
    if !rules.iter().any(|rule| words(rule, "resources").contains(sid)) {
        return Ok(());
    }
    for rule in &mut rules {
        let mut resources = words(rule, "resources");
        resources.remove(sid);
        rule.insert("resources".to_owned(), resources.into_iter().collect::<Vec<_>>().join(",").into());
    }
    rules.retain(|rule| !words(rule, "resources").is_empty());
    transaction.hide_below(&list);
    transaction.set_rows(&list, rules);
    Ok(())
}

/// What stands against a rule beside the others.
fn complaints(row: &Row, rules: &[Row]) -> Vec<&'static str> {
    let mut complaints = Vec::new();
    if is(row, "type", "resource-affinity") && is_in_force(row) {
        let resources = words(row, "resources");
        if resources.len() < 2 {
            complaints.push("rule is ineffective as there are less than two resources");
        }
        let ranked = |rule: &&Row| {
            is(rule, "type", "node-affinity")
                && is_in_force(rule)
                && priorities(rule).len() > 1
                && !words(rule, "resources").is_disjoint(&resources)
        };
        if rules.iter().any(|rule| ranked(&rule)) {
            complaints.push("resources are in node affinity rules with multiple priorities");
        }
    }
    complaints
}

fn is(row: &Row, key: &str, value: &str) -> bool {
    row.get(key).is_some_and(|own| own == value)
}

fn is_in_force(row: &Row) -> bool {
    row.get("disable").and_then(text).is_none_or(|disable| disable == "0")
}

fn words(row: &Row, key: &str) -> BTreeSet<String> {
    list::items(&row.get(key).and_then(text).unwrap_or_default()).map(str::to_owned).collect()
}

/// The priorities of the nodes of a rule; a node without one has 0.
fn priorities(row: &Row) -> BTreeSet<String> {
    let nodes = words(row, "nodes").into_iter();
    nodes.map(|node| node.split_once(':').map_or("0", |(_, priority)| priority).to_owned()).collect()
}
