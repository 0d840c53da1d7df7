//! An import for people: what was found, what became code, what did not and why.

use std::collections::BTreeMap;
use std::path::Path;

use proxmox_mpc_engine::import::ImportReport;
use proxmox_mpc_engine::import::report::{KindReport, SetAside};
use proxmox_mpc_engine::rights::roles;
use proxmox_mpc_engine::workspace::Changes;
use proxmox_mpc_generators::Manifest;
use proxmox_mpc_generators::adopt::{Adopted, AdoptionResult};
use proxmox_mpc_generators::coverage::percentage;
use proxmox_mpc_model::Identity;

use super::Printed;
use crate::ui::{Page, Table};

/// A list of objects and addresses.
fn addresses(manifest: &Manifest) -> Table {
    let mut table = Table::new(["OBJECT", "NAME", "ADDRESS"]);
    for (identity, place) in manifest.objects.iter().filter(|(_, place)| !place.skip) {
        table.row([identity.to_string(), place.name.clone().unwrap_or_default(), place.address.clone()]);
    }
    table
}

/// How many lines of one sort a page shows before it points to the file that has them all.
const SHOWN: usize = 20;

/// How many objects a line names before it only counts them.
const NAMED: usize = 8;

impl Printed for ImportReport {
    /// What became code, what did not, and the files.
    fn brief(&self, page: &mut Page) {
        let sum = |count: fn(&KindReport) -> usize| self.kinds.iter().map(count).sum::<usize>();
        let counts = [
            (sum(|kind| kind.terraform), "in Terraform"),
            (sum(|kind| kind.ansible), "in Ansible"),
            (sum(|kind| kind.nothing_to_write), "built in"),
            (sum(|kind| kind.set_aside), "not importable"),
            (self.unread.len(), "not read"),
            (sum(|kind| kind.left_out), "excluded"),
            (self.gaps.len(), "missing privileges"),
            (self.gone.len(), "gone from the cluster"),
            (self.notices.len(), "notices"),
        ];
        let counts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
        page.line(format!("{} objects: {}", sum(|kind| kind.found), counts.collect::<Vec<_>>().join(", ")));
        match &self.files {
            Some(changes) => page.good(format!("{}: {}", self.out.display(), counted(changes))),
            None => page.line("nothing was written: this was a dry run"),
        }
    }

    fn page(&self, page: &mut Page) {
        findings(self, page);
        if !self.dry_run {
            page.line(format!("next: proxmox-mpc verify {}", shell(&self.out)));
        }
    }
}

/// The page without the command that comes next.
pub(super) fn findings(report: &ImportReport, page: &mut Page) {
    let version = report.pve_version.as_deref().map(|version| format!("Proxmox VE {version}"));
    let login = report.login.as_deref().map(|login| format!("read as {login}"));
    let facts: Vec<String> = version.into_iter().chain(login).collect();
    if !facts.is_empty() {
        page.line(facts.join(", "));
        page.blank();
    }
    page.table(&summary(report));
    if report.dry_run {
        page.heading("would be imported");
        page.table(&addresses(&report.manifest));
    }
    problems(report, page);
    changes(report, page);
}

fn summary(report: &ImportReport) -> Table {
    let mut table = Table::new([
        "KIND",
        "FOUND",
        "TERRAFORM",
        "ANSIBLE",
        "BUILT\nIN",
        "NOT\nIMPORTABLE",
        "NOT\nREAD",
        "EXCLUDED",
        "KEYS\nCOVERED",
    ]);
    let count = |number: usize| if number == 0 { String::new() } else { number.to_string() };
    for kind in report.kinds.iter().filter(|kind| kind.found + kind.unread > 0) {
        let made = kind.terraform + kind.ansible;
        let covered = if made == 0 { String::new() } else { percentage(kind.covered) };
        table.row([
            kind.title.to_owned(),
            kind.found.to_string(),
            count(kind.terraform),
            count(kind.ansible),
            count(kind.nothing_to_write),
            count(kind.set_aside),
            count(kind.unread),
            count(kind.left_out),
            covered,
        ]);
    }
    table.without_empty_columns()
}

fn problems(report: &ImportReport, page: &mut Page) {
    section(page, "conditions that match nothing", &report.unmatched, |one| (one.clone(), Vec::new()));
    grouped(page, "kept in Ansible, since Terraform's provider cannot import them", &of(&report.entrusted));
    grouped(
        page,
        "not importable: no code can express these; they stay in Proxmox as they are",
        &of(&report.set_aside),
    );
    section(page, "not read", &report.unread, |one| (format!("{}: {}", one.identity, one.reason()), Vec::new()));
    section(page, "what this login may not see", &report.gaps, |gap| (gap.clone(), Vec::new()));
    if !report.gaps.is_empty() {
        page.line("  a login that sees everything and changes nothing, to be made on a node as root:");
        for line in roles::reader() {
            page.line(format!("    {line}"));
        }
    }
    let notices: Vec<Said<'_>> = report
        .notices
        .iter()
        .map(|one| said(&one.identity, one.name.as_ref(), &one.reason, one.remedy.as_ref()))
        .collect();
    grouped(page, "to know before you change anything", &notices);
    let kept: Vec<Said<'_>> = report
        .kept
        .iter()
        .map(|kept| {
            // A role has the tasks of many objects.
            let file = kept.address.contains('/');
            let object = if file { kept.identity.to_string() } else { kept.address.clone() };
            Said { object, reason: &kept.reason, remedy: None }
        })
        .collect();
    grouped(page, "kept as it is", &kept);
    section(page, "gone from the cluster, and now from the code", &report.gone, |gone| {
        (format!("{} ({})", gone.address, gone.identity), Vec::new())
    });
    adoption(report, page);
    section(page, "renamed", &report.moved, |step| (format!("{} is now {}", step.from, step.to), Vec::new()));
}

