//! Derived lists: a recorded list without the rows that a filter of the request leaves out.

use serde_json::Value;

use super::deriver::{Derivation, Deriver, Row, with_queries};
use super::rules::words;
use crate::object::text;
use crate::{Answer, Answers, ApiPath};

/// Filter of rows: reports whether a row is in the list, given the value of the parameter.
type Filter = fn(&Row, &str) -> bool;

/// The filter of a parameter of this list; `None` where the parameter is not a filter.
fn filter(list: &[&str], parameter: &str) -> Option<Filter> {
    Some(match (list, parameter) {
        (["cluster", "resources"], "type") => resource_type,
        (
            ["storage"]
            | ["cluster", "ha", "resources" | "rules"]
            | ["cluster", "acme", "plugins"]
            | ["cluster", "sdn", "zones" | "controllers" | "dns" | "ipams"]
            | [.., "firewall", "refs"],
            "type",
        ) => |row, value| has(row, "type", value),
        (["nodes", _, "storage"], "enabled") => |row, value| value == "0" || has(row, "enabled", "1"),
        (["nodes", _, "storage"], "content") => {
            |row, value| has(row, "enabled", "1") && words(row.get("content")).any(|word| word == value)
        }
        (["nodes", _, "storage"], "storage") => |row, value| has(row, "storage", value),
        (["nodes", _, "storage", _, "content"], "content") => |row, value| has(row, "content", value),
        // Snippets and images for import belong to no guest and pass the filter (recorded).
        (["nodes", _, "storage", _, "content"], "vmid") => {
            |row, value| has(row, "vmid", value) || has(row, "content", "snippets") || has(row, "content", "import")
        }
        (["access", "users"], "enabled") => |row, value| has(row, "enable", value),
        _ => return None,
    })
}

/// A recorded list without the rows that the filters of the request leave out.
pub(super) fn derive<A: Answers>(deriver: &Deriver<A>, segments: &[&str], query: &[(String, String)]) -> Derivation {
    let (filtering, rest): (Vec<_>, Vec<_>) =
        query.iter().cloned().partition(|(key, _)| filter(segments, key).is_some());
    if filtering.is_empty() {
        return Ok(None);
    }
    let Some(list) = deriver.data(&with_queries(ApiPath::new(segments), &rest))? else { return Ok(None) };
    let Some(rows) = list.as_array() else { return Ok(None) };
    let stays = |row: &&Value| {
        let row = row.as_object();
        row.is_some_and(|row| {
            filtering.iter().all(|(key, value)| filter(segments, key).is_some_and(|filter| filter(row, value)))
        })
    };
    Ok(Some(Answer::ok(rows.iter().filter(stays).cloned().collect())))
}

fn resource_type(row: &Row, value: &str) -> bool {
    if value == "vm" { has(row, "type", "qemu") || has(row, "type", "lxc") } else { has(row, "type", value) }
}

fn has(row: &Row, key: &str, value: &str) -> bool {
    row.get(key).and_then(text).is_some_and(|text| text == value)
}
