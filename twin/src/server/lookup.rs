//! Lookup of answers: in the recording, by a rule that derives one, or neither.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use proxmox_mpc_model::derived::{self, Deriver};
use proxmox_mpc_model::schema::Verb;
use proxmox_mpc_model::{Answer, AnswerText, Answers, ApiPath, Unreadable};

use super::options::AgentPolicy;
use super::reply::Reply;
use super::{agent, cloud_init};
use crate::call::{Login, Refusal};
use crate::rights::{self, Admission, AdmissionError, Checks, Rights};
use crate::state::{RecordedLogins, State, View, broadcast, task_answers};

/// Largest size of the replies that are kept for each login, in bytes. A plan asks for the same lists once for each
/// guest.
const KEPT: usize = 64 << 20;

/// Number of answers so far, by their origin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Recorded answers.
    pub recorded: u64,
    /// Answers that a rule derived from recorded ones.
    pub derived: u64,
    /// Requests whose answer the twin does not know.
    pub unknown: u64,
}

/// Origin of one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Recorded,
    Derived,
    Unknown,
}

/// Answers, with the replies that are kept.
pub(super) struct Lookup {
    state: Arc<State>,
    current: RwLock<Arc<Current>>,
    agent: AgentPolicy,
    recorded: AtomicU64,
    derived: AtomicU64,
    unknown: AtomicU64,
}

/// The cluster between two writes, with the replies that are kept of it.
pub(super) struct Current {
    view: Arc<View>,
    deriver: Deriver<Arc<View>>,
    /// Replies for logins that see everything, and for tokens of root's.
    kept: [RwLock<Kept>; 2],
    /// Replies for each other login.
    checked: RwLock<HashMap<String, Kept>>,
    /// Admission of each login.
    admitted: RwLock<HashMap<String, Admission>>,
    rights: OnceLock<Rights>,
}

impl Current {
    fn new(view: Arc<View>) -> Arc<Self> {
        let deriver = Deriver::new(Arc::clone(&view));
        let (kept, checked, admitted) = (<[RwLock<Kept>; 2]>::default(), RwLock::default(), RwLock::default());
        Arc::new(Self { deriver, view, kept, checked, admitted, rights: OnceLock::new() })
    }

    fn kept(&self, class: Checks) -> &RwLock<Kept> {
        &self.kept[usize::from(class == Checks::RootToken)]
    }

    fn rights(&self) -> Result<&Rights, Unreadable> {
        if let Some(rights) = self.rights.get() {
            return Ok(rights);
        }
        let rights = Rights::read(&self.view)?;
        Ok(self.rights.get_or_init(|| rights))
    }
}

#[derive(Default)]
struct Kept {
    replies: HashMap<ApiPath, (Origin, Reply)>,
    size: usize,
}

impl Kept {
    fn keep(&mut self, path: &ApiPath, origin: Origin, reply: &Reply) {
        if self.size + reply.size() > KEPT {
            return;
        }
        self.size += reply.size();
        // Two requests for the same may have been looked up at once.
        if let Some((_, replaced)) = self.replies.insert(path.clone(), (origin, reply.clone())) {
            self.size -= replaced.size();
        }
    }
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

    /// Checks that the requests of a login go through. `now` is in seconds since 1970.
    pub(super) fn admit(&self, login: &Login, now: i64) -> Result<Checks, AdmissionError> {
        let current = self.current();
        let full = login.full();
        let admitted = current.admitted.read().unwrap_or_else(PoisonError::into_inner).get(&full).copied();
        if let Some(admitted) = admitted.filter(|admitted| now < admitted.until) {
            return Ok(admitted.class);
        }
        let admitted = rights::class(&current.view, self.state.recorded_rights()?, login, now)?;
        current.admitted.write().unwrap_or_else(PoisonError::into_inner).insert(full, admitted);
        Ok(admitted.class)
    }

    /// Privileges that the web interface is told at login.
    pub(super) fn capabilities(&self, user: &str) -> Result<serde_json::Value, Unreadable> {
        let current = self.current();
        current.rights()?.capabilities(&current.view, user)
    }

