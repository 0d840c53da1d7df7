//! The cluster at one moment: what was recorded, and what was written over it.

use std::fmt;
use std::sync::Arc;

use proxmox_mpc_model::derived::is_stale;
use proxmox_mpc_model::{Answer, AnswerText, Answers, ApiPath, Unreadable};
use serde_json::Value;

use super::changes::{Changes, Known, above, without_query};
use super::layered::Layered;

/// What a cluster answers at one moment. It never changes: a write makes a new one.
#[derive(Clone)]
pub struct View {
    recorded: Arc<dyn Answers + Send + Sync>,
    written: Layered<Option<Arc<Answer>>>,
    below: Layered<()>,
    memories: Layered<Option<Arc<Value>>>,
}

impl View {
    pub(super) fn new(recorded: Arc<dyn Answers + Send + Sync>) -> Self {
        Self { recorded, written: Layered::default(), below: Layered::default(), memories: Layered::default() }
    }

    /// Something that the twin remembers beside its answers (see [`super::Transaction::remember`]).
    pub fn recall(&self, key: &str) -> Option<Arc<Value>> {
        self.memories.get(key).cloned().flatten()
    }

    /// Every memory whose key begins with this text, sorted by key.
    pub fn memories(&self, prefix: &str) -> Vec<(String, Arc<Value>)> {
        let all = self.memories.starting(prefix).into_iter();
        all.filter_map(|(key, value)| Some((key.to_owned(), value.clone()?))).collect()
    }

    /// Whether nothing was ever written.
    pub(super) fn is_untouched(&self) -> bool {
        self.written.is_empty() && self.below.is_empty() && self.memories.is_empty()
    }

    pub(super) fn apply(&mut self, changes: Changes) {
        for path in changes.below {
            let written: Vec<String> = self.written.starting(&path).into_keys().map(str::to_owned).collect();
            for written in written.into_iter().filter(|written| above(written).any(|above| above == path)) {
                self.written.insert(written, None);
            }
            self.below.insert(path, ());
        }
        for (path, answer) in changes.answers {
            self.written.insert(path, answer.map(Arc::new));
        }
        for (key, value) in changes.memories {
            self.memories.insert(key, value.map(Arc::new));
        }
    }

    /// Everything that was written, as one change.
    pub(super) fn changes(&self) -> Changes {
        let written = self.written.starting("").into_iter();
        let memories = self.memories.starting("").into_iter();
        Changes {
            below: self.below.starting("").into_keys().map(str::to_owned).collect(),
            answers: written.map(|(path, answer)| (path.to_owned(), answer.as_deref().cloned())).collect(),
            memories: memories.map(|(key, value)| (key.to_owned(), value.as_deref().cloned())).collect(),
        }
    }

    fn known(&self, path: &ApiPath) -> Known<&Answer> {
        if self.written.is_empty() && self.below.is_empty() {
            return Known::Untouched;
        }
        match self.written.get(path.as_str()) {
            Some(Some(answer)) => return Known::Written(answer),
            Some(None) => return Known::Hidden,
            None => {}
        }
        // A list that was written makes its recorded filtered forms stale.
        let written = |path: &str| self.written.get(path).is_some();
        let stale = without_query(path.as_str()).is_some_and(written) || is_stale(path, written);
        if stale || above(path.as_str()).any(|above| self.below.get(above).is_some()) {
            return Known::Hidden;
        }
        Known::Untouched
    }
}

impl Answers for View {
    fn get(&self, path: &ApiPath) -> Result<Option<Answer>, Unreadable> {
        match self.known(path) {
            Known::Written(answer) => Ok(Some(answer.clone())),
            Known::Hidden => Ok(None),
            Known::Untouched => self.recorded.get(path),
        }
    }

    fn text(&self, path: &ApiPath) -> Result<Option<AnswerText>, Unreadable> {
        match self.known(path) {
            Known::Written(answer) => Ok(Some(answer.clone().into())),
            Known::Hidden => Ok(None),
            Known::Untouched => self.recorded.text(path),
        }
    }
}

impl fmt::Debug for View {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("View").field("untouched", &self.is_untouched()).finish_non_exhaustive()
    }
}
