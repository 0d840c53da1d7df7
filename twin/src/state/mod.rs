//! The state of the twin: the recording that was loaded, and what clients have written over it since.
//!
//! Only primary answers are written: lists, configurations, what Proxmox keeps in its files. What follows from them
//! is hidden where it is on record, and derived anew (`proxmox_mpc_model::derived`).

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use proxmox_mpc_model::{Answers, Unreadable};

pub(crate) mod accounts;
pub mod broadcast;
mod changes;
mod journal;
mod layered;
mod list;
mod log;
mod recorded_logins;
pub mod task_answers;
mod task_end;
pub mod tasks;
mod transaction;
mod view;

pub use journal::JournalError;
pub use list::Row;
pub(crate) use recorded_logins::RecordedLogins;
pub use task_end::TaskEnd;
pub use transaction::Transaction;
pub use view::View;

use crate::call::Refusal;
use journal::Journal;

/// State of the twin. Readers take a [`View`] and see all of a write or nothing of it; writes come one by one.
pub struct State {
    current: RwLock<Arc<View>>,
    /// Held for the duration of a write.
    journal: Mutex<Option<Journal>>,
    /// Logins and permissions as the recording has them.
    rights: OnceLock<RecordedLogins>,
    /// The time between two broadcasts of what guests are doing, in seconds.
    interval: i64,
}

impl State {
    /// The state of a cluster that nobody has written to, forgotten when the twin ends.
    pub fn new(recorded: Arc<dyn Answers + Send + Sync>) -> Self {
        Self {
            current: RwLock::new(Arc::new(View::new(recorded))),
            journal: Mutex::new(None),
            rights: OnceLock::new(),
            interval: 0,
        }
    }

    /// The same, kept in a folder: earlier writes are there again.
    pub fn open(recorded: Arc<dyn Answers + Send + Sync>, folder: &Path) -> Result<Self, JournalError> {
        let mut view = View::new(recorded);
        let journal = Journal::open(folder, &mut view)?;
        let (current, journal) = (RwLock::new(Arc::new(view)), Mutex::new(Some(journal)));
        Ok(Self { current, journal, rights: OnceLock::new(), interval: 0 })
    }

    /// The same, where lists of the whole cluster show changes of guests this many seconds later.
    #[must_use]
    pub fn broadcasting(mut self, interval: i64) -> Self {
        self.interval = interval;
        self
    }

    /// The time between two broadcasts, in seconds.
    pub(crate) fn interval(&self) -> i64 {
        self.interval
    }

    /// The same, where every login may do everything.
    #[must_use]
    pub fn open_to_all(mut self) -> Self {
        self.rights = OnceLock::from(RecordedLogins::none());
        self
    }

    /// The cluster as it is now.
    pub fn view(&self) -> Arc<View> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Logins and permissions as the recording has them.
    pub(crate) fn recorded_rights(&self) -> Result<&RecordedLogins, Unreadable> {
        if let Some(rights) = self.rights.get() {
            return Ok(rights);
        }
        let rights = RecordedLogins::read(self.view().recorded())?;
        Ok(self.rights.get_or_init(|| rights))
    }

    /// Runs one write. Its changes count all together once they are in the journal, and not at all where it is refused.
    ///
    /// `now` is in seconds since 1970.
    pub fn write<T>(&self, now: i64, run: impl FnOnce(&mut Transaction) -> Result<T, Refusal>) -> Result<T, Refusal> {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let mut transaction = Transaction::new(self.view(), now);
        let value = run(&mut transaction)?;
        let (view, mut changes) = transaction.finish();
        broadcast::note(&view, &mut changes, now, self.interval)?;
        if changes.is_empty() {
            return Ok(value);
        }
        let mut next = View::clone(&view);
        let kept = journal.is_some().then(|| changes.clone());
        next.apply(changes)?;
        if let (Some(journal), Some(changes)) = (journal.as_mut(), kept) {
            journal.append(&changes).map_err(|error| Refusal::by_the_twin(&error))?;
        }
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(value)
    }
}

impl fmt::Debug for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("State").field("view", &self.view()).finish_non_exhaustive()
    }
}
