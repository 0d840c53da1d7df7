//! Import for people: counts for each kind, problems with their remedies, and files.

use std::collections::BTreeMap;
use std::path::Path;

use proxmox_mpc_engine::import::ImportReport;
use proxmox_mpc_engine::import::report::{KindReport, NotImported};
use proxmox_mpc_engine::rights::roles;
use proxmox_mpc_engine::workspace::Changes;
use proxmox_mpc_generators::Manifest;
use proxmox_mpc_generators::adopt::{Adopted, AdoptionResult};
use proxmox_mpc_generators::coverage::percentage;
use proxmox_mpc_model::Identity;

use super::Printed;
use crate::page::{Page, Table};

/// A table of objects and their addresses.
fn addresses(manifest: &Manifest) -> Table {
    let mut table = Table::new(["OBJECT", "NAME", "ADDRESS"]);
    for (identity, object) in manifest.objects.iter().filter(|(_, object)| !object.skip) {
        table.row([identity.to_string(), object.name.clone().unwrap_or_default(), object.address.clone()]);
    }
    table
}

/// The number of lines that a section shows before it only counts them.
const SHOWN: usize = 20;

/// The number of objects that a line names before it only counts them.
const NAMED: usize = 8;

impl Printed for ImportReport {
    /// Writes the counts of objects, and of files.
    fn brief(&self, page: &mut Page) {
        let sum = |count: fn(&KindReport) -> usize| self.kinds.iter().map(count).sum::<usize>();
        let counts = [
            (sum(|kind| kind.terraform), "in Terraform"),
            (sum(|kind| kind.ansible), "in Ansible"),
            (sum(|kind| kind.built_in), "built in"),
            (sum(|kind| kind.not_importable), "not importable"),
            (self.not_read.len(), "not read"),
            (sum(|kind| kind.excluded), "excluded"),
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

/// Writes the page without the command that comes next.
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
    for kind in report.kinds.iter().filter(|kind| kind.found + kind.not_read > 0) {
        let made = kind.terraform + kind.ansible;
        let covered = if made == 0 { String::new() } else { percentage(kind.covered) };
        table.row([
            kind.title.to_owned(),
            kind.found.to_string(),
            count(kind.terraform),
            count(kind.ansible),
            count(kind.built_in),
            count(kind.not_importable),
            count(kind.not_read),
            count(kind.excluded),
            covered,
        ]);
    }
    table.without_empty_columns()
}

fn problems(report: &ImportReport, page: &mut Page) {
    section(page, "filters that match no object", &report.unmatched, |filter| (filter.clone(), Vec::new()));
    grouped(page, "kept in Ansible, since Terraform's provider cannot import them", &remarks(&report.in_ansible));
    grouped(
        page,
        "not importable: no code can express these; they stay in Proxmox as they are",
        &remarks(&report.not_importable),
    );
    section(page, "not read", &report.not_read, |object| {
        (format!("{}: {}", object.identity, object.reason()), Vec::new())
    });
    section(page, "not visible to this login", &report.gaps, |gap| (gap.clone(), Vec::new()));
    if !report.gaps.is_empty() {
        page.line("  to create a login that reads everything and changes nothing, run on a node as root:");
        for line in roles::reader() {
            page.line(format!("    {line}"));
        }
    }
    let notices: Vec<Remark<'_>> = report
        .notices
        .iter()
        .map(|notice| remark(&notice.identity, notice.name.as_ref(), &notice.reason, notice.remedy.as_ref()))
        .collect();
    grouped(page, "before you change anything", &notices);
    let kept: Vec<Remark<'_>> = report
        .kept
        .iter()
        .map(|kept| {
            // A role has the tasks of many objects.
            let file = kept.address.contains('/');
            let object = if file { kept.identity.to_string() } else { kept.address.clone() };
            Remark { object, reason: &kept.reason, remedy: None }
        })
        .collect();
    grouped(page, "code kept as it is", &kept);
    section(page, "gone from the cluster, and removed from the code", &report.gone, |gone| {
        (format!("{} ({})", gone.address, gone.identity), Vec::new())
    });
    adoption(report, page);
    section(page, "renamed", &report.moved, |step| (format!("{} is now {}", step.from, step.to), Vec::new()));
}

/// Writes what became of the resources of an adopted state. Those that keep their address are only counted.
fn adoption(report: &ImportReport, page: &mut Page) {
    if report.adopted.is_empty() {
        return;
    }
    let mut counts: BTreeMap<AdoptionResult, usize> = BTreeMap::new();
    for resource in &report.adopted {
        *counts.entry(resource.result).or_default() += 1;
    }
    let counts: Vec<String> = counts.iter().map(|(result, count)| format!("{count} {}", result.words())).collect();
    page.heading(format!("of {} resources in the state: {}", report.adopted.len(), counts.join(", ")));
    let unchanged = |result| matches!(result, AdoptionResult::SameAddress | AdoptionResult::SameLabel);
    let others: Vec<&Adopted> = report.adopted.iter().filter(|resource| !unchanged(resource.result)).collect();
    section(page, "", &others, |resource| {
        let to = resource.to.as_deref().map(|to| format!(" is {to}")).unwrap_or_default();
        (format!("{}{to}: {}", resource.from, resource.why), Vec::new())
    });
    if !report.dry_run {
        page.line("  adopted/README.md says what to do in the Terraform configuration that managed them until now");
    }
}

fn changes(report: &ImportReport, page: &mut Page) {
    page.blank();
    let Some(changes) = &report.files else {
        page.line("nothing was written: this was a dry run");
        page.line("`--output json` prints this list as `manifest`; edit it, and pass it to `--mapping`");
        return;
    };
    if changes.is_empty() {
        page.good(format!("{} is up to date: no file was changed", report.out.display()));
        return;
    }
    page.good(format!("{}: {}", report.out.display(), counted(changes)));
    for edit in &changes.edited {
        page.line(format!(
            "  {} was edited: it was overwritten, and a copy kept below .proxmox-mpc/backup/",
            edit.path
        ));
    }
    for kept in &changes.kept {
        page.line(format!("  {kept} is no longer generated; it stays, since it was edited"));
    }
}

/// The numbers of files that were written, changed and removed, in one line.
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

/// Quotes a path for a shell.
fn shell(path: &Path) -> String {
    let text = path.display().to_string();
    match shlex::try_quote(&text) {
        Ok(quoted) => quoted.into_owned(),
        // A NUL, which no path has.
        Err(_) => text,
    }
}

/// A remark about one object: why it is where it is, and what helps.
struct Remark<'r> {
    object: String,
    reason: &'r str,
    remedy: Option<&'r String>,
}

fn remark<'r>(identity: &Identity, name: Option<&String>, reason: &'r str, remedy: Option<&'r String>) -> Remark<'r> {
    let object = match name {
        Some(name) if name != identity.id() => format!("{identity} ({name})"),
        _ => identity.to_string(),
    };
    Remark { object, reason, remedy }
}

fn remarks(objects: &[NotImported]) -> Vec<Remark<'_>> {
    objects
        .iter()
        .map(|object| remark(&object.identity, object.name.as_ref(), &object.reason, object.remedy.as_ref()))
        .collect()
}

/// Writes a section of remarks, with one line for all objects of the same reason.
fn grouped(page: &mut Page, title: &str, items: &[Remark<'_>]) {
    let mut groups: Vec<Vec<&Remark<'_>>> = Vec::new();
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

/// The different remedies of a group. One that names a guest (its disk, its number) must not be done to another guest, so
/// that each is listed.
fn remedies(group: &[&Remark<'_>]) -> Vec<String> {
    let mut all: Vec<&String> = Vec::new();
    for remedy in group.iter().filter_map(|item| item.remedy) {
        if !all.contains(&remedy) {
            all.push(remedy);
        }
    }
    let more = all.len().saturating_sub(NAMED);
    let shown = all.into_iter().take(NAMED).cloned();
    shown.chain((more > 0).then(|| format!("and {more} more like these; `--output json` lists them all"))).collect()
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
        page.line(format!("  and {} more; `--output json` lists them all", items.len() - SHOWN));
    }
}
