//! Answers about tasks and the cluster's log: lists of tasks, the status of one, its log.

use std::collections::BTreeMap;
use std::sync::Arc;

use proxmox_mpc_model::derived::refused;
use proxmox_mpc_model::schema::Errors;
use proxmox_mpc_model::upid::Upid;
use proxmox_mpc_model::{Answer, Answers, ApiPath, Unreadable, list};
use serde_json::{Value, json};

use super::list::Row;
use super::log;
use super::task_end::TaskEnd;
use super::tasks::{TASK, is_running, own};
use super::view::View;
use crate::query::number;

/// Number of lines of a log, and of tasks of a list, in an answer whose request gives none.
const LINES: usize = 50;
const TASKS: usize = 50;
/// Number of finished tasks that a node broadcasts (`MAX_FINISHED` of `PVE::RESTEnvironment`).
const LATEST: usize = 25;

/// The answer to a GET about tasks or the cluster's log; `None` for other requests, and where it is about no task of
/// the twin.
pub fn answer(view: &View, path: &ApiPath, now: i64) -> Result<Option<Answer>, Unreadable> {
    let segments = path.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    Ok(match segments[..] {
        ["nodes", node, "tasks"] => list(view, path, Some(node), now)?,
        ["cluster", "tasks"] => list(view, path, None, now)?,
        ["cluster", "log"] => log::answer(view, path, now)?,
        ["nodes", _, "tasks", upid, what] => single(view, upid, what, path, now),
        _ => None,
    })
}

/// Reports whether a path is about tasks or the cluster's log, whose answers change with time.
pub(crate) fn is_about(path: &ApiPath) -> bool {
    let base = path.as_str().split('?').next().unwrap_or_default();
    matches!(base, "cluster/tasks" | "cluster/log") || base.split('/').nth(2) == Some("tasks")
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
    let own = own(view);
    if own.is_empty() {
        return Ok(None);
    }
    let of_node = |task: &&Arc<Value>| node.is_none_or(|node| task.get("node").is_some_and(|own| own == node));
    let mut rows: Vec<Row> = own.iter().filter(of_node).filter_map(|task| row(task, node.is_none(), now)).collect();
    let base = ApiPath::new(path.segments());
    rows.extend(view.get(&base)?.into_iter().flat_map(|answer| answer.list().cloned().collect::<Vec<_>>()));
    if node.is_none() {
        return Ok(Some(Answer::ok(latest(rows).into())));
    }
    rows.retain(|row| stays(row, path));
    let total = rows.len();
    let (start, limit) = (number(path, "start").unwrap_or(0), number(path, "limit").unwrap_or(TASKS));
    let shown: Vec<Value> = rows.into_iter().skip(start).take(limit).map(Value::Object).collect();
    Ok(Some(with_total(shown, total)))
}

/// Tasks that each node broadcasts: those that run, and some that have ended.
fn latest(rows: Vec<Row>) -> Vec<Value> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut shown = Vec::new();
    // Those that run count before those that have ended.
    let (running, ended): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| !row.contains_key("endtime"));
    for row in running.into_iter().chain(ended) {
        let node = row.get("node").map(Value::to_string).unwrap_or_default();
        let count = counts.entry(node).or_default();
        *count += 1;
        if *count <= LATEST || !row.contains_key("endtime") {
            shown.push(row.into());
        }
    }
    shown
}

/// The row of a task in a list.
fn row(task: &Value, whole_cluster: bool, now: i64) -> Option<Row> {
    let running = is_running(task, now);
    let mut row = task.as_object()?.clone();
    let exit = row.remove("exitstatus");
    row.retain(|key, _| !matches!(key.as_str(), "log" | "number"));
    if running {
        row.remove("endtime");
        if !whole_cluster {
            row.insert("status".to_owned(), "RUNNING".into());
        }
    } else {
        row.insert("status".to_owned(), exit?);
    }
    if whole_cluster {
        row.remove("pstart");
        if !running {
            row.remove("pid");
            row.insert("saved".to_owned(), "1".into());
        }
    }
    Some(row)
}

/// Reports whether a task passes the filters of a request for a node's list. Running tasks are listed only where the
/// request asks for them.
fn stays(row: &Row, path: &ApiPath) -> bool {
    let word = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default();
    let time = row.get("starttime").and_then(Value::as_i64).unwrap_or_default();
    let ended = row.contains_key("endtime");
    let query = path.query();
    let asked = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let source = match asked("source").unwrap_or("archive") {
        "active" => !ended,
        "all" => true,
        _ => ended,
    };
    let kind = kind_of_end(word("status"));
    let end = match (asked("errors"), asked("statusfilter")) {
        (Some("1"), _) => kind != "ok",
        (_, Some(wanted)) => list::items(wanted).any(|wanted| wanted.eq_ignore_ascii_case(kind)),
        _ => true,
    };
    source
        && end
        && query.iter().all(|(key, value)| match key.as_str() {
            "vmid" => word("id") == value,
            "typefilter" => word("type") == value,
            "userfilter" => word("user").to_lowercase().contains(&value.to_lowercase()),
            "since" => value.parse().is_ok_and(|since: i64| time >= since),
            "until" => value.parse().is_ok_and(|until: i64| time <= until),
            _ => true,
        })
}

/// Kind of an end, in the words of the filter (`PVE::UPID::normalize_status_type`).
fn kind_of_end(status: &str) -> &'static str {
    match TaskEnd::parse(status) {
        TaskEnd::Ok => "ok",
        TaskEnd::Warnings(_) => "warning",
        TaskEnd::Failed(reason) if matches!(reason.as_str(), "unexpected status" | "") => "unknown",
        TaskEnd::Failed(_) => "error",
    }
}

fn with_total(data: Vec<Value>, total: usize) -> Answer {
    let mut answer = Answer::ok(data.into());
    answer.body["total"] = json!(total);
    answer
}
