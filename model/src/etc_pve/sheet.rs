//! Sheet that the readers of the dialects fill: the answers so far, and warnings.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{Answer, AnswerText, ApiPath};

pub(super) use crate::rows::Row;

/// Answers so far, and warnings about parts that were left out.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    /// True if the files are of a release before Proxmox VE 9, whose words differ.
    pub(super) before_nine: bool,
    /// The answers by request.
    pub(super) answers: BTreeMap<ApiPath, Answer>,
    /// The answers that are not read again, as text: ten thousand guests are many values.
    settled: BTreeMap<ApiPath, AnswerText>,
    /// The parts that were left out: `storage.cfg line 4: …`.
    pub(super) warnings: Vec<String>,
}

impl Sheet {
    /// An empty sheet, for files of a release before 9 or not.
    pub(super) fn of_release(before_nine: bool) -> Self {
        Self { before_nine, ..Self::default() }
    }

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

    /// Keeps the answers of nodes and guests as text from here on.
    pub(super) fn settle(&mut self) {
        let mut nodes = self.answers.split_off(&ApiPath::parse("nodes"));
        let mut later = nodes.split_off(&ApiPath::parse("nodes~"));
        self.settled.extend(nodes.into_iter().map(|(path, answer)| (path, answer.into())));
        self.answers.append(&mut later);
    }

    /// Every answer as text.
    pub(super) fn finish(self) -> (BTreeMap<ApiPath, AnswerText>, Vec<String>) {
        let mut answers = self.settled;
        answers.extend(self.answers.into_iter().map(|(path, answer)| (path, answer.into())));
        (answers, self.warnings)
    }

    /// Adds a warning that a line, counted from one, was left out.
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

/// The object with one more key.
pub(super) fn with(mut row: Row, key: &str, value: impl Into<Value>) -> Row {
    row.insert(key.to_owned(), value.into());
    row
}
