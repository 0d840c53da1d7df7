//! `coverage`: what became of every key of every object on record, and why.

use std::collections::{BTreeMap, BTreeSet};
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
/// Every key that Proxmox shows of an object is Terraform's, Ansible's, at its default, volatile (a measurement or a
/// checksum), or not expressible, for a reason that is given. What nobody has written down is not covered, and comes
/// first. The percentage is (Terraform + Ansible + default) / (all − volatile), rounded down. It is about everything on
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
            page.bad("not covered: nobody has written these keys down; please report them");
            for (identity, keys) in &self.not_covered {
                page.line(format!("  {identity}: {}", keys.join(", ")));
            }
            page.blank();
        }
        match self.shown {
            Shown::Kinds => page.table(&self.kinds()),
            Shown::Objects => page.table(&self.objects()),
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
    fn kinds(&self) -> Table {
        let mut unread: BTreeMap<&str, usize> = BTreeMap::new();
        let mut partial = BTreeSet::new();
        for group in &self.unreadable {
            partial.extend(group.lists.iter().copied());
            for identity in &group.objects {
                let kind = KINDS.iter().find(|kind| kind.prefix == identity.prefix());
                *unread.entry(kind.map_or("", |kind| kind.id)).or_default() += 1;
            }
        }
        let mut table = Table::new([
            "KIND",
            "OBJECTS",
            "UNREAD",
            "TERRAFORM",
            "ANSIBLE",
            "DEFAULT",
            "VOLATILE",
            "NOT EXPRESSIBLE",
            "NOT COVERED",
            "COVERED",
        ]);
        let mut row = |title: &str, unread: String, counts: &Counts| {
            let [objects, terraform, ansible, default, volatile, lost, unknown] = numbers(counts);
            let covered = if counts.objects == 0 { String::new() } else { counts.percentage() };
            table.row([
                title.to_owned(),
                objects,
                unread,
                terraform,
                ansible,
                default,
                volatile,
                lost,
                unknown,
                covered,
            ]);
        };
        for kind in KINDS {
            let unread = unread.get(kind.id).copied().unwrap_or_default();
            let counts = self.kinds.get(kind.id).copied().unwrap_or_default();
            if counts.objects + unread > 0 {
                let more = if partial.contains(kind.id) { "+" } else { "" };
                row(kind.title, format!("{unread}{more}"), &counts);
            }
        }
        let all = unread.values().sum::<usize>();
        row("all", format!("{all}{}", if partial.is_empty() { "" } else { "+" }), &self.total);
        table
    }

    fn objects(&self) -> Table {
        let mut table = Table::new([
            "OBJECT",
            "NAME",
            "AT",
            "TERRAFORM",
            "ANSIBLE",
            "DEFAULT",
            "VOLATILE",
            "NOT EXPRESSIBLE",
            "NOT COVERED",
            "COVERED",
        ]);
        for (identity, object) in &self.objects.objects {
            let counts = Counts::of(object);
            let [_, terraform, ansible, default, volatile, lost, unknown] = numbers(&counts);
            let (id, name) = (identity.to_string(), object.name.clone().unwrap_or_default());
            let (at, covered) = (place(object).to_owned(), counts.percentage());
            table.row([id, name, at, terraform, ansible, default, volatile, lost, unknown, covered]);
        }
        table
    }

    fn keys(&self, page: &mut Page) {
        for (identity, object) in &self.objects.objects {
            page.heading(format!("{identity}: {}", place(object)));
            if let Became::Ansible { reason, remedy, .. } | Became::SetAside { reason, remedy } = &object.outcome {
                page.line(format!("  {reason}"));
                if let Some(remedy) = remedy {
                    page.line(format!("      what helps: {remedy}"));
                }
            }
            let mut table = Table::new(["KEY", "WHAT", "WHY"]);
            for (key, fate) in &object.keys {
                let why = match fate {
                    Fate::Ansible(why) | Fate::NotExpressible(why) => why.to_string(),
                    _ => String::new(),
                };
                table.row([key.clone(), fate.word().to_owned(), why]);
            }
            page.table(&table);
        }
    }

    fn reasons(&self, page: &mut Page) {
        if self.reasons.is_empty() {
            return;
        }
        page.heading("not Terraform's, and why (rules of the provider are explained in docs/provider.md)");
        let shown = if self.shown == Shown::Kinds { SHOWN } else { usize::MAX };
        for reason in self.reasons.iter().take(shown) {
            let keys: Vec<&str> = reason.keys.iter().take(SHOWN).map(String::as_str).collect();
            let more = if reason.keys.len() > SHOWN { ", …" } else { "" };
            let objects = if reason.objects > reason.examples.len() {
                format!("{} objects", reason.objects)
            } else {
                reason.examples.iter().map(Identity::as_str).collect::<Vec<_>>().join(", ")
            };
            let (fate, count) = (reason.fate, reason.count);
            let noun = if count == 1 { "key" } else { "keys" };
            page.line(format!("  {fate}, {count} {noun} of {objects}: {}{more}", keys.join(", ")));
            page.line(format!("      {}", reason.reason));
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
            page.line(format!("  {}: {}", names.join(", "), group.reason));
            if let (Some(privilege), Some(path)) = (&group.privilege, &group.path) {
                page.line(format!("      what helps: a role with {privilege} on {path}"));
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

/// Objects, then keys by fate.
fn numbers(counts: &Counts) -> [String; 7] {
    let Counts { objects, terraform, ansible, default, volatile, not_expressible, not_covered, .. } = *counts;
    [objects, terraform, ansible, default, volatile, not_expressible, not_covered].map(|number| number.to_string())
}

/// Where an object is.
fn place(object: &ObjectCoverage) -> &str {
    match &object.outcome {
        Became::Terraform { address } => address,
        Became::Ansible { file, .. } => file,
        Became::BuiltIn => "comes with Proxmox",
        Became::Fact => "a fact",
        Became::Excluded => "excluded",
        Became::SetAside { .. } => "set aside",
    }
}
