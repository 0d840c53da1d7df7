//! Log of writes: every call of a writing method as it came in, and its answer.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use proxmox_mpc_model::kinds::KINDS;
use proxmox_mpc_model::redact::{Redactor, placeholder};
use proxmox_mpc_model::schema::Verb;
use proxmox_mpc_model::upid::Upid;
use proxmox_mpc_model::{Answer, ApiPath};
use serde_json::{Map, Value};

use crate::call::{Cause, Request};
use crate::state::{TaskEnd, View, tasks};

/// Call of a writing method, with its answer and its task.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedWrite {
    /// Time at which it came in, counted from the start of the twin.
    pub at: Duration,
    /// Verb: what was to be done.
    pub verb: Verb,
    /// Path, without the query.
    pub path: ApiPath,
    /// The parameters of query and body; a placeholder stands for each secret.
    pub parameters: Map<String, Value>,
    /// The status of the answer; 0 for a call that is still under way.
    pub status: u16,
    /// Message of the refusal, in Proxmox's words.
    pub refusal: Option<String>,
    /// The task that it started.
    pub task: Option<LoggedTask>,
}

/// A task that a call started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedTask {
    /// Its id.
    pub upid: String,
    /// Type of the task: `qmstart`.
    pub kind: String,
    /// End of the task.
    pub end: TaskEnd,
}

impl LoggedWrite {
    /// Reports whether the call was accepted and its task, if there was one, did its work.
    pub fn succeeded(&self) -> bool {
        (200..300).contains(&self.status) && self.task.as_ref().is_none_or(|task| task.end.is_success())
    }

    /// Message of the refusal or of the failed task, in Proxmox's words; `None` where the call succeeded.
    pub fn failure(&self) -> Option<&str> {
        if self.succeeded() {
            return None;
        }
        let of_task = || match &self.task.as_ref()?.end {
            TaskEnd::Failed(reason) => Some(reason.as_str()),
            TaskEnd::Ok | TaskEnd::Warnings(_) => None,
        };
        self.refusal.as_deref().or_else(of_task)
    }

    /// Reports whether the call was refused, or its task failed, for this cause.
    pub fn failed_for(&self, cause: Cause) -> bool {
        self.failure().is_some_and(|message| cause.is_stated_in(message))
    }
}

/// The log of a running twin.
#[derive(Debug)]
pub(super) struct WriteLog {
    started: Instant,
    redactor: Redactor,
    writes: Mutex<Vec<LoggedWrite>>,
}

/// Position of a call in the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogPosition(usize);

impl WriteLog {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), redactor: Redactor::new(KINDS), writes: Mutex::default() }
    }

    /// Notes that a call came in.
    pub(super) fn note(&self, request: &Request) -> LogPosition {
        let mut writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        writes.push(LoggedWrite {
            at: self.started.elapsed(),
            verb: request.verb,
            path: request.path.clone(),
            parameters: self.redacted(&request.path, &request.parameters),
            status: 0,
            refusal: None,
            task: None,
        });
        LogPosition(writes.len() - 1)
    }

    /// Notes how it was answered; `view` is the cluster after it.
    pub(super) fn answered(&self, noted: LogPosition, answer: &Answer, view: &View) {
        let task = answer.data().and_then(Value::as_str).and_then(|upid| {
            let end = tasks::end(view, upid)?;
            Some(LoggedTask { upid: upid.to_owned(), kind: Upid::parse(upid)?.task().to_owned(), end })
        });
        let mut writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(write) = writes.get_mut(noted.0) {
            write.status = answer.status;
            write.refusal = (answer.data().is_none() && !(200..300).contains(&answer.status)).then(|| words(answer));
            write.task = task;
        }
    }

    pub(super) fn writes(&self) -> Vec<LoggedWrite> {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn redacted(&self, path: &ApiPath, parameters: &Map<String, Value>) -> Map<String, Value> {
        let mut shown = Value::Object(parameters.clone());
        self.redactor.redact(path, &mut shown);
        let Value::Object(mut shown) = shown else { return Map::new() };
        // What only a call has, and no object shows.
        for (name, value) in &mut shown {
            if name.contains("password") || name.contains("hmac") {
                *value = placeholder(name).into();
            }
        }
        shown
    }
}

/// Message of a refusal in Proxmox's words, with those about single parameters.
fn words(answer: &Answer) -> String {
    let message = answer.body.get("message").and_then(Value::as_str).map_or(answer.reason.as_str(), str::trim_end);
    let errors = answer.body.get("errors").and_then(Value::as_object).into_iter().flatten();
    let errors = errors.map(|(name, why)| format!("\n{name}: {}", why.as_str().unwrap_or_default().trim_end()));
    errors.fold(message.to_owned(), |text, error| text + &error)
}
