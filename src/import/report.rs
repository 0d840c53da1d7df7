//! What an import found, what became code, what did not and why.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proxmox_mpc_generators::adopt::{Adopted, AdoptionResult};
use proxmox_mpc_generators::coverage::{Counts, Outcome, percentage};
use proxmox_mpc_generators::manifest::{Manifest, Move};
use proxmox_mpc_generators::{Coverage, Generated, KeptCode, Notice, RemovedCode};
use proxmox_mpc_model::kinds::KINDS;
use proxmox_mpc_model::permissions::Permissions;
use proxmox_mpc_model::{Identity, Unread};
use serde::Serialize;

use super::Job;
use super::fetch::Fetched;
use super::{rights, roles};
use crate::ui::{Page, Report, Table};
use crate::workspace::Changes;

/// The result of an import.
#[derive(Debug, Serialize)]
pub struct ImportReport {
    /// The workspace.
    pub out: PathBuf,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// As whom the cluster was read.
    pub login: Option<String>,
    /// The version of Proxmox VE.
    pub pve_version: Option<String>,
    /// How many requests were asked of the cluster, or answers taken from a recording.
    pub asked: u64,
    /// Conditions of `--only` and `--exclude` that hold for no object.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unmatched: Vec<String>,
    /// What was found and what became of it, kind by kind.
    pub kinds: Vec<KindReport>,
    /// What Terraform's provider cannot import and Ansible keeps.
    #[serde(rename = "in_ansible")]
    pub entrusted: Vec<SetAside>,
    /// What no code can say.
    #[serde(rename = "not_importable")]
    pub set_aside: Vec<SetAside>,
    /// What could not be read.
    #[serde(rename = "not_read")]
    pub unread: Vec<Unread>,
    /// What the user should know of objects that are code.
    pub notices: Vec<Notice>,
    /// Code that was not made anew and stays as it is.
    pub kept: Vec<KeptCode>,
    /// Code that was taken out, since its object is no longer there.
    pub gone: Vec<RemovedCode>,
    /// Renames of this run.
    pub moved: Vec<Move>,
    /// What came of the addresses of the state that was to be adopted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub adopted: Vec<Adopted>,
    /// What this login may not see.
    pub gaps: Vec<String>,
    /// What happened to the files; `None` for a dry run.
    pub files: Option<Changes>,
    /// Where each object is, or would be: the form of `--mapping`.
    pub manifest: Manifest,
    /// What became of every key of every object.
    pub coverage: Coverage,
}

/// What became of the objects of one kind.
#[derive(Debug, Serialize)]
pub struct KindReport {
    /// The kind's word.
    pub kind: &'static str,
    /// How people call it.
    pub title: &'static str,
    /// How many the lists show.
    pub found: usize,
    /// How many are Terraform code now.
    pub terraform: usize,
    /// How many are Ansible code now.
    pub ansible: usize,
    /// How many come with Proxmox and are unchanged, or are no configuration.
    #[serde(rename = "built_in")]
    pub nothing_to_write: usize,
    /// How many no code can say.
    #[serde(rename = "not_importable")]
    pub set_aside: usize,
    /// How many could not be read.
    #[serde(rename = "not_read")]
    pub unread: usize,
    /// How many the user excluded.
    #[serde(rename = "excluded")]
    pub left_out: usize,
    /// (Terraform + Ansible + default) / (all − volatile) of their keys, in percent.
    pub covered: f64,
}

/// An object that Terraform's provider cannot import.
#[derive(Debug, Serialize)]
pub struct SetAside {
    /// Which object.
    pub identity: Identity,
    /// Its name in Proxmox.
    pub name: Option<String>,
    /// Why.
    pub reason: String,
    /// What its owner can do.
    pub remedy: Option<String>,
}

