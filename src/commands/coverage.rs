//! `coverage`: what became of every key of every object on record, and why.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proxmox_mpc_generators::coverage::{Counts, Fate, ObjectCoverage, Outcome as Became};
use proxmox_mpc_generators::reasons::{self, Reason, Unreadable as Unseen};
use proxmox_mpc_generators::{Coverage, Generated, Manifest, Previous, coverage_document, everything};
use proxmox_mpc_model::kinds::KINDS;
use proxmox_mpc_model::{Identity, Unread, Unreadable};
use proxmox_mpc_twin::Recording;
use proxmox_mpc_twin::recording::{About, RecordingError};
use serde::Serialize;

use crate::commands::{Failure, Outcome, Unwritten, wait};
use crate::fault::{Fault, FaultKind};
use crate::import;
use crate::interrupt;
use crate::ui::{Page, Report, Table, Ui};
use crate::workspace;

/// Show how much of the cluster is code, and why the rest is not
///
/// Every setting that Proxmox shows of an object is in Terraform, in Ansible, at its default, volatile (a measurement, or
/// what Proxmox changes by itself), or not expressible, for a reason that is given. What this program does not know is not
/// covered, and comes first. The percentage is (Terraform + Ansible + default) / (all − volatile), rounded down. It is about everything on
/// record, whatever `import --only` chose.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc coverage lab                         a line for each kind, and the reasons
  proxmox-mpc coverage lab --kind vm               each virtual machine
  proxmox-mpc coverage lab --object qemu/100       each of its keys
  proxmox-mpc coverage lab --fail-under 95         in a pipeline
  proxmox-mpc coverage --from lab.tar.zst --markdown > COVERAGE.md

Exit codes: 0 done, 3 less than `--fail-under` is covered.")]
pub struct Arguments {
    /// The folder that the import wrote
    #[arg(value_name = "DIR", default_value = ".")]
    workspace: PathBuf,
    /// This recording, in place of the one that the last import made
    #[arg(long, value_name = "RECORDING")]
    from: Option<PathBuf>,
    /// Only objects of this kind (vm, container, storage, …), one by one; may be given more than once
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Vec<&'static str>,
    /// Only this object (qemu/100, storage/local), key by key; may be given more than once
    #[arg(long, value_name = "OBJECT")]
    object: Vec<String>,
    /// End with exit code 3 where less than this is covered of what is shown
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    fail_under: Option<f64>,
    /// Print the document COVERAGE.md, with everything, whatever `--output` says
    #[arg(long)]
    markdown: bool,
}

/// Why there is nothing to tell.
#[derive(Debug, thiserror::Error)]
enum CoverageFault {
    #[error("there is no recording to tell from")]
    Open(#[from] RecordingError),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("there is no `{0}` on record")]
    NoObject(String),
}

impl Fault for CoverageFault {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Open(_) | Self::Unreadable(_) => FaultKind::Failed,
            Self::NoObject(_) => FaultKind::Usage,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hints: &[&str] = match self {
            Self::Open(_) => {
                &["an import makes a recording; `--from` names another one", "name the folder that the import wrote"]
            }
            Self::Unreadable(_) => &["import again: the recording was changed or cut after it was written"],
            Self::NoObject(_) => &["`proxmox-mpc coverage -v` lists every object by the name that `--object` takes"],
        };
        hints.iter().map(|hint| (*hint).to_owned()).collect()
    }
}

/// How much is covered.
#[derive(Debug, Serialize)]
struct CoverageReport {
    /// As whom the cluster was read.
    login: Option<String>,
    /// The version of Proxmox VE.
    pve_version: Option<String>,
    /// (Terraform + Ansible + default) / (all − volatile), in percent.
    percent: f64,
    /// What `--fail-under` asks for.
    fail_under: Option<f64>,
    /// Over everything.
    total: Counts,
    /// By kind.
    kinds: BTreeMap<&'static str, Counts>,
    /// Keys that no row knows, by object.
    not_covered: BTreeMap<Identity, Vec<String>>,
    /// Why keys are not Terraform's.
    reasons: Vec<Reason>,
    /// What could not be read, and why.
    unreadable: Vec<Unseen>,
    /// Every object with the fate of each key.
    objects: Coverage,
    #[serde(skip)]
    shown: Shown,
}

