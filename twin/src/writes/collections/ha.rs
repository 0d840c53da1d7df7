//! High availability: rules that the schema does not have (`PVE::API2::HA`, `PVE::HA::Rules`).

use std::collections::BTreeSet;

use proxmox_mpc_model::object::text;
use proxmox_mpc_model::{Answers, ApiPath, list};

use crate::call::{Call, Refusal};
use crate::state::{Row, Transaction};
use crate::writes::guests::ha_requests;

/// Reports whether the groups of older versions have become rules: their list is refused from then on.
fn is_migrated(transaction: &Transaction) -> Result<bool, Refusal> {
    let groups = transaction.get(&ApiPath::parse("cluster/ha/groups"))?;
    Ok(groups.is_none_or(|groups| groups.data().is_none()))
}

/// Refuses writes to rules until groups have become rules.
pub(super) fn after_migration(transaction: &Transaction, verb: &str) -> Result<(), Refusal> {
    if is_migrated(transaction)? {
        return Ok(());
    }
    Err(Refusal::failed(format!("cannot {verb} ha rule: ha groups have not been migrated yet")))
}

/// Refuses writes to groups once they have become rules.
pub(super) fn before_migration(transaction: &Transaction, verb: &str) -> Result<(), Refusal> {
    if is_migrated(transaction)? {
        return Err(Refusal::failed(format!("cannot {verb} group: ha groups have been migrated to rules")));
    }
    Ok(())
}

/// Refuses to remove a group that a resource is in.
pub(super) fn part_group(transaction: &Transaction, _: &Call, row: &Row) -> Result<(), Refusal> {
    let resources = transaction.rows(&ApiPath::parse("cluster/ha/resources"))?;
    let user =
        resources.iter().find(|resource| resource.get("group").is_some() && resource.get("group") == row.get("group"));
    let Some(user) = user else { return Ok(()) };
    let sid = user.get("sid").and_then(text).unwrap_or_default();
    Err(Refusal::failed(format!("delete ha group failed: ha group is used by service '{sid}'")))
}

/// Refuses a resource whose guest does not exist.
pub(super) fn settle_resource(
    transaction: &Transaction,
    _: &Call,
    row: &mut Row,
    before: Option<&Row>,
) -> Result<(), Refusal> {
    if before.is_some() {
        return Ok(());
    }
    let sid = ha_requests::sid(transaction, &row.get("sid").and_then(text).unwrap_or_default())?;
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

/// Tells the manager that another state is wanted of a resource.
pub(super) fn wake_manager(transaction: &mut Transaction, row: &Row) {
    if let Some(sid) = row.get("sid").and_then(text) {
        ha_requests::wake(transaction, &sid);
    }
}

/// Takes a removed resource out of the rules, and removes rules that have no resource left.
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

fn words(row: &Row, key: &str) -> BTreeSet<String> {
    list::items(&row.get(key).and_then(text).unwrap_or_default()).map(str::to_owned).collect()
}
