//! Status for people: the cluster, the branches, open conflicts, code and files, a line or two each.

use proxmox_mpc_engine::history::Head;
use proxmox_mpc_engine::timeline::StatusReport;
use serde_json::Value;

use super::Printed;
use super::changes::{code_changes, live_changes, moment, plural};
use crate::page::Page;

/// The number of lines at which lists are cut.
const SHOWN: usize = 20;

impl Printed for StatusReport {
    fn page(&self, page: &mut Page) {
        self.brief(page);
        if let Some(live) = &self.live {
            page.heading(format!("cluster at {}, since the last sync", moment(live.time)));
            live_changes(live, page);
        }
        if !self.behind.is_empty() {
            page.heading("syncs that are not merged");
            for sync in self.behind.iter().take(SHOWN) {
                page.line(format!("  {}  {}", moment(sync.time), sync.subject));
            }
            more(self.behind.len(), page);
        }
        if !self.conflicts.is_empty() {
            page.heading("open conflicts");
            for conflict in self.conflicts.iter().take(SHOWN) {
                page.line(format!("  {}", conflict_line(conflict)));
            }
            more(self.conflicts.len(), page);
        }
        if let Some(code) = self.code.as_ref().filter(|code| !code.is_empty()) {
            page.heading("your code beside the generated code");
            code_changes(code, page);
        }
        if !self.dirty.is_empty() {
            page.heading("files that are not committed");
            for file in self.dirty.iter().take(SHOWN) {
                page.line(format!("  {}{}", file.path, if file.staged { " (staged)" } else { "" }));
            }
            more(self.dirty.len(), page);
        }
    }

    fn brief(&self, page: &mut Page) {
        match &self.last {
            None => page.line("There is no sync yet: `proxmox-mpc sync` reads the cluster."),
            Some(last) => {
                page.line(format!("last sync: {} by {}: {}", moment(last.time), last.author, last.subject));
                let not_read = match self.not_read {
                    0 => String::new(),
                    number => format!(", {} not read", plural(number, "object or list", "objects or lists")),
                };
                page.line(format!("observed: {}{not_read}", plural(self.objects, "object", "objects")));
            }
        }
        let head = match &self.head {
            Head::Unborn { branch } => format!("{branch}, without a commit"),
            Head::Branch { branch, .. } => branch.clone(),
            Head::Detached { commit } => format!("detached at {}", commit.get(..10).unwrap_or(commit)),
        };
        let merged = match (&self.last, self.behind.len()) {
            (None, _) => String::new(),
            (Some(_), 0) => format!(": all of {} is merged", self.branch),
            (Some(_), behind) => format!(": {} of {} not merged", plural(behind, "sync", "syncs"), self.branch),
        };
        page.line(format!("branch: {head}{merged}"));
        if let Some(operation) = self.operation {
            page.bad(format!("a {operation} is under way"));
        }
        if !self.conflicts.is_empty() {
            page.bad(format!("conflicts: {} open", self.conflicts.len()));
        }
    }
}

fn more(number: usize, page: &mut Page) {
    if number > SHOWN {
        page.line(format!("  and {} more", number - SHOWN));
    }
}

/// An entry of the file of conflicts: what names its place, in the order in which people look for it.
fn conflict_line(conflict: &Value) -> String {
    let words = ["file", "line", "identity", "address", "attribute", "path"];
    let words: Vec<String> = words
        .iter()
        .filter_map(|key| match conflict.get(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(format!("line {number}")),
            _ => None,
        })
        .collect();
    if words.is_empty() { conflict.to_string() } else { words.join(", ") }
}
