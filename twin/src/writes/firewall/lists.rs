//! Lists of firewall objects: how they are found, compared and written.

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::object::text;

use crate::call::{Call, Refusal};
use crate::state::{Row, Transaction};
use crate::writes::digest;
use crate::writes::versions::same_digest;

/// Keys that a call sets: its parameters without those that say how.
pub(super) fn keys(call: &Call) -> Row {
    let mut row = call.given();
    row.retain(|key, _| !matches!(key.as_str(), "delete" | "digest" | "pos" | "moveto" | "rename" | "force"));
    row
}

/// The path without its last segment.
pub(super) fn above(call: &Call) -> ApiPath {
    ApiPath::new(call.segments.iter().take(call.segments.len().saturating_sub(1)))
}

/// Writes a list whose objects all carry the checksum of their file; single answers follow from it.
pub(super) fn store(transaction: &mut Transaction, list: &ApiPath, mut rows: Vec<Row>) {
    let digest = digest::of(digest::DigestForm::Sha1, &rows);
    for row in &mut rows {
        row.insert("digest".to_owned(), digest.as_str().into());
    }
    transaction.hide_below(list);
    transaction.set_rows(list, rows);
}

/// Refuses a change where the client has read another version of the list.
pub(super) fn same_list(call: &Call, rows: &[Row]) -> Result<(), Refusal> {
    rows.first().map_or(Ok(()), |row| same_digest(call, row, ""))
}

pub(super) fn has(row: &Row, key: &str, value: &str) -> bool {
    row.get(key).and_then(text).is_some_and(|own| own == value)
}

/// Reports whether a row is the alias of this name; capitals do not count.
pub(super) fn is_alias(row: &Row, name: &str) -> bool {
    row.get("name").and_then(text).is_some_and(|own| own.eq_ignore_ascii_case(name))
}