/// How closely people want to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Kinds,
    Objects,
    Keys,
}

impl Arguments {
    pub(super) fn run(self, ui: &Ui) -> Result<Outcome, Failure> {
        let path = self.from.clone().unwrap_or_else(|| self.workspace.join(workspace::RECORDING));
        let manifest = import::manifest(&self.workspace)?.unwrap_or_default();
        let (about, generated) = wait(interrupt::aside(move || read(&path, manifest)))??;
        let (mut coverage, mut unread) = (generated.coverage, generated.unread);
        self.choose(&mut coverage, &mut unread)?;
        let percent = coverage.total().percent();
        if self.markdown {
            ui.text(&coverage_document(&coverage, &unread)).map_err(Unwritten)?;
        } else {
            let shown = match (self.object.is_empty(), self.kind.is_empty() && !ui.verbose()) {
                (false, _) => Shown::Keys,
                (true, false) => Shown::Objects,
                (true, true) => Shown::Kinds,
            };
            let unknown = reasons::not_covered(&coverage).into_iter();
            let own = |keys: Vec<&str>| keys.into_iter().map(str::to_owned).collect();
            let report = CoverageReport {
                login: about.login.clone(),
                pve_version: about.pve_version.clone(),
                percent,
                fail_under: self.fail_under,
                total: coverage.total(),
                kinds: coverage.counts(),
                not_covered: unknown.map(|(identity, keys)| (identity.clone(), own(keys))).collect(),
                reasons: reasons::reasons(&coverage),
                unreadable: reasons::unreadable(&unread),
                objects: coverage,
                shown,
            };
            ui.report(&report).map_err(Unwritten)?;
        }
        let short = self.fail_under.is_some_and(|wanted| percent < wanted);
        Ok(if short { Outcome::Ended(FaultKind::Differences) } else { Outcome::Done })
    }

    fn choose(&self, coverage: &mut Coverage, unread: &mut Vec<Unread>) -> Result<(), CoverageFault> {
        for wanted in &self.object {
            let known = coverage.objects.keys().chain(unread.iter().map(|one| &one.identity));
            if !known.map(Identity::as_str).any(|identity| identity == wanted) {
                return Err(CoverageFault::NoObject(wanted.clone()));
            }
        }
        let takes = |kind: &str, identity: &Identity| {
            (self.kind.is_empty() || self.kind.contains(&kind))
                && (self.object.is_empty() || self.object.iter().any(|wanted| wanted == identity.as_str()))
        };
        coverage.objects.retain(|identity, object| takes(object.kind, identity));
        let kind = |identity: &Identity| KINDS.iter().find(|kind| kind.prefix == identity.prefix());
        unread.retain(|one| kind(&one.identity).is_some_and(|kind| takes(kind.id, &one.identity)));
        Ok(())
    }
}

/// What would become of everything on record, under the addresses of the workspace, left out or not.
fn read(path: &Path, manifest: Manifest) -> Result<(About, Generated), CoverageFault> {
    let recording = Recording::open(path)?;
    let generated = everything(&recording, Previous { manifest, ..Previous::default() })?;
    Ok((recording.about().clone(), generated))
}

fn kind(word: &str) -> Result<&'static str, String> {
    let known: Vec<&str> = KINDS.iter().map(|kind| kind.id).collect();
    let found = KINDS.iter().find(|kind| kind.id == word).map(|kind| kind.id);
    found.ok_or_else(|| format!("there is no such kind; there are {}", known.join(", ")))
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches('%').trim().parse::<f64>().ok();
    number.filter(|number| (0.0..=100.0).contains(number)).ok_or_else(|| "not a percentage from 0 to 100".to_owned())
}

