//! Sync for people: what changed in the cluster, what was edited in the code, and what waits for a decision.

use proxmox_mpc_code::merge::{Conflict, MergeEdit, Notice, NoticeKind};
use proxmox_mpc_engine::history::HistoryNotice;
use proxmox_mpc_engine::sync::{MergeReport, Outcome, SyncReport};

use super::Printed;
use super::changes::{cluster_changes, plural};
use crate::page::Page;

/// The number of lines at which lists are cut.
const SHOWN: usize = 40;

/// The number of objects that could not be read and that are named; the others are in COVERAGE.md.
const NOT_READ: usize = 5;

/// The length at which values are cut, in characters.
const LONGEST: usize = 60;

impl Printed for SyncReport {
    fn page(&self, page: &mut Page) {
        page.line("cluster:");
        if self.changes.is_empty() && self.changes.first.is_none() {
            page.line(format!("  {}", self.generated.subject));
        } else {
            cluster_changes(&self.changes, page);
        }
        if !self.not_read.is_empty() {
            let number = plural(self.not_read.len(), "object or list", "objects or lists");
            page.line(format!("  {number} could not be read: their code stays as it is"));
            for object in self.not_read.iter().take(NOT_READ) {
                page.line(format!("    {}: {}", object.identity, object.reason()));
            }
        }
        if let Some(merge) = &self.merge {
            self::merge(merge, page);
        }
        if !self.git.is_empty() {
            page.heading("git");
            self.git.iter().for_each(|notice| page.line(format!("  {}", sentence(notice))));
        }
        if let Some(reason) = &self.not_stored {
            page.line(format!("state store: not brought up to date, the next sync will: {reason}"));
        }
        page.blank();
        outcome(self, page);
        if let Some(proof) = &self.proof {
            page.blank();
            proof.page(page);
        }
    }

    fn brief(&self, page: &mut Page) {
        page.line(&self.generated.subject);
        outcome(self, page);
    }
}

fn merge(merge: &MergeReport, page: &mut Page) {
    if !merge.edits.is_empty() {
        page.heading("edits of your code");
        list(&merge.edits, page, edit);
    }
    let decisions: Vec<&Notice> = of(merge, NoticeKind::Decision);
    if !decisions.is_empty() {
        page.heading("kept as you decided");
        list(&decisions, page, |notice, page| page.line(format!("  {}", text(notice))));
    }
    let others = merge.notices.iter().filter(|notice| notice.kind != NoticeKind::Decision);
    let others: Vec<&Notice> = others.collect();
    if !others.is_empty() {
        page.heading("for you to look at");
        list(&others, page, |notice, page| page.line(format!("  {}", text(notice))));
    }
    if !merge.conflicts.is_empty() {
        page.heading("conflicts");
        list(&merge.conflicts, page, conflict);
    }
    if let Some(patch) = merge.patch.as_deref().filter(|patch| !patch.is_empty()) {
        page.heading("patch");
        patch.lines().for_each(|line| page.line(line));
    }
}

fn of(merge: &MergeReport, kind: NoticeKind) -> Vec<&Notice> {
    merge.notices.iter().filter(|notice| notice.kind == kind).collect()
}

/// Writes the first items of a list, and the number of the others.
fn list<T>(items: &[T], page: &mut Page, write: impl Fn(&T, &mut Page)) {
    items.iter().take(SHOWN).for_each(|item| write(item, page));
    if items.len() > SHOWN {
        page.line(format!("  and {} more, which `--output json` lists", items.len() - SHOWN));
    }
}

/// `  terraform/web.tf:12  qemu/101 memory.dedicated: 4096 → 8192  (the local that it uses)`
fn edit(edit: &MergeEdit, page: &mut Page) {
    let what = named(&edit.object, &edit.attribute);
    let change = match (edit.before.trim(), edit.after.trim()) {
        ("", after) => format!("+ {}", short(after)),
        (before, "") => format!("- {}", short(before)),
        _ if edit.attribute.is_empty() => "as the cluster has it now".to_owned(),
        (before, after) => format!("{} → {}", short(before), short(after)),
    };
    page.line(format!("  {}:{}  {what}: {change}", edit.file, edit.line));
    if !edit.why.is_empty() {
        page.line(format!("      {}", edit.why));
    }
}

