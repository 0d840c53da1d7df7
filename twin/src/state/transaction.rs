//! Transaction: one write while it is made.

use std::sync::Arc;

use proxmox_mpc_model::derived::Deriver;
use proxmox_mpc_model::object::text;
use proxmox_mpc_model::{Answer, AnswerText, Answers, ApiPath, Indexed, Unreadable};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::Value;

use super::changes::{Changes, KnownAnswer, RowChanges};
use super::list::{List, Row};
use super::view::View;
use crate::call::Refusal;
use crate::hexadecimal::hexadecimal;

/// One write while it is made: it reads what it has written itself, and others do not.
#[derive(Debug)]
pub struct Transaction {
    before: Arc<View>,
    changes: Changes,
    /// Time of the write, in seconds since 1970.
    now: i64,
}

impl Transaction {
    pub(super) fn new(before: Arc<View>, now: i64) -> Self {
        Self { before, changes: Changes::default(), now }
    }

    pub(super) fn finish(self) -> (Arc<View>, Changes) {
        (self.before, self.changes)
    }

    /// Time of the write, in seconds since 1970.
    pub fn now(&self) -> i64 {
        self.now
    }

    /// The data of a GET of this path, derived where need be; `None` for an answer that is missing or refused.
    pub fn read(&self, path: &ApiPath) -> Result<Option<Value>, Refusal> {
        let answer = match self.get(path)? {
            Some(answer) => Some(answer),
            None => Deriver::new(self).derive(path)?,
        };
        Ok(answer.and_then(|answer| answer.data().cloned()))
    }

    /// One object of a list: the one whose `key` is `id`. Cheap also where the list is long.
    pub fn row(&self, list: &ApiPath, key: &str, id: &str) -> Result<Option<Row>, Refusal> {
        Ok(self.indexed(list, key)?.and_then(|rows| rows.get(id).map(|row| Row::clone(row))))
    }

    /// Puts an object into a list, in place of the one with the same `key`. Cheap also where the list is long; for each
    /// list it must always be the same key.
    pub fn put_row(&mut self, list: &ApiPath, key: &str, row: Row) -> Result<(), Refusal> {
        let id = row.get(key).and_then(text).unwrap_or_default();
        self.change_row(list, key, id, Some(row))
    }

    /// Takes an object out of a list, if it is there.
    pub fn remove_row(&mut self, list: &ApiPath, key: &str, id: &str) -> Result<(), Refusal> {
        self.change_row(list, key, id.to_owned(), None)
    }

    fn change_row(&mut self, list: &ApiPath, key: &str, id: String, row: Option<Row>) -> Result<(), Refusal> {
        let path = list.as_str();
        if let Some(Some(answer)) = self.changes.answers.get(path) {
            let mut list = List::read(Some(answer), key);
            RowChanges { key: key.to_owned(), rows: [(id, row)].into() }.apply(Arc::make_mut(&mut list.rows));
            self.changes.answers.insert(path.to_owned(), Some(list.answer()));
            return Ok(());
        }
        let changes = self.changes.rows.entry(path.to_owned()).or_default();
        if !changes.key.is_empty() && changes.key != key {
            let text = format!("the objects of `{path}` are told apart by `{}`, not by `{key}`", changes.key);
            return Err(Refusal::by_the_twin(&text));
        }
        key.clone_into(&mut changes.key);
        changes.rows.insert(id, row);
        Ok(())
    }

    /// A list with the objects that this write changes.
    fn changed(&self, path: &ApiPath) -> Result<Option<List>, Unreadable> {
        let Some(changes) = self.changes.rows.get(path.as_str()) else { return Ok(None) };
        let mut list = self.before.list(path, &changes.key)?;
        changes.apply(Arc::make_mut(&mut list.rows));
        Ok(Some(list))
    }

    /// The objects of a list; none where there is no such list.
    pub fn rows(&self, path: &ApiPath) -> Result<Vec<Row>, Refusal> {
        let rows = self.read(path)?.unwrap_or_default();
        Ok(match rows {
            Value::Array(rows) => {
                rows.into_iter().filter_map(|row| if let Value::Object(row) = row { Some(row) } else { None }).collect()
            }
            _ => Vec::new(),
        })
    }

    /// The object that a path answers; an empty one where there is none.
    pub fn object(&self, path: &ApiPath) -> Result<Row, Refusal> {
        Ok(match self.read(path)? {
            Some(Value::Object(row)) => row,
            _ => Row::new(),
        })
    }

    /// The ids of the objects that a list had before this write; `None` where this write does not touch it.
    pub fn before(&self, list: &ApiPath, key: &str) -> Result<Option<Vec<String>>, Refusal> {
        let path = list.as_str();
        if !self.changes.answers.contains_key(path) && !self.changes.rows.contains_key(path) {
            return Ok(None);
        }
        let rows = self.before.indexed(list, key)?;
        Ok(Some(rows.iter().flat_map(|rows| rows.keys().cloned()).collect()))
    }

    /// Sets the data of a path. Recorded answers to the same path with a query do not count any more.
    pub fn set(&mut self, path: &ApiPath, data: impl Into<Value>) {
        self.set_answer(path, Answer::ok(data.into()));
    }

