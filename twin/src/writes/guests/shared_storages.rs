//! Volumes of shared storages, which every node lists.

use proxmox_mpc_model::{Answers as _, ApiPath, list};

use super::keys::word;
use super::volumes::Storage;
use crate::call::Refusal;
use crate::state::{Row, Transaction};

/// Difference that a write makes in one node's list of a shared storage.
struct Difference {
    storage: Storage,
    node: String,
    gone: Vec<String>,
    rows: Vec<Row>,
}

/// Copies what a write changes in one node's list of a shared storage to the lists of the other nodes that have it, as
/// far as those are known.
pub(in crate::writes) fn show(transaction: &mut Transaction) -> Result<(), Refusal> {
    let storages = transaction.rows(&ApiPath::parse("storage"))?;
    let nodes = transaction.rows(&ApiPath::parse("nodes"))?;
    let nodes: Vec<String> = nodes.iter().filter_map(|row| word(row, "node")).collect();
    if nodes.len() < 2 {
        return Ok(());
    }
    let mut all = Vec::new();
    for storage in storages.into_iter().filter_map(Storage::read).filter(Storage::is_shared) {
        for node in &nodes {
            all.extend(difference(transaction, &storage, node)?);
        }
    }
    for Difference { storage, node, gone, rows } in all {
        let allowed = storage.option("nodes").unwrap_or_default();
        let has = |other: &String| allowed.is_empty() || list::items(&allowed).any(|allowed| allowed == *other);
        for other in nodes.iter().filter(|other| **other != node && has(other)) {
            let there = storage.content(other);
            if transaction.get(&there)?.is_none() {
                continue;
            }
            for volume in &gone {
                transaction.remove_row(&there, "volid", volume)?;
            }
            for row in &rows {
                let volume = word(row, "volid").unwrap_or_default();
                if transaction.row(&there, "volid", &volume)?.as_ref() != Some(row) {
                    transaction.put_row(&there, "volid", row.clone())?;
                }
            }
        }
    }
    Ok(())
}

/// Difference that this write makes in a node's list; `None` where it does not touch it.
fn difference(transaction: &Transaction, storage: &Storage, node: &str) -> Result<Option<Difference>, Refusal> {
    let list = storage.content(node);
    let Some(before) = transaction.before(&list, "volid")? else { return Ok(None) };
    let rows = transaction.rows(&list)?;
    let still = |volume: &String| rows.iter().any(|row| word(row, "volid").as_ref() == Some(volume));
    let gone = before.into_iter().filter(|volume| !still(volume)).collect();
    Ok(Some(Difference { storage: storage.clone(), node: node.to_owned(), gone, rows }))
}
