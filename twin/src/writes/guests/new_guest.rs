//! New guests of both types: a free number, the answers that each has from the start, and its pool.

use serde_json::json;

use super::guest::{Guest, resources};
use super::keys::word;
use super::snapshots;
use crate::call::{EXISTS, Refusal};
use crate::state::Transaction;

/// Refuses a number that is taken.
pub(super) fn unused(transaction: &Transaction, guest: &Guest) -> Result<(), Refusal> {
    let taken = |kind: &str| transaction.row(&resources(), "id", &format!("{kind}/{}", guest.vmid));
    let Some(row) = taken("qemu")?.or(taken("lxc")?) else { return Ok(()) };
    let (vmid, node) = (&guest.vmid, word(&row, "node").unwrap_or_default());
    let kind = if word(&row, "type").as_deref() == Some("lxc") { "CT" } else { "VM" };
    Err(Refusal::failed(format!("unable to create VM {vmid} - {kind} {vmid} {EXISTS} on node '{node}'")))
}

/// Writes the answers of a new guest besides its configuration. Its firewall may have been written before it (`ID.fw`).
pub(super) fn open(transaction: &mut Transaction, guest: &Guest) -> Result<(), Refusal> {
    for (what, empty) in [("rules", json!([])), ("aliases", json!([])), ("ipset", json!([])), ("options", json!({}))] {
        let path = guest.path(&["firewall", what]);
        if transaction.read(&path)?.is_none() {
            transaction.set(&path, empty);
        }
    }
    snapshots::write(transaction, guest, Vec::new(), None)
}

/// Makes a guest a member of a pool.
pub(super) fn join(transaction: &mut Transaction, guest: &Guest, pool: &str) -> Result<(), Refusal> {
    if let Some(mut row) = guest.resource(transaction)? {
        row.insert("pool".to_owned(), json!(pool));
        transaction.put_row(&resources(), "id", row)?;
    }
    Ok(())
}