    /// The reply to a GET that needs no work: it is kept, or it is recorded. Reads one small file at most.
    pub(super) fn at_hand(
        &self,
        path: &ApiPath,
        now: i64,
        login: &Login,
        class: Checks,
    ) -> Result<Option<Reply>, Unreadable> {
        let current = self.current();
        if class == Checks::Checked {
            let checked = current.checked.read().unwrap_or_else(PoisonError::into_inner);
            let kept = checked.get(&login.full()).and_then(|kept| kept.replies.get(path));
            return Ok(kept.map(|(origin, reply)| {
                self.count(*origin);
                reply.clone()
            }));
        }
        if let Some((origin, reply)) =
            current.kept(class).read().unwrap_or_else(PoisonError::into_inner).replies.get(path)
        {
            self.count(*origin);
            return Ok(Some(reply.clone()));
        }
        if self.asked_guest(path).is_some()
            || self.passes(&current, path, now)
            || self.asks_rights(&current, path)
            || derived::is_renewed(path) && !current.view.is_untouched()
        {
            return Ok(None);
        }
        let recorded = current.view.text(path)?;
        Ok(recorded.map(|answer| self.keep(&current, path, class, Origin::Recorded, answer)))
    }

    /// The reply to any GET. Reads as many answers as a rule needs and may take a while.
    pub(super) fn find(&self, path: &ApiPath, now: i64, login: &Login, class: Checks) -> Result<Reply, Unreadable> {
        let current = self.current();
        let canonical = current.deriver.canonical(path.clone())?;
        if let Some(answer) = self.by_rights(&current, &canonical, login, class)? {
            self.count(Origin::Derived);
            return Ok(Reply::new(answer.into()));
        }
        if class == Checks::Checked {
            let (origin, answer) = self.unfiltered(&current, &canonical, now)?;
            self.count(origin);
            let reply = Reply::new(current.rights()?.filter(&current.view, login, &canonical, answer)?.into());
            if origin != Origin::Unknown && !self.passes(&current, &canonical, now) {
                let mut checked = current.checked.write().unwrap_or_else(PoisonError::into_inner);
                checked.entry(login.full()).or_default().keep(path, origin, &reply);
            }
            return Ok(reply);
        }
        if task_answers::is_about(&canonical)
            && let Some(answer) = task_answers::answer(&current.view, &canonical, now)?
        {
            self.count(Origin::Derived);
            return Ok(Reply::new(derived::refusal(current.deriver.release()?, &canonical).unwrap_or(answer).into()));
        }
        if self.is_awaited(&current, &canonical, now) {
            let (origin, answer) = self.unfiltered(&current, &canonical, now)?;
            self.count(origin);
            return Ok(Reply::new(answer.into()));
        }
        let (origin, answer) = self.look_up(&current, &canonical)?;
        Ok(self.keep(&current, path, class, origin, answer))
    }

    /// Reports whether the answer changes with time, so that it is not kept.
    fn passes(&self, current: &Current, path: &ApiPath, now: i64) -> bool {
        task_answers::is_about(path) || self.is_awaited(current, path, now)
    }

    /// Reports whether the answer still shows what nodes had broadcast before a change.
    fn is_awaited(&self, current: &Current, path: &ApiPath, now: i64) -> bool {
        broadcast::is_awaited(&current.view, path, now, self.state.interval())
    }

    /// Answer that the rights of the login alone decide: a refusal, or the answer to a question about rights.
    fn by_rights(
        &self,
        current: &Current,
        path: &ApiPath,
        login: &Login,
        class: Checks,
    ) -> Result<Option<Answer>, Unreadable> {
        let decided = self.decide(current, path, login, class);
        match decided {
            Ok(answer) => Ok(answer),
            Err(Refusal::Unreadable(error)) => Err(error),
            Err(refusal) => Ok(Some(refusal.into())),
        }
    }

    fn decide(
        &self,
        current: &Current,
        path: &ApiPath,
        login: &Login,
        class: Checks,
    ) -> Result<Option<Answer>, Refusal> {
        let segments = path.segments();
        let words: Vec<&str> = segments.iter().map(String::as_str).collect();
        let recorded = class != Checks::Checked && current.view.text(path)?.is_some();
        if class != Checks::All
            && !recorded
            && let Some(found) = current.deriver.release()?.schema().find(Verb::Get, &words)
        {
            current.rights()?.check_read(&current.view, login, &found, path)?;
        }
        if class == Checks::Checked || self.asks_rights(current, path) {
            return current.rights()?.permissions(&current.view, login, path);
        }
        Ok(None)
    }

