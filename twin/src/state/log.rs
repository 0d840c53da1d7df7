//! The cluster's log: starts and ends of tasks, and other messages of Proxmox.

use std::cmp::Reverse;

use proxmox_mpc_model::{Answer, Answers, ApiPath, Unreadable};
use serde_json::{Value, json};

use super::task_end::TaskEnd;
use super::tasks::{is_running, own};
use super::transaction::Transaction;
use super::view::View;
use crate::call::Call;
use crate::query::number;

/// Beginning of the memories of entries that are not tasks.
const NOTE: &str = "log/";
/// Number of entries of an answer whose request gives none (`clog_dump_json`).
const ENTRIES: usize = 50;
/// The process that does the work of the API.
const DAEMON: u64 = 0x5E86;
/// Urgency of messages (`syslog`).
const ERROR: u8 = 3;
const INFORMATION: u8 = 6;

impl Transaction {
    /// Writes a message into the cluster's log, as `PVE::Cluster::log_msg` does: `update VM 100: -cores 2`.
    pub fn note(&mut self, call: &Call, node: &str, message: &str) {
        let number = self.next_number();
        let (time, user) = (self.now(), call.login.full());
        let entry = json!({ "time": time, "number": number, "node": node, "user": user, "msg": message });
        self.remember(&format!("{NOTE}{number:012}"), entry);
    }
}

/// Entry: its time, the order within that second, and its row.
type Entry = ((i64, u64), Value);

/// The answer to `cluster/log`; `None` where nothing happened on the twin.
pub(super) fn answer(view: &View, path: &ApiPath, now: i64) -> Result<Option<Answer>, Unreadable> {
    let mut entries: Vec<Entry> = own(view).iter().flat_map(|task| of_task(task, now)).flatten().collect();
    for (_, note) in view.memories(NOTE) {
        let word = |key: &str| note.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        entries.extend(entry(&note, "time", 0, INFORMATION, (word("node"), word("user"), word("msg"))));
    }
    if entries.is_empty() {
        return Ok(None);
    }
    entries.sort_by_key(|(when, _)| Reverse(*when));
    let mut rows: Vec<Value> = entries.into_iter().map(|(_, entry)| entry).collect();
    let recorded = view.get(&ApiPath::new(path.segments()))?;
    rows.extend(recorded.iter().flat_map(Answer::list).cloned().map(Value::Object));
    rows.truncate(number(path, "max").filter(|max| *max > 0).unwrap_or(ENTRIES));
    Ok(Some(Answer::ok(rows.into())))
}

/// The entries of a task: its start and its end.
fn of_task(task: &Value, now: i64) -> [Option<Entry>; 2] {
    let word = |key: &str| task.get(key).and_then(Value::as_str).unwrap_or_default();
    let (upid, exit, node) = (word("upid"), word("exitstatus"), word("node").to_owned());
    let user = match task.get("tokenid").and_then(Value::as_str) {
        Some(token) => format!("{}!{token}", word("user")),
        None => word("user").to_owned(),
    };
    let urgency = if TaskEnd::parse(exit).is_success() { INFORMATION } else { ERROR };
    let started = (node.clone(), user.clone(), format!("starting task {upid}"));
    let ended = (node, user, format!("end task {upid} {exit}"));
    let end = if is_running(task, now) { None } else { entry(task, "endtime", 1, urgency, ended) };
    [entry(task, "starttime", 0, INFORMATION, started), end]
}

/// An entry with a time and a number; `part` tells the entries of one task apart.
fn entry(
    of: &Value,
    time: &str,
    part: u64,
    urgency: u8,
    (node, user, message): (String, String, String),
) -> Option<Entry> {
    let time = of.get(time)?.as_i64()?;
    let uid = 2 * of.get("number")?.as_u64()? + part + 1;
    let entry = json!({
        "uid": uid.to_string(), "id": format!("{uid}:{node}"), "node": node, "user": user, "msg": message,
        "time": time, "pri": urgency, "tag": "pvedaemon", "pid": DAEMON,
    });
    Some(((time, uid), entry))
}
