//! Run of a sync: reads the cluster, commits its code, merges it, and keeps the recording.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;

use proxmox_mpc_code::merge::NoticeKind;
use proxmox_mpc_generators::Options;
use proxmox_mpc_model::kinds::KINDS;
use proxmox_mpc_model::observation::{Changes, Observation, Window};
use serde_json::json;
use time::OffsetDateTime;

use super::index::SyncRecord;
use super::merging::{self, Merging};
use super::observing::generate_and_observe;
use super::start::Start;
use super::{GeneratedCommit, MergeReport, Outcome, SyncError, SyncReport, task_log};
use crate::history::{Commit, HistoryNotice, MergeCommit, Target};
use crate::import::fetch::FetchOptions;
use crate::import::reading::{self, ScratchFolder};
use crate::import::removal::{self, RemovalLimits};
use crate::import::{ImportError, Source};
use crate::operation::fault::sentence;
use crate::operation::report::ReportType as _;
use crate::operation::{Context, clock};
use crate::timeline::generated_tree::GeneratedTree;
use crate::workspace::{self, FileSet, Workspace};

/// A sync that is ready to run.
#[derive(Clone, Debug)]
pub(super) struct SyncJob {
    /// The workspace.
    pub(super) workspace: Workspace,
    /// What is written.
    pub(super) mode: Mode,
    /// Rename the code of objects that have another name in Proxmox now.
    pub(super) rename: bool,
    /// The file of a Terraform state.
    pub(super) state: Option<PathBuf>,
    /// The version of the provider to pin.
    pub(super) provider: Option<&'static str>,
    /// Wait for another operation on the workspace to end.
    pub(super) wait: bool,
    /// The limits of what may be removed from the code.
    pub(super) removal: RemovalLimits,
    /// The number of requests that may be sent at once.
    pub(super) concurrency: usize,
    /// Ask running guests for their addresses.
    pub(super) ask_guests: bool,
    /// The time of the run: `2026-11-23T00:50:00Z`.
    pub(super) now: String,
}

/// What a sync writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Nothing.
    DryRun,
    /// The generated branch.
    GeneratedOnly,
    /// The generated branch, and a new branch with the merge.
    Branch(String),
    /// The generated branch, and a merge into the branch that is checked out.
    WorkTree {
        /// Set changes that are not committed aside.
        autostash: bool,
    },
}

/// Runs a sync. Nothing that is visible changes before everything is read, generated and merged.
pub(super) async fn run(source: &Source, job: SyncJob, context: &Context) -> Result<SyncReport, SyncError> {
    let writes = job.mode != Mode::DryRun;
    let _lock = if writes { Some(reading::lock(&job.workspace, job.wait, &job.now, context).await?) } else { None };
    let (workspace, check) = (job.workspace.clone(), job.mode == Mode::WorkTree { autostash: false });
    let start = context.block(move |context| Start::read(workspace, writes, check, context)).await?;

    let scratch = ScratchFolder::beside(&job.workspace, !writes)?;
    let options =
        FetchOptions { concurrency: job.concurrency, ask_guests: job.ask_guests, recorded_at: job.now.clone() };
    let fetched = reading::read(source, KINDS, &scratch, &options, context).await?;
    let previous = start.previous.previous();
    let options =
        Options { mapping: Some(start.skipped()), provider: job.provider, rename: job.rename, ..Options::default() };
    let (fetched, mut generated, observation) = generate_and_observe(fetched, options, previous, context).await?;
    let removals = removal::brake(&generated, job.removal);
    if writes && !removals.is_empty() {
        return Err(ImportError::Removal { removals }.into());
    }
    generated.manifest.files = workspace::hashes(&generated.files);

    let time = clock::unix(&fetched.recording.about().recorded_at);
    let changes = move |_: &Context| {
        let changes = start.earlier.changes(observation, &start.repository);
        changes.map(|changes| (start, changes))
    };
    let (start, (observation, observed, mut changes)) = context.block(changes).await?;
    let mut fetched = fetched;
    if let Some(from) = start.time.filter(|_| !changes.is_empty() && changes.first.is_none()) {
        let window = Window { from: unsigned(from), to: unsigned(time) };
        let (answers, log) = task_log::read(source, fetched, window.from).await?;
        changes.attribute(&log, window);
        fetched = answers;
    }
    let (login, asked) = (fetched.recording.about().login.clone(), fetched.asked);
    let not_read = generated.unread;
    let theirs = GeneratedTree::new(generated.files, generated.manifest);
    let message = message(&changes, &observation, &code_changes(&start.previous, &theirs));

    let writing = Writing { job, start, theirs, observation, observed, message, time, changes, scratch };
    let (mut report, record) = context.block(move |context| writing.write(context)).await?;
    report.login = login;
    report.asked = asked;
    report.not_read = not_read;
    if let Some(record) = record {
        let failure = record.store(context).await.err();
        report.not_stored = failure.map(|failure| sentence(failure.fault()));
    }
    Ok(report)
}