/// How many reasons a page shows before it only counts them.
const SHOWN: usize = 20;

impl Report for CoverageReport {
    fn human(&self, page: &mut Page) {
        if !self.not_covered.is_empty() {
            page.bad("not covered: this program does not know these settings; please report them");
            for (identity, keys) in &self.not_covered {
                wrapped(page, 2, &format!("{identity}: {}", keys.join(", ")));
            }
            page.blank();
        }
        match self.shown {
            Shown::Kinds => page.table(&self.kinds()),
            Shown::Objects => self.objects(page),
            Shown::Keys => self.keys(page),
        }
        if self.shown != Shown::Keys {
            self.reasons(page);
        }
        self.unreadable(page);
        page.blank();
        self.verdict(page);
    }
}

impl CoverageReport {
    /// Settings by kind, without those that need no code.
    fn kinds(&self) -> Table {
        let mut table = Table::new(["KIND", "OBJECTS", "TERRAFORM", "ANSIBLE", "NO CODE", "COVERED"]);
        let mut row = |title: &str, counts: &Counts| {
            let Counts { objects, terraform, ansible, .. } = *counts;
            let [objects, terraform, ansible, none] =
                [objects, terraform, ansible, none(counts)].map(|number| number.to_string());
            table.row([title.to_owned(), objects, terraform, ansible, none, counts.percentage()]);
        };
        for kind in KINDS {
            if let Some(counts) = self.kinds.get(kind.id) {
                row(kind.title, counts);
            }
        }
        row("all", &self.total);
        table
    }

    /// Two or three lines for each object: how much of it is code, and where.
    fn objects(&self, page: &mut Page) {
        for (identity, object) in &self.objects.objects {
            let counts = Counts::of(object);
            let name = object.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
            wrapped(page, 0, &format!("{identity}{name}: {}", place(object)));
            let Counts { terraform, ansible, default, volatile, .. } = counts;
            let sorts = [
                (terraform, "in Terraform"),
                (ansible, "in Ansible"),
                (default, "at their default"),
                (none(&counts), "in no code"),
                (volatile, "volatile"),
            ];
            let words = sorts.iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}"));
            let words = words.collect::<Vec<_>>().join(", ");
            wrapped(page, 4, &format!("{} covered; settings: {words}", counts.percentage()));
        }
    }

    fn keys(&self, page: &mut Page) {
        for (identity, object) in &self.objects.objects {
            page.blank();
            wrapped(page, 0, &format!("{identity}: {}", place(object)));
            if let Became::Ansible { reason, remedy, .. } | Became::NotImportable { reason, remedy } = &object.outcome {
                wrapped(page, 2, reason);
                if let Some(remedy) = remedy {
                    wrapped(page, 6, &format!("what helps: {remedy}"));
                }
            }
            for (key, fate) in &object.keys {
                let why = match fate {
                    Fate::Ansible(why) | Fate::NotExpressible(why) if !why.is_empty() => format!(": {why}"),
                    _ => String::new(),
                };
                wrapped(page, 2, &format!("{key:<20}  {}{why}", fate.word()));
            }
        }
    }

    fn reasons(&self, page: &mut Page) {
        if self.reasons.is_empty() {
            return;
        }
        page.heading("not in Terraform, and why (`proxmox-mpc explain K1` prints a rule)");
        let shown = if self.shown == Shown::Kinds { SHOWN } else { usize::MAX };
        for reason in self.reasons.iter().take(shown) {
            let keys: Vec<&str> = reason.keys.iter().take(SHOWN).map(String::as_str).collect();
            let more = if reason.keys.len() > SHOWN { ", …" } else { "" };
            let objects = if reason.objects > reason.examples.len() {
                format!("{} objects", reason.objects)
            } else {
                reason.examples.iter().map(Identity::as_str).collect::<Vec<_>>().join(", ")
            };
            wrapped(page, 2, &format!("{}: {}{more} of {objects}", reason.fate, keys.join(", ")));
            wrapped(page, 6, &reason.reason);
        }
        if self.reasons.len() > shown {
            page.line(format!("  and {} more reasons; `-v` has them all", self.reasons.len() - shown));
        }
    }

    fn unreadable(&self, page: &mut Page) {
        if self.unreadable.is_empty() {
            return;
        }
        page.heading("not readable with this login, and in none of these numbers");
        for group in &self.unreadable {
            let lists = (!group.lists.is_empty()).then(|| format!("the lists of {}", group.lists.join(", ")));
            let objects = group.objects.iter().take(SHOWN).map(Identity::to_string);
            let more = group.objects.len().saturating_sub(SHOWN);
            let more = (more > 0).then(|| format!("and {more} more"));
            let names: Vec<String> = lists.into_iter().chain(objects).chain(more).collect();
            wrapped(page, 2, &format!("{}: {}", names.join(", "), group.reason));
            if let (Some(privilege), Some(path)) = (&group.privilege, &group.path) {
                wrapped(page, 6, &format!("what helps: a role with {privilege} on {path}"));
            }
        }
    }

    fn verdict(&self, page: &mut Page) {
        let line = format!("{} of the configuration is covered", self.total.percentage());
        match self.fail_under.filter(|wanted| self.percent < *wanted) {
            Some(wanted) => page.bad(format!("{line}, and {wanted} % are asked for")),
            None => page.good(line),
        }
    }
}

