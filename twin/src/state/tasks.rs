//! Tasks: what Proxmox does in the background, its state and its log.
//!
//! The twin does the work of a task at once, inside the write that starts it; the task is seen as running for as long
//! as the twin's options say. What a task does counts only where it ends well.

use std::cmp::Reverse;
use std::sync::Arc;

use proxmox_mpc_model::upid::Upid;
use serde_json::{Value, json};

use super::task_end::TaskEnd;
use super::transaction::Transaction;
use super::view::View;
use crate::call::{Call, Login, Refusal};

/// Beginning of the memories of tasks: `task/UPID:…`.
pub(super) const TASK: &str = "task/";
/// The memory of how many tasks there were.
const COUNT: &str = "tasks";
/// The process id of the first task; each next one has the next.
const FIRST_PID: u64 = 0x6000;
/// The end of a task that was stopped.
const STOPPED: &str = "interrupted by signal";

/// The log of a task while it runs.
pub type TaskLog = Vec<String>;

impl Transaction {
    /// Runs a task of a node: what Proxmox calls `fork_worker`. The answer of the API is its UPID.
    ///
    /// `work` writes lines to the log and changes the state; where it fails, the text of its failure is the task's end
    /// and its changes do not count.
    pub fn task(
        &mut self,
        call: &Call,
        node: &str,
        kind: &str,
        id: &str,
        work: impl FnOnce(&mut Self, &mut TaskLog) -> Result<(), Refusal>,
    ) -> Result<Value, Refusal> {
        self.task_by((&call.login, call.duration), (node, kind, id), work)
    }

    /// The same for a login, and for how many seconds the task is shown as running: work that Proxmox does by itself is
    /// root's.
    pub fn task_by(
        &mut self,
        by: (&Login, i64),
        about: (&str, &str, &str),
        work: impl FnOnce(&mut Self, &mut TaskLog) -> Result<(), Refusal>,
    ) -> Result<Value, Refusal> {
        self.run_task(by, about, |transaction, log| work(transaction, log).map(|()| TaskEnd::Ok))
    }

    /// The same for a task that may have done a part of its work: `work` gives the text of its end, and its changes
    /// count.
    pub fn task_with_end(
        &mut self,
        call: &Call,
        (node, kind, id): (&str, &str, &str),
        work: impl FnOnce(&mut Self, &mut TaskLog) -> Result<TaskEnd, Refusal>,
    ) -> Result<Value, Refusal> {
        self.run_task((&call.login, call.duration), (node, kind, id), work)
    }

    fn run_task(
        &mut self,
        by: (&Login, i64),
        about: (&str, &str, &str),
        work: impl FnOnce(&mut Self, &mut TaskLog) -> Result<TaskEnd, Refusal>,
    ) -> Result<Value, Refusal> {
        let mut log = TaskLog::new();
        let count = self.next_number();
        let outcome = self.attempt(|transaction| work(transaction, &mut log));
        self.keep_task(by, about, count, outcome, log)
    }

    /// Keeps a task that has run. Apart from [`Self::run_task`], which is compiled for each kind of work.
    fn keep_task(
        &mut self,
        (login, duration): (&Login, i64),
        (node, kind, id): (&str, &str, &str),
        count: u64,
        outcome: Result<TaskEnd, Refusal>,
        mut log: TaskLog,
    ) -> Result<Value, Refusal> {
        let end = match outcome {
            Ok(end) => end,
            Err(Refusal::Unreadable(error)) => return Err(error.into()),
            Err(refusal) => TaskEnd::Failed(refusal.text()),
        };
        log.push(last_line(&end));
        let (pid, started) = (FIRST_PID + count, self.now());
        let upid = format!("UPID:{node}:{pid:08X}:{:08X}:{started:08X}:{kind}:{id}:{}:", count * 100, login.full());
        let mut task = json!({
            "upid": upid, "node": node, "pid": pid, "pstart": count * 100, "starttime": started, "type": kind, "id": id,
            "user": login.user, "exitstatus": end.to_string(), "endtime": started + duration, "log": log, "number": count,
        });
        if let Some(token) = &login.token {
            task["tokenid"] = json!(token);
        }
        self.remember(&format!("{TASK}{upid}"), task);
        Ok(upid.into())
    }

    /// Stops a task of the twin: its changes stay, since they were made at once. A task that has ended already stays as
    /// it is.
    ///
    /// The answer of the API is in no case more than that there is such a task.
    pub fn stop_task(&mut self, upid: &str) -> Result<(), Refusal> {
        if Upid::parse(upid).is_none() {
            return Err(Refusal::parameter("upid", "unable to parse worker upid"));
        }
        let key = format!("{TASK}{upid}");
        let Some(mut task) = self.recall(&key) else {
            return Err(Refusal::parameter("upid", "no such task"));
        };
        if is_running(&task, self.now()) {
            task["endtime"] = json!(self.now());
            task["exitstatus"] = json!(STOPPED);
            if let Some(Value::Array(lines)) = task.get_mut("log") {
                lines.pop();
                lines.push(last_line(&TaskEnd::Failed(STOPPED.to_owned())).into());
            }
            self.remember(&key, task);
        }
        Ok(())
    }

    /// The end of a task; `None` for a task that is not the twin's.
    pub fn end_of_task(&self, upid: &str) -> Option<TaskEnd> {
        self.recall(&format!("{TASK}{upid}"))?.get("exitstatus")?.as_str().map(TaskEnd::parse)
    }

    /// The number of the next task or message of the cluster's log.
    pub(super) fn next_number(&mut self) -> u64 {
        let count = self.recall(COUNT).and_then(|count| count.as_u64()).unwrap_or_default();
        self.remember(COUNT, count + 1);
        count
    }
}

/// The end of a task; `None` for a task that is not the twin's.
pub fn end(view: &View, upid: &str) -> Option<TaskEnd> {
    view.recall(&format!("{TASK}{upid}"))?.get("exitstatus")?.as_str().map(TaskEnd::parse)
}

/// The last line of a task's log.
fn last_line(end: &TaskEnd) -> String {
    match end {
        TaskEnd::Ok => "TASK OK".to_owned(),
        TaskEnd::Warnings(_) => format!("TASK {end}"),
        TaskEnd::Failed(reason) => format!("TASK ERROR: {reason}"),
    }
}

/// The tasks of the twin, the latest first.
pub(super) fn own(view: &View) -> Vec<Arc<Value>> {
    let mut own: Vec<_> = view.memories(TASK).into_iter().map(|(_, task)| task).collect();
    own.sort_by_key(|task| Reverse(task.get("number").and_then(Value::as_u64)));
    own
}

pub(super) fn is_running(task: &Value, now: i64) -> bool {
    task.get("endtime").and_then(Value::as_i64).is_some_and(|end| now < end)
}