/// The files of generated code that differ.
fn code_changes(before: &GeneratedTree, after: &GeneratedTree) -> Vec<String> {
    let paths: BTreeSet<&String> = before.files.keys().chain(after.files.keys()).collect();
    let differ = |path: &&&String| **path != Workspace::MANIFEST && before.files.get(**path) != after.files.get(**path);
    paths.iter().filter(differ).map(|path| (*path).clone()).collect()
}

/// The message of the generated commit. The state of guests and their addresses are in the code, and no settings: where only
/// these changed, the message names the files.
fn message(changes: &Changes, observation: &Observation, code: &[String]) -> String {
    let mut message = changes.subject();
    if changes.is_empty()
        && let [first, rest @ ..] = code
    {
        let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
        message = format!("no setting changed; the code of {first}{more} did");
    }
    for part in [changes.body(), observation.not_read_lines()] {
        if !part.is_empty() {
            message = format!("{}\n\n{}", message.trim_end(), part.trim_end());
        }
    }
    message + "\n"
}

fn unsigned(seconds: i64) -> u64 {
    u64::try_from(seconds).unwrap_or_default()
}

/// Everything that is to be written.
struct Writing {
    job: SyncJob,
    start: Start,
    theirs: GeneratedTree,
    observation: Observation,
    /// The files of the observation.
    observed: FileSet,
    message: String,
    time: i64,
    changes: Changes,
    scratch: ScratchFolder,
}

impl Writing {
    fn write(mut self, context: &Context) -> Result<(SyncReport, Option<SyncRecord>), SyncError> {
        let branch = self.start.branch.clone();
        let before = self.start.tip;
        if self.job.mode != Mode::DryRun && before.is_none() {
            self.start.commit_import()?;
        }
        let (tip, repository) = (self.start.tip, &self.start.repository);
        let mut files = self.theirs.files.clone();
        files.append(&mut self.observed);
        let after =
            repository.write_generated(&branch, &files, &self.message, self.time, tip.map(|commit| commit.id))?;
        drop(files);
        let base_id = repository.base(&branch, after.id)?;
        let is_merged = base_id.is_some_and(|base| base.id == after.id);
        let mut report = SyncReport {
            workspace: self.job.workspace.root().to_owned(),
            outcome: Outcome::UpToDate,
            login: None,
            asked: 0,
            changes: std::mem::take(&mut self.changes),
            not_read: Vec::new(),
            generated: GeneratedCommit {
                branch: branch.clone(),
                before: before.map(|commit| commit.id.to_string()),
                after: after.id.to_string(),
                subject: self.message.lines().next().unwrap_or_default().to_owned(),
            },
            merge: None,
            git: self.start.notices.clone(),
            not_stored: None,
            proof: None,
        };
        if self.job.mode == Mode::GeneratedOnly {
            if tip.map(|commit| commit.id) != Some(after.id) {
                repository.advance(&branch, tip.map(|commit| commit.id), after.id)?;
            }
            report.outcome = Outcome::GeneratedOnly;
        } else if !is_merged {
            let base = self.start.base(base_id)?;
            let state = match &self.job.state {
                Some(path) => merging::state(path)?,
                None => self.start.local_state()?,
            };
            let theirs = std::mem::take(&mut self.theirs);
            let merge = merging::merge(repository, base, theirs, &state)?;
            let prefix = (self.job.mode == Mode::DryRun).then(|| repository.prefix());
            let details = merge.report(prefix);
            report.outcome = self.carry_out(merge, after, &details, &mut report.git, context)?;
            report.merge = Some(details);
        } else if self.job.mode == Mode::DryRun {
            report.outcome = Outcome::DryRun;
        }
        if self.job.mode == Mode::DryRun {
            return Ok((report, None));
        }
        self.scratch.move_recording(&self.job.workspace.recording())?;
        write_conflicts(&self.job.workspace, report.merge.as_ref())?;
        let record = self.record(&report, branch);
        Ok((report, Some(record)))
    }

