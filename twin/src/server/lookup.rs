//! Where an answer comes from: the recording, a rule that derives it, or neither.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use proxmox_mpc_model::derived::{self, Deriver};
use proxmox_mpc_model::{Answer, AnswerText, Answers, ApiPath, Unreadable};

use super::reply::Reply;
use super::{AgentPolicy, agent};
use crate::state::{State, View, tasks};

/// How much is kept ready to be sent again, in bytes. A plan asks for the same lists once for each guest.
const KEPT: usize = 64 << 20;

/// How many answers were given, by where they came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// They are on record.
    pub recorded: u64,
    /// A rule made them from what is on record.
    pub derived: u64,
    /// The twin does not know them.
    pub unknown: u64,
}

/// Where one answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Recorded,
    Derived,
    Unknown,
}

/// The answers with what was already looked up.
pub(super) struct Lookup {
    state: Arc<State>,
    current: RwLock<Arc<Current>>,
    agent: AgentPolicy,
    recorded: AtomicU64,
    derived: AtomicU64,
    unknown: AtomicU64,
}

/// The cluster between two writes, with what was looked up of it.
struct Current {
    view: Arc<View>,
    deriver: Deriver<Arc<View>>,
    kept: RwLock<Kept>,
}

impl Current {
    fn new(view: Arc<View>) -> Arc<Self> {
        Arc::new(Self { deriver: Deriver::new(Arc::clone(&view)), view, kept: RwLock::default() })
    }
}

#[derive(Default)]
struct Kept {
    replies: HashMap<ApiPath, (Origin, Reply)>,
    size: usize,
}

impl Lookup {
    pub(super) fn new(state: Arc<State>, agent: AgentPolicy) -> Self {
        Self {
            current: RwLock::new(Current::new(state.view())),
            state,
            agent,
            recorded: AtomicU64::default(),
            derived: AtomicU64::default(),
            unknown: AtomicU64::default(),
        }
    }

    /// The reply to a GET that needs no work: it was sent before, or it is on record. Reads one small file at most.
    pub(super) fn at_hand(&self, path: &ApiPath) -> Result<Option<Reply>, Unreadable> {
        let current = self.current();
        if let Some((origin, reply)) = current.kept.read().unwrap_or_else(PoisonError::into_inner).replies.get(path) {
            self.count(*origin);
            return Ok(Some(reply.clone()));
        }
        if self.asked_guest(path).is_some() || tasks::is_about(path) {
            return Ok(None);
        }
        let recorded = current.view.text(path)?;
        Ok(recorded.map(|answer| self.keep(&current, path, Origin::Recorded, answer)))
    }

    /// The reply to any GET. Reads as many answers as a rule needs and may take a while.
    pub(super) fn find(&self, path: &ApiPath, now: i64) -> Result<Reply, Unreadable> {
        let current = self.current();
        let canonical = current.deriver.canonical(path.clone())?;
        if tasks::is_about(&canonical)
            && let Some(answer) = tasks::answer(&current.view, &canonical, now)?
        {
            self.count(Origin::Derived);
            return Ok(Reply::new(derived::refusal(&canonical).unwrap_or(answer).into()));
        }
        let (origin, answer) = self.look_up(&current, &canonical)?;
        Ok(self.keep(&current, path, origin, answer))
    }

    /// The cluster as it is now; what was looked up before the last write is let go.
    fn current(&self) -> Arc<Current> {
        let view = self.state.view();
        let current = Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner));
        if Arc::ptr_eq(&current.view, &view) {
            return current;
        }
        let current = Current::new(view);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&current);
        current
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            recorded: self.recorded.load(Ordering::Relaxed),
            derived: self.derived.load(Ordering::Relaxed),
            unknown: self.unknown.load(Ordering::Relaxed),
        }
    }

    /// The name of the cluster, which a login is told.
    pub(super) fn cluster_name(&self) -> Result<Option<String>, Unreadable> {
        let Some(status) = self.state.view().get(&ApiPath::parse("cluster/status"))? else { return Ok(None) };
        let row = status.list().find(|row| row.get("type").is_some_and(|kind| kind == "cluster"));
        Ok(row.and_then(|row| Some(row.get("name")?.as_str()?.to_owned())))
    }

    fn look_up(&self, current: &Current, path: &ApiPath) -> Result<(Origin, AnswerText), Unreadable> {
        if let Some(guest) = self.asked_guest(path) {
            return Ok(match current.view.get(path)? {
                Some(answer) if agent::is_usable(&answer) => (Origin::Recorded, answer.into()),
                _ => (Origin::Derived, agent::refusal(&guest).into()),
            });
        }
        if let Some(recorded) = current.view.text(path)? {
            return Ok((Origin::Recorded, recorded));
        }
        Ok(match current.deriver.derive(path)? {
            Some(derived) => (Origin::Derived, derived.into()),
            None => (Origin::Unknown, unknown(path).into()),
        })
    }

    /// The guest whose agent is asked, where that is not answered with what is on record.
    fn asked_guest(&self, path: &ApiPath) -> Option<String> {
        if self.agent == AgentPolicy::AsRecorded { None } else { agent::asked_guest(path) }
    }

    fn keep(&self, current: &Current, path: &ApiPath, origin: Origin, answer: AnswerText) -> Reply {
        self.count(origin);
        let reply = Reply::new(answer);
        let mut kept = current.kept.write().unwrap_or_else(PoisonError::into_inner);
        if origin != Origin::Unknown && kept.size + reply.size() <= KEPT {
            kept.size += reply.size();
            // Two requests for the same may have been looked up at once.
            if let Some((_, replaced)) = kept.replies.insert(path.clone(), (origin, reply.clone())) {
                kept.size -= replaced.size();
            }
        }
        reply
    }

    fn count(&self, origin: Origin) {
        let counter = match origin {
            Origin::Recorded => &self.recorded,
            Origin::Derived => &self.derived,
            Origin::Unknown => &self.unknown,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Lookup").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

/// What is neither on record nor derived.
fn unknown(path: &ApiPath) -> Answer {
    let message = format!("the twin's recording has no answer to 'GET /{}'", path.segments().join("/"));
    Answer { status: 501, body: serde_json::json!({ "data": null, "message": message }), reason: message }
}