    /// Reports whether this asks for permissions that differ from the recorded ones.
    fn asks_rights(&self, current: &Current, path: &ApiPath) -> bool {
        path.as_str().starts_with("access/permissions")
            && !(current.view.is_untouched() && matches!(current.view.text(path), Ok(Some(_))))
            && self.state.recorded_rights().is_ok_and(RecordedLogins::has_permissions)
    }

    /// The answer to a GET before anything is left out for a login.
    fn unfiltered(&self, current: &Current, path: &ApiPath, now: i64) -> Result<(Origin, Answer), Unreadable> {
        if task_answers::is_about(path)
            && let Some(answer) = task_answers::answer(&current.view, path, now)?
        {
            return Ok((Origin::Derived, derived::refusal(current.deriver.release()?, path).unwrap_or(answer)));
        }
        let (origin, text) = self.look_up(current, path)?;
        let mut answer = text.parsed().map_err(|error| Unreadable { path: path.clone(), why: error.to_string() })?;
        if self.is_awaited(current, path, now) {
            broadcast::apply(&current.view, &mut answer, now, self.state.interval());
        }
        Ok((origin, answer))
    }

    /// The cluster as it is now. Replies of the time before the last write are dropped.
    pub(super) fn current(&self) -> Arc<Current> {
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

    /// The name of the cluster, for the answer to a login.
    pub(super) fn cluster_name(&self) -> Result<Option<String>, Unreadable> {
        let Some(status) = self.state.view().get(&ApiPath::parse("cluster/status"))? else { return Ok(None) };
        let row = status.list().find(|row| row.get("type").is_some_and(|kind| kind == "cluster"));
        Ok(row.and_then(|row| Some(row.get("name")?.as_str()?.to_owned())))
    }

    pub(super) fn look_up(&self, current: &Current, path: &ApiPath) -> Result<(Origin, AnswerText), Unreadable> {
        if let Some(guest) = self.asked_guest(path) {
            return Ok(match current.view.get(path)? {
                Some(answer) if agent::is_usable(&answer) => (Origin::Recorded, answer.into()),
                _ => (Origin::Derived, agent::refusal(&guest).into()),
            });
        }
        let renewed = derived::is_renewed(path) && !current.view.is_untouched();
        if !renewed && let Some(recorded) = current.view.text(path)? {
            return Ok((Origin::Recorded, recorded));
        }
        if let Some(data) = cloud_init::answer(&current.view, &current.deriver, path)? {
            return Ok((Origin::Derived, data.into()));
        }
        let known = if renewed { current.view.get(path)? } else { None };
        Ok(match known.map_or_else(|| current.deriver.derive(path), |answer| Ok(Some(answer)))? {
            Some(answer) if renewed => (Origin::Derived, current.deriver.renewed(path, answer)?.into()),
            Some(mut derived) => {
                if paused(&current.view, path) {
                    derived.body["data"]["qmpstatus"] = "paused".into();
                }
                (Origin::Derived, derived.into())
            }
            None => (Origin::Unknown, Answer::unknown(path).into()),
        })
    }

    /// The guest whose agent is asked, where the recorded answer is not given.
    fn asked_guest(&self, path: &ApiPath) -> Option<String> {
        if self.agent == AgentPolicy::AsRecorded { None } else { agent::asked_guest(path) }
    }

    fn keep(&self, current: &Current, path: &ApiPath, class: Checks, origin: Origin, answer: AnswerText) -> Reply {
        self.count(origin);
        let reply = Reply::new(answer);
        let mut kept = current.kept(class).write().unwrap_or_else(PoisonError::into_inner);
        if origin != Origin::Unknown {
            kept.keep(path, origin, &reply);
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

/// Reports whether this asks for the status of a paused virtual machine.
fn paused(view: &View, path: &ApiPath) -> bool {
    let segments = path.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    matches!(segments[..], ["nodes", _, "qemu", vmid, "status", "current"] if view.recall(&format!("paused/{vmid}")).is_some())
}

impl fmt::Debug for Lookup {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Lookup").field("counts", &self.counts()).finish_non_exhaustive()
    }
}
