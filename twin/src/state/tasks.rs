//! Tasks: what Proxmox does in the background, its state and its log.
//!
//! The twin does the work of a task at once, inside the write that starts it; the task is seen as running for as long as
//! the twin's options say. What a task does counts only where it ends well.

use proxmox_mpc_model::derived::refused;
use proxmox_mpc_model::schema::Errors;
use proxmox_mpc_model::upid::Upid;
use proxmox_mpc_model::{Answer, Answers, ApiPath, Unreadable};
use serde_json::{Value, json};

use super::transaction::{Row, Transaction};
use super::view::View;
use crate::writes::{Call, Login, Refusal};

/// Where the memories of tasks begin: `task/UPID:…`.
const TASK: &str = "task/";
/// The memory of how many tasks there were.
const COUNT: &str = "tasks";
/// The process id of the first task; each next one has the next.
const FIRST_PID: u64 = 0x6000;
/// How many lines of a log, and how many tasks of a list, an answer has unless told otherwise.
const LINES: usize = 50;
const TASKS: usize = 50;

/// The log of a task while it runs.
pub type Log = Vec<String>;

impl Transaction {
    /// Runs a task of a node: what Proxmox calls `fork_worker`. The answer of the API is its UPID.
    ///
    /// `work` writes lines to the log and changes the state; where it fails, the text of its failure is the task's end and
    /// its changes do not count.
    pub fn task(
        &mut self,
        call: &Call,
        node: &str,
        kind: &str,
        id: &str,
        work: impl FnOnce(&mut Self, &mut Log) -> Result<(), Refusal>,
    ) -> Result<Value, Refusal> {
        self.task_by((&call.login, call.duration), (node, kind, id), work)
    }

    /// The same for a login, and for how many seconds the task is seen running: what Proxmox does by itself is root's.
    pub fn task_by(
        &mut self,
        (login, duration): (&Login, i64),
        (node, kind, id): (&str, &str, &str),
        work: impl FnOnce(&mut Self, &mut Log) -> Result<(), Refusal>,
    ) -> Result<Value, Refusal> {
        let mut log = Log::new();
        let outcome = self.attempt(|transaction| work(transaction, &mut log));
        let exit = match outcome {
            Ok(()) => "OK".to_owned(),
            Err(Refusal::Unreadable(error)) => return Err(error.into()),
            Err(refusal) => refusal.text(),
        };
        log.push(if exit == "OK" { "TASK OK".to_owned() } else { format!("TASK ERROR: {exit}") });
        let count = self.recall(COUNT).and_then(|count| count.as_u64()).unwrap_or_default();
        self.remember(COUNT, count + 1);
        let (pid, started) = (FIRST_PID + count, self.now());
        let upid = format!("UPID:{node}:{pid:08X}:{:08X}:{started:08X}:{kind}:{id}:{}:", count * 100, login.full());
        let mut task = json!({
            "upid": upid, "node": node, "pid": pid, "pstart": count * 100, "starttime": started, "type": kind, "id": id,
            "user": login.user, "exitstatus": exit, "endtime": started + duration, "log": log, "number": count,
        });
        if let Some(token) = &login.token {
            task["tokenid"] = json!(token);
        }
        self.remember(&format!("{TASK}{upid}"), task);
        Ok(upid.into())
    }
}

/// The answer to a GET about tasks; `None` for other requests, and where no task of the twin's is asked about.
pub fn answer(view: &View, path: &ApiPath, now: i64) -> Result<Option<Answer>, Unreadable> {
    let segments = path.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    Ok(match segments[..] {
        ["nodes", node, "tasks"] => list(view, path, Some(node), now)?,
        ["cluster", "tasks"] => list(view, path, None, now)?,
        ["nodes", _, "tasks", upid, what] => single(view, upid, what, path, now),
        _ => None,
    })
}

/// Whether a path is about tasks, whose answers change with time.
pub fn is_about(path: &ApiPath) -> bool {
    path.as_str() == "cluster/tasks" || path.as_str().split(['/', '?']).nth(2) == Some("tasks")
}

