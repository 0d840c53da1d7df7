//! What the readers of the dialects fill: the answers so far, and what they could not read.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{Answer, ApiPath};

/// An object of Proxmox's.
pub(super) type Row = Map<String, Value>;

/// The answers that were made so far.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    /// By request.
    pub(super) answers: BTreeMap<ApiPath, Answer>,
    /// What was left out, and where: `storage.cfg line 4: …`.
    pub(super) warnings: Vec<String>,
}

impl Sheet {
    /// Answers a request, given as it is sent: `cluster/sdn/zones?pending=1`.
    pub(super) fn put(&mut self, path: &str, data: impl Into<Value>) {
        self.answers.insert(ApiPath::parse(path), Answer::ok(data.into()));
    }

    /// Answers a request whose segments are plain text.
    pub(super) fn put_at(&mut self, path: ApiPath, data: impl Into<Value>) {
        self.answers.insert(path, Answer::ok(data.into()));
    }

    /// Refuses a request in Proxmox's words.
    pub(super) fn refuse(&mut self, path: ApiPath, message: &str) {
        self.answers.insert(path, Answer::refusal(500, message));
    }

    /// Says that a line, counted from one, was left out.
    pub(super) fn warn(&mut self, file: &str, line: usize, why: impl std::fmt::Display) {
        self.warnings.push(format!("{file} line {line}: {why}"));
    }
}

/// A list of objects as data.
pub(super) fn rows(rows: Vec<Row>) -> Value {
    rows.into_iter().map(Value::Object).collect()
}

/// An object from its keys and values.
pub(super) fn row<const N: usize>(pairs: [(&str, Value); N]) -> Row {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// The same with one more key.
pub(super) fn with(mut row: Row, key: &str, value: impl Into<Value>) -> Row {
    row.insert(key.to_owned(), value.into());
    row
}
