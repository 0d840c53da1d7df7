//! A list whose objects are changed one by one.

use std::sync::Arc;

use proxmox_mpc_model::object::text;
use proxmox_mpc_model::{Answer, AnswerText, Indexed};
use serde_json::{Map, Value};

/// Object of Proxmox: keys with their values.
pub type Row = Map<String, Value>;

/// The objects of a list by the text of one key. A copy shares them.
#[derive(Clone, Debug)]
pub(super) struct List {
    pub(super) key: String,
    pub(super) rows: Arc<Indexed>,
}

impl List {
    /// The objects of a list as it was answered; objects without the key are kept apart by their places.
    pub(super) fn read(answer: Option<&Answer>, key: &str) -> Self {
        let rows = answer.into_iter().flat_map(Answer::list).enumerate().map(|(place, row)| {
            let id = row.get(key).and_then(text).unwrap_or_else(|| format!("\u{7f}{place}"));
            (id, Arc::new(row.clone()))
        });
        Self { key: key.to_owned(), rows: Arc::new(rows.collect()) }
    }

    pub(super) fn answer(&self) -> Answer {
        Answer::ok(self.rows.values().map(|row| Value::Object((**row).clone())).collect::<Vec<_>>().into())
    }

    /// The same without a copy of its objects.
    pub(super) fn text(&self) -> AnswerText {
        let rows: Vec<String> = self.rows.values().filter_map(|row| serde_json::to_string(&**row).ok()).collect();
        AnswerText { body: format!("{{\"data\":[{}]}}", rows.join(",")), reason: "OK".to_owned(), status: 200 }
    }

    /// The objects by the text of another key.
    pub(super) fn indexed(&self, key: &str) -> Arc<Indexed> {
        if key == self.key && !self.rows.keys().next_back().is_some_and(|id| id.starts_with('\u{7f}')) {
            return Arc::clone(&self.rows);
        }
        let rows = self.rows.values().filter_map(|row| Some((row.get(key).and_then(text)?, Arc::clone(row))));
        Arc::new(rows.collect())
    }
}