    /// Sets the objects of a list.
    pub fn set_rows(&mut self, path: &ApiPath, rows: Vec<Row>) {
        self.set(path, rows.into_iter().map(Value::Object).collect::<Vec<_>>());
    }

    /// Sets the answer of a path, for answers that are more than their data.
    pub fn set_answer(&mut self, path: &ApiPath, answer: Answer) {
        self.changes.rows.remove(path.as_str());
        self.changes.answers.insert(path.as_str().to_owned(), Some(answer));
    }

    /// Hides the answer of a path, recorded or written; it is derived from then on.
    pub fn hide(&mut self, path: &ApiPath) {
        self.changes.rows.remove(path.as_str());
        self.changes.answers.insert(path.as_str().to_owned(), None);
    }

    /// Hides every answer at and below a path, recorded or written.
    pub fn hide_below(&mut self, path: &ApiPath) {
        self.changes.hide_below(path.as_str());
    }

    /// Remembers something that no GET shows: a secret, a task, a pending change.
    pub fn remember(&mut self, key: &str, value: impl Into<Value>) {
        self.changes.memories.insert(key.to_owned(), Some(value.into()));
    }

    /// Forgets a memory.
    pub fn forget(&mut self, key: &str) {
        self.changes.memories.insert(key.to_owned(), None);
    }

    /// Memory under a key.
    pub fn recall(&self, key: &str) -> Option<Value> {
        match self.changes.memories.get(key) {
            Some(value) => value.clone(),
            None => self.before.recall(key).map(|value| Value::clone(&value)),
        }
    }

    /// Every memory whose key begins with this text, sorted by key.
    pub fn memories(&self, prefix: &str) -> Vec<(String, Value)> {
        let before = self.before.memories(prefix).into_iter();
        let mut all: std::collections::BTreeMap<String, Option<Value>> =
            before.map(|(key, value)| (key, Some(Value::clone(&value)))).collect();
        let own = self.changes.memories.range(prefix.to_owned()..);
        let own = own.take_while(|(key, _)| key.starts_with(prefix));
        all.extend(own.map(|(key, value)| (key.clone(), value.clone())));
        all.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }

    /// Runs a part of the write whose changes do not count where it fails.
    pub fn attempt<T, E>(&mut self, part: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        let before = self.changes.clone();
        let outcome = part(self);
        if outcome.is_err() {
            self.changes = before;
        }
        outcome
    }

    /// Random bytes, as many as asked for, in hexadecimal digits.
    ///
    /// # Panics
    ///
    /// If the system has no random generator.
    pub fn made_up_digits(&self, bytes: usize) -> String {
        let mut random = vec![0; bytes];
        SystemRandom::new().fill(&mut random).expect("the system's random generator works, or TLS would not either");
        hexadecimal(&random)
    }

    /// A random UUID: the value of a token, a virtual machine's id.
    pub fn made_up_uuid(&self) -> String {
        let digits = self.made_up_digits(16);
        let parts = [&digits[..8], &digits[8..12], "4", &digits[13..16], "8", &digits[17..20], &digits[20..]];
        format!("{}-{}-{}{}-{}{}-{}", parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], parts[6])
    }

    /// The node that this API runs on: where tasks of the whole cluster run.
    pub fn local_node(&self) -> Result<String, Refusal> {
        if let Some(node) = Deriver::new(self).local_node()? {
            return Ok(node);
        }
        let nodes = self.rows(&ApiPath::parse("nodes"))?;
        let names = nodes.iter().filter_map(|row| row.get("node")?.as_str());
        Ok(names.min().unwrap_or("localhost").to_owned())
    }
}

impl Answers for Transaction {
    fn get(&self, path: &ApiPath) -> Result<Option<Answer>, Unreadable> {
        if let Some(list) = self.changed(path)? {
            return Ok(Some(list.answer()));
        }
        match self.changes.known(path) {
            KnownAnswer::Written(answer) => Ok(Some(answer.clone())),
            KnownAnswer::Hidden => Ok(None),
            KnownAnswer::Untouched => self.before.get(path),
        }
    }

    fn text(&self, path: &ApiPath) -> Result<Option<AnswerText>, Unreadable> {
        if let Some(list) = self.changed(path)? {
            return Ok(Some(list.text()));
        }
        match self.changes.known(path) {
            KnownAnswer::Written(answer) => Ok(Some(answer.clone().into())),
            KnownAnswer::Hidden => Ok(None),
            KnownAnswer::Untouched => self.before.text(path),
        }
    }

    fn indexed(&self, path: &ApiPath, key: &str) -> Result<Option<Arc<Indexed>>, Unreadable> {
        if let Some(list) = self.changed(path)? {
            return Ok(Some(list.indexed(key)));
        }
        match self.changes.known(path) {
            KnownAnswer::Written(answer) => Ok(answer.clone().indexed(key).map(Arc::new)),
            KnownAnswer::Hidden => Ok(None),
            KnownAnswer::Untouched => self.before.indexed(path, key),
        }
    }
}