impl ImportReport {
    pub(super) fn new(
        job: &Job,
        permissions: &Permissions,
        fetched: &Fetched,
        generated: Generated,
        before: &Manifest,
        files: Option<Changes>,
    ) -> Self {
        let mut unread = generated.unread;
        let failures = fetched.failures.iter().map(|failure| Unread {
            identity: Identity::new("request", failure.path.as_str()),
            reason: crate::ui::sentence(&failure.error),
        });
        // The object or the list that is not read because of it tells the cause already.
        let untold = failures.filter(|failure| !unread.iter().any(|one| one.reason.contains(&failure.reason)));
        unread.extend(untold.collect::<Vec<_>>());
        // What the user leaves out is not what this import is about.
        let mut chosen = Cow::Borrowed(&generated.coverage);
        if !generated.left_out.is_empty() {
            chosen.to_mut().objects.retain(|identity, _| !generated.left_out.contains(identity));
        }
        let (mut entrusted, mut set_aside) = (Vec::new(), Vec::new());
        for (identity, object) in &chosen.objects {
            let (sort, reason, remedy) = match &object.outcome {
                Outcome::NotImportable { reason, remedy } => (&mut set_aside, reason, remedy),
                Outcome::Ansible { reason, remedy, .. } => (&mut entrusted, reason, remedy),
                Outcome::Terraform { .. } | Outcome::BuiltIn | Outcome::Fact | Outcome::Excluded => continue,
            };
            let (identity, name) = (identity.clone(), object.name.clone());
            sort.push(SetAside { identity, name, reason: reason.clone(), remedy: remedy.clone() });
        }
        let moved = generated.manifest.moved.iter().filter(|step| !before.moved.contains(step));
        let gaps = rights::gaps(permissions);
        Self {
            out: job.out.clone(),
            dry_run: job.dry_run,
            login: fetched.recording.about().login.clone(),
            pve_version: fetched.recording.about().pve_version.clone(),
            asked: fetched.asked,
            unmatched: generated.survey.unmatched,
            kinds: kinds(&generated.found, &chosen, &unread),
            entrusted,
            set_aside,
            moved: moved.cloned().collect(),
            unread,
            notices: generated.notices,
            kept: generated.kept,
            gone: generated.gone,
            adopted: Vec::new(),
            gaps: gaps.iter().map(ToString::to_string).collect(),
            files,
            manifest: generated.manifest,
            coverage: generated.coverage,
        }
    }

    /// The same with what came of the addresses of a state.
    pub(super) fn adopted(mut self, adopted: Vec<Adopted>) -> Self {
        self.adopted = adopted;
        self
    }

    /// Whether everything that was found and chosen is code: what `--strict` asks for.
    pub fn complete(&self) -> bool {
        self.set_aside.is_empty() && self.unread.is_empty()
    }
}

fn kinds(found: &BTreeMap<&'static str, usize>, coverage: &Coverage, unread: &[Unread]) -> Vec<KindReport> {
    let counts = coverage.counts();
    let row = |kind: &'static proxmox_mpc_model::kinds::Kind| {
        let Counts { objects, imported, in_ansible: entrusted, not_importable: set_aside, .. } =
            counts.get(kind.id).copied().unwrap_or_default();
        let found = found.get(kind.id).copied().unwrap_or_default();
        let unread =
            unread.iter().filter(|one| one.identity.prefix() == kind.prefix && one.identity.id() != "*").count();
        KindReport {
            kind: kind.id,
            title: kind.title,
            found,
            terraform: imported,
            ansible: entrusted,
            nothing_to_write: objects - imported - entrusted - set_aside,
            set_aside,
            unread,
            left_out: found.saturating_sub(objects + unread),
            covered: counts.get(kind.id).copied().unwrap_or_default().percent(),
        }
    };
    KINDS.iter().copied().map(row).collect()
}

/// A manifest is a list of objects and addresses, and the form of `--mapping`.
impl Report for Manifest {
    fn human(&self, page: &mut Page) {
        let mut table = Table::new(["OBJECT", "NAME", "ADDRESS"]);
        for (identity, place) in self.objects.iter().filter(|(_, place)| !place.skip) {
            table.row([identity.to_string(), place.name.clone().unwrap_or_default(), place.address.clone()]);
        }
        page.table(&table);
    }
}

/// How many lines of one sort a page shows before it points to the file that has them all.
const SHOWN: usize = 20;

/// How many objects a line names before it only counts them.
const NAMED: usize = 8;

impl Report for ImportReport {
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

