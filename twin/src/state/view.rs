//! View of the cluster at one moment: what was recorded, and what was written over it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use proxmox_mpc_model::derived::is_stale;
use proxmox_mpc_model::{Answer, AnswerText, Answers, ApiPath, Indexed, Unreadable};
use serde_json::Value;

use super::changes::{Changes, KnownAnswer, above, without_query};
use super::layered::Layered;
use super::list::List;

/// View of the cluster at one moment. It never changes: a write makes a new one.
#[derive(Clone)]
pub struct View {
    recorded: Arc<dyn Answers + Send + Sync>,
    written: Layered<Option<Written>>,
    below: Layered<()>,
    memories: Layered<Option<Arc<Value>>>,
    /// The recorded lists that were asked for by a key.
    parsed: Arc<Mutex<Parsed>>,
}

/// Lists by path and key; `None` for what is no list.
type Parsed = BTreeMap<(String, String), Option<Arc<Indexed>>>;

/// An answer that was written.
#[derive(Clone)]
enum Written {
    Answer(Arc<Answer>),
    /// A list whose objects are changed one by one.
    List(Arc<List>),
}

impl Written {
    fn answer(&self) -> Answer {
        match self {
            Self::Answer(answer) => Answer::clone(answer),
            Self::List(list) => list.answer(),
        }
    }
}

impl View {
    pub(super) fn new(recorded: Arc<dyn Answers + Send + Sync>) -> Self {
        Self {
            recorded,
            written: Layered::default(),
            below: Layered::default(),
            memories: Layered::default(),
            parsed: Arc::default(),
        }
    }

    /// Recorded answers, whatever was written since.
    pub fn recorded(&self) -> &(dyn Answers + Send + Sync) {
        &*self.recorded
    }

    /// A memory of the twin beside its answers (see [`super::Transaction::remember`]).
    pub fn recall(&self, key: &str) -> Option<Arc<Value>> {
        self.memories.get(key).cloned().flatten()
    }

    /// Every memory whose key begins with this text, sorted by key.
    pub fn memories(&self, prefix: &str) -> Vec<(String, Arc<Value>)> {
        let all = self.memories.starting(prefix).into_iter();
        all.filter_map(|(key, value)| Some((key.to_owned(), value.clone()?))).collect()
    }

    /// Reports whether nothing was ever written.
    pub(crate) fn is_untouched(&self) -> bool {
        self.written.is_empty() && self.below.is_empty() && self.memories.is_empty()
    }

    pub(super) fn apply(&mut self, changes: Changes) -> Result<(), Unreadable> {
        for path in changes.below {
            let written: Vec<String> = self.written.starting(&path).into_keys().map(str::to_owned).collect();
            for written in written.into_iter().filter(|written| above(written).any(|above| above == path)) {
                self.written.insert(written, None);
            }
            self.below.insert(path, ());
        }
        for (path, answer) in changes.answers {
            self.written.insert(path, answer.map(|answer| Written::Answer(Arc::new(answer))));
        }
        for (path, changes) in changes.rows {
            let mut list = self.list(&ApiPath::parse(&path), &changes.key)?;
            changes.apply(Arc::make_mut(&mut list.rows));
            self.written.insert(path, Some(Written::List(Arc::new(list))));
        }
        for (key, value) in changes.memories {
            self.memories.insert(key, value.map(Arc::new));
        }
        Ok(())
    }

    /// A list with its objects apart.
    pub(super) fn list(&self, path: &ApiPath, key: &str) -> Result<List, Unreadable> {
        match self.written.get(path.as_str()) {
            Some(Some(Written::List(list))) if list.key == key => Ok(List::clone(list)),
            _ => Ok(List::read(self.get(path)?.as_ref(), key)),
        }
    }

    /// Everything that was written, as one change.
    pub(super) fn changes(&self) -> Changes {
        let written = self.written.starting("").into_iter();
        let memories = self.memories.starting("").into_iter();
        Changes {
            below: self.below.starting("").into_keys().map(str::to_owned).collect(),
            answers: written.map(|(path, written)| (path.to_owned(), written.as_ref().map(Written::answer))).collect(),
            rows: BTreeMap::new(),
            memories: memories.map(|(key, value)| (key.to_owned(), value.as_deref().cloned())).collect(),
        }
    }

    fn known(&self, path: &ApiPath) -> KnownAnswer<&Written> {
        if self.written.is_empty() && self.below.is_empty() {
            return KnownAnswer::Untouched;
        }
        match self.written.get(path.as_str()) {
            Some(Some(written)) => return KnownAnswer::Written(written),
            Some(None) => return KnownAnswer::Hidden,
            None => {}
        }
        // A list that was written makes its recorded filtered forms stale.
        let written = |path: &str| self.written.get(path).is_some();
        let stale = without_query(path.as_str()).is_some_and(written) || is_stale(path, written);
        if stale || above(path.as_str()).any(|above| self.below.get(above).is_some()) {
            return KnownAnswer::Hidden;
        }
        KnownAnswer::Untouched
    }
}

impl Answers for View {
    fn get(&self, path: &ApiPath) -> Result<Option<Answer>, Unreadable> {
        match self.known(path) {
            KnownAnswer::Written(written) => Ok(Some(written.answer())),
            KnownAnswer::Hidden => Ok(None),
            KnownAnswer::Untouched => self.recorded.get(path),
        }
    }

    fn text(&self, path: &ApiPath) -> Result<Option<AnswerText>, Unreadable> {
        match self.known(path) {
            KnownAnswer::Written(Written::Answer(answer)) => Ok(Some(Answer::clone(answer).into())),
            KnownAnswer::Written(Written::List(list)) => Ok(Some(list.text())),
            KnownAnswer::Hidden => Ok(None),
            KnownAnswer::Untouched => self.recorded.text(path),
        }
    }

    fn indexed(&self, path: &ApiPath, key: &str) -> Result<Option<Arc<Indexed>>, Unreadable> {
        match self.known(path) {
            KnownAnswer::Written(Written::List(list)) => return Ok(Some(list.indexed(key))),
            KnownAnswer::Written(Written::Answer(_)) => {
                return Ok(self.get(path)?.and_then(|answer| answer.indexed(key)).map(Arc::new));
            }
            KnownAnswer::Hidden => return Ok(None),
            KnownAnswer::Untouched => {}
        }
        // What was recorded never changes: it is parsed once for all views.
        let at = (path.as_str().to_owned(), key.to_owned());
        if let Some(rows) = self.parsed.lock().unwrap_or_else(PoisonError::into_inner).get(&at) {
            return Ok(rows.clone());
        }
        let rows = self.recorded.indexed(path, key)?;
        self.parsed.lock().unwrap_or_else(PoisonError::into_inner).insert(at, rows.clone());
        Ok(rows)
    }
}

impl fmt::Debug for View {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("View").field("untouched", &self.is_untouched()).finish_non_exhaustive()
    }
}