fn single(view: &View, upid: &str, what: &str, path: &ApiPath, now: i64) -> Option<Answer> {
    let Some(task) = view.recall(&format!("{TASK}{upid}")) else {
        let known = matches!(view.get(path), Ok(Some(_)));
        let named = Upid::parse(upid).is_some();
        let missing = Errors::from([("upid".to_owned(), "no such task".to_owned())]);
        return (!known && named && matches!(what, "status" | "log")).then(|| refused(&missing));
    };
    let running = is_running(&task, now);
    match what {
        "status" => {
            let mut status = task.as_object()?.clone();
            status.retain(|key, _| !matches!(key.as_str(), "log" | "endtime" | "number"));
            status.insert("status".to_owned(), if running { "running" } else { "stopped" }.into());
            if running {
                status.remove("exitstatus");
            }
            Some(Answer::ok(status.into()))
        }
        "log" => {
            let lines: Vec<&Value> = task.get("log")?.as_array()?.iter().collect();
            // The last line says how it ended.
            let written = if running { lines.len().saturating_sub(1) } else { lines.len() };
            let (start, limit) = (number(path, "start").unwrap_or(0), number(path, "limit").unwrap_or(LINES));
            let shown =
                lines[..written].iter().enumerate().skip(start).take(if limit == 0 { usize::MAX } else { limit });
            let data: Vec<Value> = shown.map(|(index, text)| json!({ "n": index + 1, "t": text })).collect();
            Some(with_total(data, written))
        }
        _ => None,
    }
}

/// The tasks of a node, or the latest of every node.
fn list(view: &View, path: &ApiPath, node: Option<&str>, now: i64) -> Result<Option<Answer>, Unreadable> {
    let own = view.memories(TASK);
    if own.is_empty() {
        return Ok(None);
    }
    let of_node =
        |task: &&std::sync::Arc<Value>| node.is_none_or(|node| task.get("node").is_some_and(|own| own == node));
    let mut own: Vec<_> = own.iter().map(|(_, task)| task).filter(of_node).collect();
    own.sort_by_key(|task| std::cmp::Reverse(task.get("number").and_then(Value::as_u64)));
    let mut rows: Vec<Row> = own.iter().filter_map(|task| row(task, node.is_none(), now)).collect();
    let base = ApiPath::new(path.segments());
    rows.extend(view.get(&base)?.into_iter().flat_map(|answer| answer.list().cloned().collect::<Vec<_>>()));
    rows.retain(|row| stays(row, path));
    let total = rows.len();
    if node.is_none() {
        return Ok(Some(Answer::ok(rows.into())));
    }
    let (start, limit) = (number(path, "start").unwrap_or(0), number(path, "limit").unwrap_or(TASKS));
    let shown: Vec<Value> = rows.into_iter().skip(start).take(limit).map(Value::Object).collect();
    Ok(Some(with_total(shown, total)))
}

/// A task as a list has it.
fn row(task: &Value, whole_cluster: bool, now: i64) -> Option<Row> {
    let running = is_running(task, now);
    let mut row = task.as_object()?.clone();
    let exit = row.remove("exitstatus");
    row.retain(|key, _| !matches!(key.as_str(), "log" | "number"));
    if running {
        row.remove("endtime");
    } else {
        row.insert("status".to_owned(), exit?);
    }
    if whole_cluster {
        row.retain(|key, _| key != "pid" && key != "pstart");
        if !running {
            row.insert("saved".to_owned(), "1".into());
        }
    }
    Some(row)
}

/// Whether a task stays in a list with the filters of the request.
fn stays(row: &Row, path: &ApiPath) -> bool {
    let word = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default();
    let time = row.get("starttime").and_then(Value::as_i64).unwrap_or_default();
    let ended = row.contains_key("endtime");
    path.query().iter().all(|(key, value)| match key.as_str() {
        "errors" => value != "1" || ended && word("status") != "OK" && !word("status").starts_with("WARNINGS"),
        "vmid" => word("id") == value,
        "typefilter" => word("type") == value,
        "userfilter" => word("user").to_lowercase().contains(&value.to_lowercase()),
        "since" => value.parse().is_ok_and(|since: i64| time >= since),
        "until" => value.parse().is_ok_and(|until: i64| time <= until),
        "source" => match value.as_str() {
            "active" => !ended,
            "archive" => ended,
            _ => true,
        },
        _ => true,
    })
}

fn is_running(task: &Value, now: i64) -> bool {
    task.get("endtime").and_then(Value::as_i64).is_some_and(|end| now < end)
}

fn number(path: &ApiPath, name: &str) -> Option<usize> {
    path.query().iter().find(|(key, _)| key == name).and_then(|(_, value)| value.parse().ok())
}

fn with_total(data: Vec<Value>, total: usize) -> Answer {
    let mut answer = Answer::ok(data.into());
    answer.body["total"] = json!(total);
    answer
}