/// What came of the state: those that are adopted as they are are only counted.
fn adoption(report: &ImportReport, page: &mut Page) {
    if report.adopted.is_empty() {
        return;
    }
    let mut counts: BTreeMap<AdoptionResult, usize> = BTreeMap::new();
    for one in &report.adopted {
        *counts.entry(one.result).or_default() += 1;
    }
    let counts: Vec<String> = counts.iter().map(|(result, count)| format!("{count} {}", result.words())).collect();
    page.heading(format!("of {} resources in the state: {}", report.adopted.len(), counts.join(", ")));
    let others: Vec<&Adopted> = report
        .adopted
        .iter()
        .filter(|one| !matches!(one.result, AdoptionResult::SameAddress | AdoptionResult::SameLabel))
        .collect();
    section(page, "", &others, |one| {
        let to = one.to.as_deref().map(|to| format!(" is {to}")).unwrap_or_default();
        (format!("{}{to}: {}", one.from, one.why), Vec::new())
    });
    if !report.dry_run {
        page.line("  adopted/README.md says what to do in the root that managed them until now");
    }
}

fn changes(report: &ImportReport, page: &mut Page) {
    page.blank();
    let Some(changes) = &report.files else {
        page.line("nothing was written: this was a dry run");
        page.line("`--output json` prints this list as `manifest`, to be edited and given back with `--mapping`");
        return;
    };
    if changes.is_empty() {
        page.good(format!("{} is up to date: no file was changed", report.out.display()));
        return;
    }
    page.good(format!("{}: {}", report.out.display(), counted(changes)));
    for edit in &changes.edited {
        page.line(format!("  {} was edited: overwritten, a copy is below .proxmox-mpc/backup/", edit.path));
    }
    for kept in &changes.kept {
        page.line(format!("  {kept} is no longer generated, but was edited: it stays"));
    }
}

/// What was done to files, in one line.
fn counted(changes: &Changes) -> String {
    let counts = [
        (changes.created.len(), "written"),
        (changes.changed.len() + changes.edited.len(), "changed"),
        (changes.removed.len(), "removed"),
    ];
    let mut counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let Some((count, word)) = counts.next() else { return "no file was changed".to_owned() };
    let files = if count == 1 { "file" } else { "files" };
    counts.fold(format!("{count} {files} {word}"), |text, (count, word)| format!("{text}, {count} {word}"))
}

/// A path as a shell takes it.
fn shell(path: &Path) -> String {
    let text = path.display().to_string();
    match shlex::try_quote(&text) {
        Ok(quoted) => quoted.into_owned(),
        // A NUL, which no path has.
        Err(_) => text,
    }
}

/// Something that is said of one object.
struct Said<'r> {
    object: String,
    reason: &'r str,
    remedy: Option<&'r String>,
}

fn said<'r>(identity: &Identity, name: Option<&String>, reason: &'r str, remedy: Option<&'r String>) -> Said<'r> {
    let object = match name {
        Some(name) if name != identity.id() => format!("{identity} ({name})"),
        _ => identity.to_string(),
    };
    Said { object, reason, remedy }
}

fn of(objects: &[SetAside]) -> Vec<Said<'_>> {
    objects.iter().map(|one| said(&one.identity, one.name.as_ref(), &one.reason, one.remedy.as_ref())).collect()
}

/// Says what is true of many objects once.
fn grouped(page: &mut Page, title: &str, items: &[Said<'_>]) {
    let mut groups: Vec<Vec<&Said<'_>>> = Vec::new();
    for item in items {
        match groups.iter_mut().find(|group| group[0].reason == item.reason) {
            Some(group) => group.push(item),
            None => groups.push(vec![item]),
        }
    }
    section(page, title, &groups, |group| {
        let names: Vec<&str> = group.iter().take(NAMED).map(|item| item.object.as_str()).collect();
        let more = if group.len() > NAMED { format!(" and {} more", group.len() - NAMED) } else { String::new() };
        (format!("{}{more}: {}", names.join(", "), group[0].reason), remedies(group))
    });
}

/// What helps each of them: what is of one guest (its disk, its number) must not be done to another.
fn remedies(group: &[&Said<'_>]) -> Vec<String> {
    let mut all: Vec<&String> = Vec::new();
    for remedy in group.iter().filter_map(|item| item.remedy) {
        if !all.contains(&remedy) {
            all.push(remedy);
        }
    }
    let more = all.len().saturating_sub(NAMED);
    let shown = all.into_iter().take(NAMED).cloned();
    shown.chain((more > 0).then(|| format!("and {more} more of the kind; `--output json` has them all"))).collect()
}

fn section<T>(page: &mut Page, title: &str, items: &[T], line: impl Fn(&T) -> (String, Vec<String>)) {
    if items.is_empty() {
        return;
    }
    if !title.is_empty() {
        page.heading(title);
    }
    for item in items.iter().take(SHOWN) {
        let (text, remedies) = line(item);
        page.line(format!("  {text}"));
        for remedy in remedies {
            page.line(format!("      what helps: {remedy}"));
        }
    }
    if items.len() > SHOWN {
        page.line(format!("  and {} more; `--output json` has them all", items.len() - SHOWN));
    }
}
