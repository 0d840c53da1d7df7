//! Ignore comments: `# proxmox-mpc:ignore PVE601 reason`, on the line of a finding or on the line above.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Draft, Spot};
use super::rule::{Rule, Severity};

pub(super) static WITHOUT_REASON: Rule = Rule {
    code: "PVE002",
    name: "ignore-without-reason",
    severity: Severity::Warning,
    summary: "An ignore comment gives no reason.",
    case: "# proxmox-mpc:ignore PVE601\nresource \"proxmox_virtual_environment_vm\" \"web\" {\n  node_name = \"pve\"\n\n  \
           disk {\n    interface = \"scsi0\"\n  }\n}\n",
    why: "Whoever reads the code a year later cannot tell whether the exception still holds.",
    remedy: "Write the reason behind the rule: `# proxmox-mpc:ignore PVE601 a scratch machine, rebuilt each night`.",
};

pub(super) static UNKNOWN_RULE: Rule = Rule {
    code: "PVE003",
    name: "ignore-unknown-rule",
    severity: Severity::Warning,
    summary: "An ignore comment names a rule that does not exist.",
    case: "# proxmox-mpc:ignore PVE999 the lab has no such thing\nresource \"proxmox_virtual_environment_pool\" \"lab\" {\n  \
           pool_id = \"lab\"\n}\n",
    why: "The comment hides nothing.",
    remedy: "Name a rule of docs/check.md, by its code or its name; several are separated by commas.",
};

pub(super) static UNUSED: Rule = Rule {
    code: "PVE004",
    name: "unused-ignore",
    severity: Severity::Note,
    summary: "An ignore comment hides no finding.",
    case: "# proxmox-mpc:ignore PVE101 two clusters\nresource \"proxmox_virtual_environment_pool\" \"lab\" {\n  pool_id = \
           \"lab\"\n}\n",
    why: "The comment stays behind after its cause is gone, and would hide the next finding at that place.",
    remedy: "Remove the comment.",
};

pub(super) static EXPIRED: Rule = Rule {
    code: "PVE005",
    name: "expired-ignore",
    severity: Severity::Note,
    summary: "The end date of an ignore comment has passed, so that it hides nothing.",
    case: "# proxmox-mpc:ignore PVE601 until 2020-01-31 until the machine moves\nresource \
           \"proxmox_virtual_environment_vm\" \"web\" {\n  node_name = \"pve\"\n\n  disk {\n    interface = \"scsi0\"\n  }\n}\n",
    why: "Somebody meant to look at the place again by that day.",
    remedy: "Resolve the finding and remove the comment, or give it a new date.",
};

/// The words that begin an ignore comment.
const MARK: &str = "proxmox-mpc:ignore";

/// The ignore comments of some files.
pub(super) struct Comments {
    comments: Vec<Comment>,
}

struct Comment {
    spot: Spot,
    /// The line to which it applies.
    line: usize,
    words: Vec<String>,
    has_reason: bool,
    is_expired: bool,
    used: BTreeSet<&'static str>,
}

/// Reads the comments of these files.
pub(super) fn read(texts: &BTreeMap<String, String>, files: &BTreeSet<String>, today: Option<&str>) -> Comments {
    let mut comments = Vec::new();
    let marked = |file: &&String| texts.get(*file).is_some_and(|text| text.contains(MARK));
    for file in files.iter().filter(marked) {
        let text = &texts[file];
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let mut start = 0;
        for (index, line) in lines.iter().enumerate() {
            if let Some((before, rest)) = line.split_once(MARK)
                && let Some(code) = before.trim_end().strip_suffix('#').or_else(|| before.trim_end().strip_suffix("//"))
            {
                let is_own_line = code.trim().is_empty();
                let is_comment = |line: &str| line.trim().is_empty() || line.trim().starts_with(['#', '/']);
                let next = || lines[index + 1..].iter().position(|line| !is_comment(line)).unwrap_or_default();
                let line_number = if is_own_line { index + 2 + next() } else { index + 1 };
                let begin = start + code.len();
                let spot = Spot { file: file.clone(), start: begin, end: start + line.trim_end().len() };
                comments.push(comment(spot, line_number, rest, today));
            }
            start += line.len();
        }
    }
    Comments { comments }
}

/// Reads what stands behind the mark: rules separated by commas, `until 2027-01-31` if the comment ends, and the reason.
fn comment(spot: Spot, line: usize, text: &str, today: Option<&str>) -> Comment {
    let text = text.trim();
    let (rules, mut reason) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let mut is_expired = false;
    if let Some(rest) = reason.trim_start().strip_prefix("until ") {
        let (day, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        is_expired = today.is_some_and(|today| day < today);
        reason = rest;
    }
    let words = rules.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    Comment { spot, line, words, has_reason: !reason.trim().is_empty(), is_expired, used: BTreeSet::new() }
}

impl Comments {
    /// Reports whether a comment hides a finding, and remembers that it did.
    pub(super) fn hide(&mut self, rule: &'static Rule, file: &str, line: usize) -> bool {
        let mut hidden = false;
        for comment in self.comments.iter_mut().filter(|comment| comment.spot.file == file && comment.line == line) {
            if !comment.is_expired && comment.words.iter().any(|word| rule.is_named(word)) {
                comment.used.insert(rule.code);
                hidden = true;
            }
        }
        hidden
    }

    /// Findings about the comments themselves.
    pub(super) fn drafts(&self, is_off: impl Fn(&Rule) -> bool) -> Vec<Draft> {
        let mut drafts = Vec::new();
        for comment in &self.comments {
            let mut add = |rule, message: String| drafts.push(Draft::new(rule, comment.spot.clone(), message));
            if !comment.has_reason {
                add(&WITHOUT_REASON, "this ignore comment gives no reason".to_owned());
            }
            if comment.words.is_empty() {
                add(&UNKNOWN_RULE, "this ignore comment names no rule".to_owned());
            }
            if comment.is_expired {
                add(&EXPIRED, "the end date of this ignore comment has passed".to_owned());
            }
            for word in &comment.words {
                match super::rule(word) {
                    None => add(&UNKNOWN_RULE, format!("there is no rule `{word}`")),
                    Some(rule) if comment.is_expired || is_off(rule) || comment.used.contains(rule.code) => {}
                    Some(rule) => {
                        add(&UNUSED, format!("this comment hides no finding of {} ({})", rule.code, rule.name));
                    }
                }
            }
        }
        drafts
    }
}
