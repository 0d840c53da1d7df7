//! What the schema does not say of high availability (`PVE::API2::HA`, `PVE::HA::Rules`).

use std::collections::BTreeSet;

use proxmox_mpc_model::object::text;
use proxmox_mpc_model::{Answers, ApiPath, list};

use crate::state::{Row, Transaction};
use crate::writes::{Call, Refusal};

/// Whether the groups of older versions have become rules: their list is refused from then on.
fn is_migrated(transaction: &Transaction) -> Result<bool, Refusal> {
    let groups = transaction.get(&ApiPath::parse("cluster/ha/groups"))?;
    Ok(groups.is_none_or(|groups| groups.data().is_none()))
}

/// Rules are written once the groups have become rules.
pub(super) fn after_migration(transaction: &Transaction, verb: &str) -> Result<(), Refusal> {
    if is_migrated(transaction)? {
        return Ok(());
    }
    Err(Refusal::failed(format!("cannot {verb} ha rule: ha groups have not been migrated yet")))
}

/// Groups are written until then.
pub(super) fn before_migration(transaction: &Transaction, verb: &str) -> Result<(), Refusal> {
    if is_migrated(transaction)? {
        return Err(Refusal::failed(format!("cannot {verb} group: ha groups have been migrated to rules")));
    }
    Ok(())
}

/// A group that a resource is in stays.
pub(super) fn part_group(transaction: &Transaction, _: &Call, row: &Row) -> Result<(), Refusal> {
    let resources = transaction.rows(&ApiPath::parse("cluster/ha/resources"))?;
    let user =
        resources.iter().find(|resource| resource.get("group").is_some() && resource.get("group") == row.get("group"));
    let Some(user) = user else { return Ok(()) };
    let sid = user.get("sid").and_then(text).unwrap_or_default();
    Err(Refusal::failed(format!("delete ha group failed: ha group is used by service '{sid}'")))
}

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
fn complaints(row: &Row, rules: &[Row]) -> Vec<String> {
    let mut complaints = Vec::new();
    let resources = words(row, "resources");
    let others = || rules.iter().filter(|rule| rule.get("rule") != row.get("rule") && is_in_force(rule));
    if is(row, "type", "node-affinity") && is_in_force(row) {
        let mut taken = others().filter(|rule| is(rule, "type", "node-affinity")).map(|rule| words(rule, "resources"));
        let twice = taken.find_map(|taken| taken.intersection(&resources).next().cloned());
        complaints.extend(twice.map(|sid| format!("resource '{sid}' is already used in another node affinity rule")));
    }
    if is(row, "type", "resource-affinity") && is_in_force(row) {
        if resources.len() < 2 {
            complaints.push("rule is ineffective as there are less than two resources".to_owned());
        }
        let ranked = |rule: &Row| {
            is(rule, "type", "node-affinity")
                && priorities(rule).len() > 1
                && !words(rule, "resources").is_disjoint(&resources)
        };
        if others().any(ranked) {
            complaints.push("resources are in node affinity rules with multiple priorities".to_owned());
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Recorded complaints.
    #[test]
    fn rules_are_kept_together_or_not() {
        let row = |row: Value| row.as_object().unwrap().clone();
        let rules = [
            row(json!({"rule": "a", "type": "node-affinity", "nodes": "pve1:2,pve2", "resources": "vm:100"})),
            row(json!({"rule": "b", "type": "node-affinity", "nodes": "pve1,pve2", "resources": "vm:102"})),
        ];
        let check =
            |rule: Value, expected: &[&str]| assert_eq!(complaints(&row(rule.clone()), &rules), expected, "{rule}");
        let ranked = "resources are in node affinity rules with multiple priorities";
        let alone = "rule is ineffective as there are less than two resources";
        let taken = "resource 'vm:100' is already used in another node affinity rule";
        let affinity = |resources: &str| json!({"rule": "r", "type": "resource-affinity", "resources": resources});
        check(affinity("vm:100"), &[alone, ranked]);
        check(affinity("vm:100,vm:102"), &[ranked]);
        check(affinity("vm:102,vm:103"), &[]);
        check(json!({"rule": "r", "type": "node-affinity", "nodes": "pve1", "resources": "vm:100"}), &[taken]);
        check(json!({"rule": "a", "type": "node-affinity", "nodes": "pve1", "resources": "vm:100"}), &[]);
        check(json!({"rule": "r", "type": "node-affinity", "resources": "vm:100", "disable": 1}), &[]);
    }
}