    fn human(&self, page: &mut Page) {
        self.findings(page);
        if !self.dry_run {
            page.line(format!("next: proxmox-mpc verify {}", shell(&self.out)));
        }
    }
}

impl ImportReport {
    /// The page without the command that comes next.
    pub fn findings(&self, page: &mut Page) {
        let version = self.pve_version.as_deref().map(|version| format!("Proxmox VE {version}"));
        let login = self.login.as_deref().map(|login| format!("read as {login}"));
        let facts: Vec<String> = version.into_iter().chain(login).collect();
        if !facts.is_empty() {
            page.line(facts.join(", "));
            page.blank();
        }
        page.table(&self.summary());
        if self.dry_run {
            page.heading("would be imported");
            self.manifest.human(page);
        }
        self.problems(page);
        self.changes(page);
    }

    fn summary(&self) -> Table {
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
        for kind in self.kinds.iter().filter(|kind| kind.found + kind.unread > 0) {
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

    fn problems(&self, page: &mut Page) {
        section(page, "conditions that match nothing", &self.unmatched, |one| (one.clone(), Vec::new()));
        grouped(page, "kept in Ansible, since Terraform's provider cannot import them", &of(&self.entrusted));
        grouped(
            page,
            "not importable: no code can express these; they stay in Proxmox as they are",
            &of(&self.set_aside),
        );
        section(page, "not read", &self.unread, |one| (format!("{}: {}", one.identity, one.reason), Vec::new()));
        section(page, "what this login may not see", &self.gaps, |gap| (gap.clone(), Vec::new()));
        if !self.gaps.is_empty() {
            page.line("  a login that sees everything and changes nothing, to be made on a node as root:");
            for line in roles::reader() {
                page.line(format!("    {line}"));
            }
        }
        let notices: Vec<Said<'_>> = self
            .notices
            .iter()
            .map(|one| said(&one.identity, one.name.as_ref(), &one.reason, one.remedy.as_ref()))
            .collect();
        grouped(page, "to know before you change anything", &notices);
        let kept: Vec<Said<'_>> = self
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
        section(page, "gone from the cluster, and now from the code", &self.gone, |gone| {
            (format!("{} ({})", gone.address, gone.identity), Vec::new())
        });
        self.adoption(page);
        section(page, "renamed", &self.moved, |step| (format!("{} is now {}", step.from, step.to), Vec::new()));
    }

    /// What came of the state: those that are adopted as they are are only counted.
    fn adoption(&self, page: &mut Page) {
        if self.adopted.is_empty() {
            return;
        }
        let mut counts: BTreeMap<AdoptionResult, usize> = BTreeMap::new();
        for one in &self.adopted {
            *counts.entry(one.result).or_default() += 1;
        }
        let counts: Vec<String> = counts.iter().map(|(result, count)| format!("{count} {}", result.words())).collect();
        page.heading(format!("of {} resources in the state: {}", self.adopted.len(), counts.join(", ")));
        let others: Vec<&Adopted> = self
            .adopted
            .iter()
            .filter(|one| !matches!(one.result, AdoptionResult::SameAddress | AdoptionResult::SameLabel))
            .collect();
        section(page, "", &others, |one| {
            let to = one.to.as_deref().map(|to| format!(" is {to}")).unwrap_or_default();
            (format!("{}{to}: {}", one.from, one.why), Vec::new())
        });
        if !self.dry_run {
            page.line("  adopted/README.md says what to do in the root that managed them until now");
        }
    }

    fn changes(&self, page: &mut Page) {
        page.blank();
        let Some(changes) = &self.files else {
            page.line("nothing was written: this was a dry run");
            page.line("`--output json` prints this list as a mapping, to be edited and given back with `--mapping`");
            return;
        };
        if changes.is_empty() {
            page.good(format!("{} is up to date: no file was changed", self.out.display()));
            return;
        }
        page.good(format!("{}: {}", self.out.display(), counted(changes)));
        for edit in &changes.edited {
            page.line(format!("  {} was edited: overwritten, a copy is below .proxmox-mpc/backup/", edit.path));
        }
        for kept in &changes.kept {
            page.line(format!("  {kept} is no longer generated, but was edited: it stays"));
        }
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