    /// What the state store is to know of the sync.
    fn record(self, report: &SyncReport, branch: String) -> SyncRecord {
        let observation = self.observation;
        let objects = observation.objects.keys().filter(|identity| !observation.is_unknown(identity));
        let notices = report.merge.iter().flat_map(|merge| &merge.notices);
        let edits = report.merge.as_ref().map_or(0, |merge| merge.edits.len());
        SyncRecord {
            workspace: self.job.workspace,
            branch,
            cluster: observation.cluster.clone(),
            changes: report.changes.clone(),
            seen: objects.map(ToString::to_string).collect(),
            decisions: notices.filter(|notice| notice.kind == NoticeKind::Decision).cloned().collect(),
            started: self.job.now,
            observed: clock::seconds(
                OffsetDateTime::from_unix_timestamp(self.time).unwrap_or(OffsetDateTime::UNIX_EPOCH),
            ),
            outcome: report.ended().into(),
            summary: json!({ "generated": report.generated.after, "changes": report.changes.objects.len(), "edits": edits }),
        }
    }

    /// Carries the merge out, as far as the mode wants it.
    fn carry_out(
        &self,
        merge: Merging,
        after: Commit,
        details: &MergeReport,
        notices: &mut Vec<HistoryNotice>,
        context: &Context,
    ) -> Result<Outcome, SyncError> {
        let (target, autostash) = match &self.job.mode {
            Mode::DryRun | Mode::GeneratedOnly => return Ok(Outcome::DryRun),
            Mode::Branch(name) => (Target::NewBranch(name.clone()), false),
            Mode::WorkTree { autostash } => (Target::CurrentBranch, *autostash),
        };
        let repository = &self.start.repository;
        let (files, conflicts) = merge.into_files();
        let commit = MergeCommit {
            files,
            conflicts,
            branch: self.start.branch.clone(),
            tip: self.start.tip.map(|commit| commit.id),
            generated: after.id,
            message: format!("sync: {}", self.message),
            time: clock::unix(&self.job.now),
            target,
            verify: true,
        };
        if autostash {
            repository.autostash(commit.time, context)?;
        }
        let merged = repository.merge(&commit, context);
        if autostash {
            notices.extend(repository.unstash(context)?);
        }
        let merged = merged?;
        notices.extend(merged.notices);
        Ok(match (merged.commit, &self.job.mode) {
            (Some(commit), Mode::Branch(name)) => {
                Outcome::OnBranch { branch: name.clone(), commit: commit.to_string() }
            }
            (Some(commit), _) => Outcome::Merged { commit: commit.to_string() },
            (None, _) => {
                debug_assert!(!details.conflicts.is_empty(), "only conflicts keep a merge from its commit");
                Outcome::Conflicts
            }
        })
    }
}

/// Writes the conflicts for editors and agents, or removes those of an earlier sync.
fn write_conflicts(workspace: &Workspace, merge: Option<&MergeReport>) -> Result<(), SyncError> {
    let path = workspace.conflicts();
    let failed = |source| ImportError::Write { path: path.clone(), source };
    match merge.map(|merge| &merge.conflicts).filter(|conflicts| !conflicts.is_empty()) {
        Some(conflicts) => {
            let text = serde_json::to_string_pretty(conflicts).expect("conflicts are texts and numbers");
            fs::write(&path, text + "\n").map_err(failed)?;
        }
        None => match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error).into()),
            _ => {}
        },
    }
    Ok(())
}