/// Settings that are configuration and in no code.
fn none(counts: &Counts) -> usize {
    counts.not_expressible + counts.not_covered
}

/// How wide a page is that is no table.
const WIDTH: usize = 80;

/// Text in lines, see [`wrap`].
fn wrapped(page: &mut Page, indent: usize, text: &str) {
    for line in wrap(indent, text) {
        page.line(line);
    }
}

/// The lines of a text, those behind the first further in. They are broken between words; a word that is longer than a line
/// is broken where that ends.
fn wrap(indent: usize, text: &str) -> Vec<String> {
    let further = " ".repeat(indent + 4);
    let (mut lines, mut line, mut empty) = (Vec::new(), " ".repeat(indent), true);
    for mut word in text.split(' ') {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut line, further.clone()));
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        while let Some((end, _)) = word.char_indices().nth(WIDTH.saturating_sub(line.chars().count())) {
            line.push_str(&word[..end]);
            lines.push(std::mem::replace(&mut line, further.clone()));
            word = &word[end..];
        }
        line.push_str(word);
        empty = false;
    }
    lines.push(line);
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// Where an object is.
fn place(object: &ObjectCoverage) -> &str {
    match &object.outcome {
        Became::Terraform { address } => address,
        Became::Ansible { file, .. } => file,
        Became::BuiltIn => "comes with Proxmox",
        Became::Fact => "a fact",
        Became::Excluded => "excluded",
        Became::NotImportable { .. } => "in no code",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_go_on_further_in() {
        let check = |indent: usize, text: &str, expected: &[&str]| {
            assert_eq!(wrap(indent, text), expected);
        };
        let word = "x".repeat(38);
        check(2, "a: b", &["  a: b"]);
        check(2, "", &[""]);
        check(0, &format!("{word} {word} {word}"), &[&format!("{word} {word}"), &format!("    {word}")]);
        let long = "y".repeat(100);
        check(2, &long, &[&format!("  {}", &long[..78]), &format!("      {}", &long[78..])]);
        check(0, &format!("a {long}"), &["a", &format!("    {}", &long[..76]), &format!("    {}", &long[76..])]);
        check(0, &"é".repeat(90), &[&"é".repeat(80), &format!("    {}", "é".repeat(10))]);
    }
}
