//! Keys of a guest's configuration, and their values.

use proxmox_mpc_model::object::text;

use crate::state::Row;

/// The text of a key.
pub(in crate::writes) fn word(row: &Row, key: &str) -> Option<String> {
    row.get(key).and_then(text)
}

/// Reports whether a key is a name with a number behind it: `net0`.
pub(in crate::writes) fn is_numbered(key: &str, name: &str) -> bool {
    key.strip_prefix(name).is_some_and(|rest| !rest.is_empty() && rest.chars().all(|digit| digit.is_ascii_digit()))
}

/// Reports whether a key is set to 1.
pub(in crate::writes) fn is_on(row: &Row, key: &str) -> bool {
    word(row, key).is_some_and(|value| value == "1")
}