fn conflict(conflict: &Conflict, page: &mut Page) {
    page.line(format!("  {}:{}  {}", conflict.file, conflict.line, named(&conflict.object, &conflict.attribute)));
    page.line(format!("      {}", conflict.choices));
}

fn text(notice: &Notice) -> String {
    format!("{}: {}", named(&notice.object, &notice.attribute), notice.text)
}

fn named(object: &str, attribute: &str) -> String {
    if attribute.is_empty() { object.to_owned() } else { format!("{object} {attribute}") }
}

/// A value on one line.
fn short(value: &str) -> String {
    let line = value.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// The beginning of a commit's id, as git shows it.
fn abbreviated(commit: &str) -> &str {
    commit.get(..9).unwrap_or(commit)
}

fn outcome(report: &SyncReport, page: &mut Page) {
    let files = |merge: &MergeReport| plural(merge.written.len() + merge.removed.len(), "file", "files");
    let changed = report.merge.as_ref().map_or_else(|| "0 files".to_owned(), files);
    let conflicts = report.merge.as_ref().map_or(0, |merge| merge.conflicts.len());
    let branch = &report.generated.branch;
    match &report.outcome {
        Outcome::UpToDate => page.good("up to date: the code has everything that is known of the cluster"),
        Outcome::Merged { commit } => {
            page.good(format!("merged: {changed}, commit {}", abbreviated(commit)));
            if report.proof.is_none() {
                page.line("next: proxmox-mpc verify");
            }
        }
        Outcome::Conflicts => {
            let conflicts = plural(conflicts, "conflict waits", "conflicts wait");
            page.bad(format!("{conflicts} in the work tree; everything else is merged: {changed}"));
            page.line("next: resolve them, then `git add` and `git commit`; or `git merge --abort`");
            page.line("      .proxmox-mpc/conflicts.json lists them for editors and agents");
        }
        Outcome::OnBranch { branch, commit } => {
            page.good(format!("the merge is on the branch {branch}: {changed}, commit {}", abbreviated(commit)));
        }
        Outcome::GeneratedOnly => {
            let after = abbreviated(&report.generated.after);
            page.good(format!("{branch} is at {after}; nothing was merged"));
        }
        Outcome::DryRun => {
            let conflicts = if conflicts == 0 {
                String::new()
            } else {
                format!(", with {}", plural(conflicts, "conflict", "conflicts"))
            };
            page.line(format!("nothing was written: a sync would change {changed}{conflicts}"));
        }
    }
}

/// A fact about git, as a sentence.
fn sentence(notice: &HistoryNotice) -> String {
    match notice {
        HistoryNotice::NoIdentity => "git knows no name of yours: the commits are by Proxmox-MPC \
                                      (`git config --global user.name` and `user.email` set it)"
            .to_owned(),
        HistoryNotice::HooksNotRun { hooks } => {
            format!("the `git` program is missing, and these hooks did not run: {}", hooks.join(", "))
        }
        HistoryNotice::NotSigned => "the `git` program is missing: the commit is not signed".to_owned(),
        HistoryNotice::FiltersNotApplied => {
            "the `git` program is missing: filters of .gitattributes were not applied".to_owned()
        }
        HistoryNotice::DetachedHead { commit } => {
            format!("HEAD is on no branch: `git branch NAME {}` keeps the merge", abbreviated(commit))
        }
        HistoryNotice::HookFailed { hook } => format!("the hook {hook} failed; the merge stands"),
        HistoryNotice::RolledBack => "an earlier sync was interrupted: everything is as it was before it".to_owned(),
        HistoryNotice::Finished => "an earlier sync was interrupted after its work, and was cleaned up".to_owned(),
        HistoryNotice::EditedSince { paths } => {
            format!("an earlier sync was interrupted, and these files were edited since: {}", paths.join(", "))
        }
        HistoryNotice::StashKept { commit } => format!(
            "your changes that were set aside do not fit any more: they are in `git stash list` ({})",
            abbreviated(commit)
        ),
        HistoryNotice::StashWaits { .. } => {
            "your changes that were set aside come back when the merge is committed or aborted".to_owned()
        }
    }
}
