//! Changes of one write, in memory and in the journal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proxmox_mpc_model::derived::is_stale;
use proxmox_mpc_model::{Answer, ApiPath, Indexed};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::list::Row;

/// The changes of one write. They are applied in this order: what is hidden below a path, answers, objects of
/// lists, memories.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Changes {
    /// Paths at and below which earlier answers do not count.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) below: BTreeSet<String>,
    /// Answers by encoded path; `None` hides one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) answers: BTreeMap<String, Option<Answer>>,
    /// Objects of lists by encoded path, for lists of which a write changes a few objects.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) rows: BTreeMap<String, RowChanges>,
    /// Memories by key; `None` forgets one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) memories: BTreeMap<String, Option<Value>>,
}

/// The objects of a list that a write changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct RowChanges {
    /// The key that tells the objects of the list apart.
    pub(super) key: String,
    /// The objects by the text of this key; `None` takes one out.
    pub(super) rows: BTreeMap<String, Option<Row>>,
}

impl RowChanges {
    pub(super) fn apply(&self, rows: &mut Indexed) {
        for (id, row) in &self.rows {
            match row {
                Some(row) => drop(rows.insert(id.clone(), Arc::new(row.clone()))),
                None => drop(rows.remove(id)),
            }
        }
    }
}

/// Knowledge of one answer.
pub(super) enum KnownAnswer<A> {
    /// A write gave this answer.
    Written(A),
    /// A write hid the answer.
    Hidden,
    /// No write touched the answer.
    Untouched,
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        self.below.is_empty() && self.answers.is_empty() && self.rows.is_empty() && self.memories.is_empty()
    }

    /// Hides everything at and below a path, what these changes wrote there included.
    pub(super) fn hide_below(&mut self, path: &str) {
        self.answers.retain(|written, _| !is_below(written, path));
        self.rows.retain(|written, _| !is_below(written, path));
        self.below.insert(path.to_owned());
    }

    pub(super) fn known(&self, path: &ApiPath) -> KnownAnswer<&Answer> {
        match self.answers.get(path.as_str()) {
            Some(Some(answer)) => return KnownAnswer::Written(answer),
            Some(None) => return KnownAnswer::Hidden,
            None => {}
        }
        let base = without_query(path.as_str());
        let written = |path: &str| self.answers.contains_key(path) || self.rows.contains_key(path);
        let hidden = base.is_some_and(written)
            || is_stale(path, written)
            || above(path.as_str()).any(|above| self.below.contains(above));
        if hidden { KnownAnswer::Hidden } else { KnownAnswer::Untouched }
    }
}

/// Reports whether a path is at or below another.
fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

/// The path of a request with a query; `None` for one without.
pub(super) fn without_query(path: &str) -> Option<&str> {
    path.split_once('?').map(|(base, _)| base)
}

/// The path itself, without its query, and every path above it.
pub(super) fn above(path: &str) -> impl Iterator<Item = &str> {
    let path = without_query(path).unwrap_or(path);
    std::iter::once(path).chain(path.rmatch_indices('/').map(move |(at, _)| &path[..at]))
}
