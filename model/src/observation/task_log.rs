//! Task log of a cluster: who started which task and when, and the tasks that may stand behind a change.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::task_rules;
use super::{Changes, ObjectChange};
use crate::object::text;
use crate::upid::Upid;
use crate::{Answer, ApiPath, Cluster, Unreadable};

/// Most tasks that one node is asked for: a list of this length may lack older ones.
const LIMIT: usize = 5000;

/// Most tasks that are told of one change.
const TOLD: usize = 3;

/// Task of a cluster, as its log has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Task {
    /// Its id.
    pub upid: String,
    /// The node that ran it.
    pub node: String,
    /// Its type: `qmconfig`.
    #[serde(rename = "type")]
    pub task_type: String,
    /// The object of the task, often a VMID; empty for a task of the whole node.
    pub subject: String,
    /// The user (`root@pam`) or token (`root@pam!automation`) that started it.
    pub user: String,
    /// The start, in seconds since 1970 (UTC).
    pub started: u64,
    /// The end, in seconds since 1970 (UTC); `None` while it runs.
    pub ended: Option<u64>,
    /// Its end in Proxmox's words: `OK`, `WARNINGS: 1`, or an error; `None` while it runs.
    pub status: Option<String>,
}

impl Task {
    /// The task in a row of a list of tasks; `None` for a row without a task's id.
    fn of(row: &Map<String, Value>) -> Option<Self> {
        let upid = Upid::parse(&row.get("upid").and_then(text)?)?;
        let seconds = |key: &str| row.get(key).and_then(text).and_then(|text| text.parse().ok());
        Some(Self {
            upid: upid.as_str().to_owned(),
            node: upid.node().to_owned(),
            task_type: upid.task().to_owned(),
            subject: upid.subject().to_owned(),
            user: upid.user().to_owned(),
            started: u64::from(upid.started()),
            ended: seconds("endtime"),
            status: row.get("status").and_then(text).filter(|status| status != "RUNNING"),
        })
    }

    /// Reports whether it did its work, or may be doing it.
    fn may_have_acted(&self) -> bool {
        let is_success = |status: &str| status == "OK" || status.starts_with("WARNINGS");
        self.status.as_deref().is_none_or(is_success)
    }
}

/// Time between two observations, in seconds since 1970 (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The earlier observation.
    pub from: u64,
    /// The later one.
    pub to: u64,
}

/// Origin of a change, as far as the task log tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "known", rename_all = "snake_case")]
pub enum Origin {
    /// A task did this: it was made for it, and there is no other.
    Task {
        /// The task.
        task: Task,
    },
    /// Tasks of the right type and object, which ended between the two observations: one of them probably did it.
    ProbableTasks {
        /// The tasks, the latest first, at most three.
        tasks: Vec<Task>,
    },
    /// The task log has none: most settings are written without a task.
    NotInLog,
    /// The task log that was read does not reach back to the earlier observation, or shows only some tasks.
    LogIncomplete,
}

/// Task log of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskLog {
    tasks: BTreeMap<String, Task>,
    /// The moment from which on no task is missing; `None` where tasks may be missing at any time.
    pub complete_since: Option<u64>,
}

impl TaskLog {
    /// The requests for the tasks since a moment (seconds since 1970): one for each node that is online.
    pub fn requests(cluster: &Cluster<'_>, since: u64) -> Vec<ApiPath> {
        let online = cluster.nodes.iter().filter(|(_, online)| **online);
        online.map(|(node, _)| request(node, since)).collect()
    }

    /// Reads the answers to these requests, as far as they are there. The log counts as complete where each node
    /// answered, no list was cut off, and the login may see the tasks of others (`Sys.Audit`).
    ///
    /// # Errors
    /// A stored answer that cannot be read back.
    pub fn read(cluster: &Cluster<'_>, since: u64) -> Result<Self, Unreadable> {
        let mut log = Self::default();
        let mut is_complete = !cluster.nodes.is_empty() && cluster.permissions.allow_all("/nodes", "Sys.Audit");
        for (node, online) in &cluster.nodes {
            let answer = if *online { cluster.get(&request(node, since))? } else { None };
            let rows = answer.filter(|answer| answer.data().is_some()).map(|answer| log.add(&answer));
            is_complete &= rows.is_some_and(|rows| rows < LIMIT);
        }
        log.complete_since = is_complete.then_some(since);
        Ok(log)
    }

    /// Adds the tasks of an answer to `cluster/tasks` or `nodes/{node}/tasks`, and counts its rows. A task that is known
    /// already takes the later of its states.
    pub fn add(&mut self, answer: &Answer) -> usize {
        let mut rows = 0;
        for row in answer.list() {
            rows += 1;
            let Some(task) = Task::of(row) else { continue };
            let is_newer = |known: &Task| known.ended.is_none();
            if self.tasks.get(&task.upid).is_none_or(is_newer) {
                self.tasks.insert(task.upid.clone(), task);
            }
        }
        rows
    }

    /// The tasks that acted in the window, in the order of their starts.
    pub(super) fn within(&self, window: Window) -> Vec<&Task> {
        let overlaps = |task: &&Task| {
            task.may_have_acted() && task.started <= window.to && task.ended.is_none_or(|ended| ended >= window.from)
        };
        let mut tasks: Vec<&Task> = self.tasks.values().filter(overlaps).collect();
        tasks.sort_by_key(|task| (task.started, &task.upid));
        tasks
    }
}

fn request(node: &str, since: u64) -> ApiPath {
    let path = ApiPath::new(["nodes", node, "tasks"]).with_query("limit", &LIMIT.to_string());
    path.with_query("since", &since.to_string()).with_query("source", "all")
}

impl Changes {
    /// Looks up each change in the task log.
    pub fn attribute(&mut self, log: &TaskLog, window: Window) {
        let tasks = log.within(window);
        let is_complete = log.complete_since.is_some_and(|since| since <= window.from);
        for change in &mut self.objects {
            change.origin = Some(origin(change, &tasks, is_complete));
        }
    }
}

fn origin(change: &ObjectChange, tasks: &[&Task], is_complete: bool) -> Origin {
    let mut matches: Vec<(&Task, bool)> =
        tasks.iter().filter_map(|task| Some((*task, task_rules::explains(change, task)?))).collect();
    matches.reverse();
    match matches[..] {
        [] if is_complete => Origin::NotInLog,
        [] => Origin::LogIncomplete,
        [(task, true)] => Origin::Task { task: task.clone() },
        _ => Origin::ProbableTasks { tasks: matches.iter().take(TOLD).map(|(task, _)| (*task).clone()).collect() },
    }
}
