//! Refusals that Proxmox checks before everything else: nodes, guests and storages that the lists prove missing.

use super::deriver::{Derivation, Deriver};
use crate::object::text;
use crate::refusals::invalid;
use crate::{Answer, Answers, ApiPath, VmId};

/// Proxmox's refusal where the node, the guest or the storage of the path does not exist.
pub(super) fn check<A: Answers>(deriver: &Deriver<A>, segments: &[&str]) -> Derivation {
    if let ["cluster", "ha", "groups", _] = segments {
        let groups = deriver.answers.get(&ApiPath::parse("cluster/ha/groups"))?;
        let migrated = groups.is_some_and(|groups| groups.reason.contains("have been migrated to rules"));
        return Ok(migrated.then(|| Answer::refusal(500, "cannot read group: ha groups have been migrated to rules")));
    }
    let ["nodes", node, rest @ ..] = segments else { return Ok(None) };
    if let Some(nodes) = deriver.rows(&ApiPath::parse("nodes"), "node")?
        && !nodes.contains_key(*node)
        && !nodes.is_empty()
    {
        let message = format!(
            "hostname lookup '{node}' failed - failed to get address info for: {node}: Name or service not known"
        );
        return Ok(Some(Answer::refusal(500, &message)));
    }
    match rest {
        [guest_type @ ("qemu" | "lxc"), vmid, _, ..] => guest(deriver, node, guest_type, vmid),
        ["storage", storage, below, ..] => on_storage(deriver, node, storage, below),
        _ => Ok(None),
    }
}

/// Proxmox's refusal for a guest that does not exist on the node. Proxmox checks the permission before the existence,
/// and a guest of another node does not exist for it.
fn guest<A: Answers>(deriver: &Deriver<A>, node: &str, guest_type: &str, vmid: &str) -> Derivation {
    if vmid.parse::<i64>().is_err() {
        return Ok(Some(invalid("vmid", &format!("type check ('integer') failed - got '{vmid}'"))));
    }
    if VmId::parse(vmid).is_none() {
        return Ok(Some(invalid("vmid", "invalid format - value does not look like a valid VM ID\n")));
    }
    let Some(guests) = deriver.rows(&ApiPath::parse("cluster/resources"), "vmid")? else { return Ok(None) };
    let here = guests.get(vmid).is_some_and(|row| {
        let is = |key: &str, value: &str| row.get(key).and_then(text).is_some_and(|text| text == value);
        is("node", node) && is("type", guest_type)
    });
    let permissions = deriver.permissions()?;
    if here || !permissions.is_known() {
        return Ok(None);
    }
    if !permissions.allow(&format!("/vms/{vmid}"), "VM.Audit") {
        return Ok(Some(Answer::refusal(403, &format!("Permission check failed (/vms/{vmid}, VM.Audit)"))));
    }
    let folder = if guest_type == "qemu" { "qemu-server" } else { "lxc" };
    let message = format!("Configuration file 'nodes/{node}/{folder}/{vmid}.conf' does not exist");
    Ok(Some(Answer::refusal(500, &message)))
}

fn on_storage<A: Answers>(deriver: &Deriver<A>, node: &str, storage: &str, below: &str) -> Derivation {
    let Some(storages) = deriver.rows(&ApiPath::parse("storage"), "storage")? else { return Ok(None) };
    let Some(row) = storages.get(storage) else {
        let complete = deriver.permissions()?.allow_all("/storage", "Datastore.Audit");
        return Ok(complete.then(|| Answer::refusal(500, &format!("storage '{storage}' does not exist"))));
    };
    let word = |key: &str| row.get(key).and_then(text).unwrap_or_default();
    if below != "content" {
        return Ok(None);
    }
    if word("disable") == "1" {
        return Ok(Some(Answer::refusal(500, &format!("storage '{storage}' is disabled"))));
    }
    let nodes = word("nodes");
    if !nodes.is_empty() && !nodes.split(',').any(|allowed| allowed.trim() == node) {
        let message = format!("storage '{storage}' is not available on node '{node}'");
        return Ok(Some(Answer::refusal(500, &message)));
    }
    Ok(None)
}
