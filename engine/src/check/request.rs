//! `check`: its request, its report, and the way from files to findings.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use proxmox_mpc_code::check::{self, CheckInput, CheckOptions, Checked, Finding, Recorded, Severity};
use proxmox_mpc_code::lock_file;
use proxmox_mpc_twin::Recording;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::trees::{Tree, trees};
use super::{CheckError, generated};
use crate::operation::report::ReportType;
use crate::operation::{Context, Effect, Failure, FaultKind, Request};
use crate::settings;
use crate::timeline::TimelineError;
use crate::workspace::Workspace;

/// Request to check Terraform code. No cluster is asked, and no program is started.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CheckRequest {
    /// The workspace, or any folder with Terraform code. Counts where no files are named.
    pub workspace: PathBuf,
    /// Files and folders: findings in others are not reported.
    pub files: Vec<PathBuf>,
    /// Check the files as the next commit will have them, instead of those of the work tree.
    pub staged: bool,
    /// The form of the report for people and other programs.
    pub format: CheckFormat,
}

/// Form in which findings are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckFormat {
    /// Text for people.
    #[default]
    Text,
    /// The report as JSON.
    Json,
    /// SARIF 2.1.0, which code hosts show beside the code.
    Sarif,
    /// Commands of GitHub Actions that annotate a pull request.
    Github,
}

/// Report of a check.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct CheckReport {
    /// The findings, by file and line.
    pub findings: Vec<Finding>,
    /// The number of errors among them.
    pub errors: usize,
    /// The number of warnings among them.
    pub warnings: usize,
    /// The number of notes among them.
    pub notes: usize,
    /// The number of findings that ignore comments hide.
    pub ignored: usize,
    /// The number of files that were read.
    pub files: usize,
    /// The number of resources in them, one for each instance.
    pub resources: usize,
    /// The recordings that the code was compared with.
    pub recordings: Vec<PathBuf>,
    /// The form in which it is printed for people and code hosts.
    pub printed_as: CheckFormat,
}

impl ReportType for CheckReport {
    const KIND: &'static str = "check";

    fn ended(&self) -> Option<FaultKind> {
        (self.errors > 0).then_some(FaultKind::Differences)
    }
}

impl Request for CheckRequest {
    const NAME: &'static str = "check";
    const EFFECT: Effect = Effect::Reads;
    type Report = CheckReport;

    async fn run(self, context: Context) -> Result<CheckReport, Failure> {
        Ok(context.block(move |context: &Context| self.check(context)).await?)
    }
}

/// The rule about ignore comments that hide nothing: where a module has several callers, it has to be true for all.
const UNUSED_IGNORE: &str = "PVE004";

/// The rule about secrets, which may stand in files that git ignores.
const SECRET: &str = "PVE501";

impl CheckRequest {
    fn check(&self, context: &Context) -> Result<CheckReport, CheckError> {
        let today = context.now().split('T').next().map(str::to_owned);
        let mut report = CheckReport { printed_as: self.format, ..CheckReport::default() };
        for tree in trees(self, context)? {
            check_tree(&tree, today.as_deref(), context, &mut report)?;
        }
        let count = |severity| report.findings.iter().filter(|finding| finding.severity == severity).count();
        (report.errors, report.warnings, report.notes) =
            (count(Severity::Error), count(Severity::Warning), count(Severity::Note));
        Ok(report)
    }
}

/// Checks every root module of a tree.
fn check_tree(tree: &Tree, today: Option<&str>, context: &Context, report: &mut CheckReport) -> Result<(), CheckError> {
    let mut recorded: BTreeMap<PathBuf, Option<Recorded>> = BTreeMap::new();
    let mut results: Vec<Checked> = Vec::new();
    for root in check::roots(&tree.files) {
        let workspace = Workspace::around(&tree.root.join(&root));
        let path = workspace.recording();
        if !recorded.contains_key(&path) {
            recorded.insert(path.clone(), read(&workspace)?);
        }
        let options =
            CheckOptions { levels: settings::check_levels(context, &workspace)?, today: today.map(str::to_owned) };
        let generated = generated::read(tree, &workspace, context)?;
        let recorded = recorded.get(&path).and_then(Option::as_ref);
        let provider = locked(&tree.root.join(&root))?;
        let input = CheckInput {
            files: &tree.files,
            root: &root,
            generated: &generated,
            recorded,
            provider: provider.as_deref(),
            options: &options,
        };
        results.push(check::check(input));
    }
    report.recordings.extend(recorded.into_iter().filter_map(|(path, recorded)| recorded.map(|_| path)));
    let unused = unused(&results);
    let read: BTreeSet<&String> = results.iter().flat_map(|result| &result.files).collect();
    report.files += read.len();
    let mut known = BTreeSet::new();
    for result in &results {
        report.ignored += result.ignored;
        report.resources += result.resources;
        for finding in &result.findings {
            let place = (&finding.place.file, finding.place.line, finding.place.column);
            let counts = finding.rule != UNUSED_IGNORE || unused.contains(&place);
            if !counts || !tree.is_asked_for(finding) || !known.insert((&finding.rule, place)) {
                continue;
            }
            if finding.rule == SECRET && tree.is_ignored(&finding.place.file)? {
                continue;
            }
            report.findings.push(tree.shown(finding.clone()));
        }
    }
    report.findings.sort_by(|one, other| {
        (&one.place.file, one.place.line, &one.rule).cmp(&(&other.place.file, other.place.line, &other.rule))
    });
    Ok(())
}

/// Places of the ignore comments that hide nothing in any root module that has their file.
fn unused(results: &[Checked]) -> BTreeSet<(&String, usize, usize)> {
    let mut counts: BTreeMap<(&String, usize, usize), usize> = BTreeMap::new();
    for finding in results.iter().flat_map(|result| &result.findings).filter(|finding| finding.rule == UNUSED_IGNORE) {
        *counts.entry((&finding.place.file, finding.place.line, finding.place.column)).or_default() += 1;
    }
    let all = |file: &String| results.iter().filter(|result| result.files.contains(file)).count();
    counts.into_iter().filter(|(place, count)| *count == all(place.0)).map(|(place, _)| place).collect()
}

/// Reads the last recording of a workspace; `None` where there is none.
fn read(workspace: &Workspace) -> Result<Option<Recorded>, CheckError> {
    let path = workspace.recording();
    if !path.exists() {
        return Ok(None);
    }
    Ok(Some(Recorded::read(&Recording::open(&path)?)?))
}

/// The version of the provider in the lock file of a root module; `None` where there is none.
fn locked(folder: &Path) -> Result<Option<String>, CheckError> {
    let path = folder.join(".terraform.lock.hcl");
    match fs::read_to_string(&path) {
        Ok(text) => Ok(lock_file::version(&text, "/bpg/proxmox")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(TimelineError::Read { path, source }.into()),
    }
}
