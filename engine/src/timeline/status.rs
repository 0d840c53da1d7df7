//! Status: where a workspace stands between the cluster, the generated branch, the person's commits and their work tree.

use std::fs;
use std::io;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::code::{self, CodeChanges};
use super::live::{self, Live};
use super::{Sync, Timeline, TimelineError};
use crate::history::{DirtyFile, Head, Oid, Operation};
use crate::operation::report::ReportType;
use crate::operation::{Context, Effect, Failure, Request};
use crate::settings::Connection;
use crate::workspace::Workspace;

/// Request for the status of a workspace.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StatusRequest {
    /// The workspace, or a folder in it.
    pub workspace: PathBuf,
    /// Also look at the running cluster, and report what changed since the last sync.
    pub live: bool,
    /// The connection to the cluster, for `live`.
    pub connection: Connection,
}

/// Report of the status of a workspace.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct StatusReport {
    /// The workspace.
    pub workspace: PathBuf,
    /// The generated branch.
    pub branch: String,
    /// The last sync; `None` before the first.
    pub last: Option<Sync>,
    /// The number of objects of the last observation.
    pub objects: usize,
    /// The number of objects and lists that the last sync could not read.
    pub not_read: usize,
    /// The last sync that is merged into the current branch; `None` where none is.
    pub merged: Option<Sync>,
    /// The syncs that are not merged into the current branch, newest first.
    pub behind: Vec<Sync>,
    /// The branch or commit that is checked out.
    pub head: Head,
    /// The operation of git that is under way: a merge with conflicts, a rebase.
    pub operation: Option<Operation>,
    /// The open conflicts of the last merge, as `.proxmox-mpc/conflicts.json` lists them.
    pub conflicts: Vec<Value>,
    /// The files of the workspace with changes that are not committed.
    pub dirty: Vec<DirtyFile>,
    /// The code of the work tree beside the generated code that is merged; `None` where none is.
    pub code: Option<CodeChanges>,
    /// The changes of the cluster since the last sync, where they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Live>,
}

impl ReportType for StatusReport {
    const KIND: &'static str = "status";
}

/// File with the conflicts of a merge, below the private folder.
const CONFLICTS: &str = "conflicts.json";

impl Request for StatusRequest {
    const NAME: &'static str = "status";
    const EFFECT: Effect = Effect::Reads;
    type Report = StatusReport;

    async fn run(self, context: Context) -> Result<StatusReport, Failure> {
        let folder = self.workspace.clone();
        let read = move |context: &Context| {
            let timeline = Timeline::open(&folder, context)?;
            let report = report(&timeline, context)?;
            let observation = match &report.last {
                Some(_) if self.live => Some(timeline.observation(timeline.tip()?)?),
                _ => None,
            };
            Ok::<_, TimelineError>((timeline.workspace, report, observation))
        };
        let (workspace, mut report, observation) = context.block(read).await?;
        if self.live {
            let (Some(earlier), Some(last)) = (observation, &report.last) else {
                return Err(TimelineError::NoSync { branch: report.branch }.into());
            };
            let look = live::look(self.connection, &workspace, last.time, &context).await?;
            report.live = Some(look.since(&earlier, last.time));
        }
        Ok(report)
    }
}

/// The report without a look at the cluster.
fn report(timeline: &Timeline, context: &Context) -> Result<StatusReport, TimelineError> {
    let Timeline { workspace, repository, branch } = timeline;
    let setup = repository.setup()?;
    let syncs = timeline.syncs()?;
    let tip = repository.generated(branch)?.map(|commit| commit.id);
    let base = tip.map(|tip| repository.base(branch, tip)).transpose()?.flatten().map(|commit| commit.id);
    let position = base.and_then(|base| syncs.iter().position(|sync| sync.id == base.to_string()));
    let behind = syncs.iter().take(position.unwrap_or(syncs.len()));
    let (objects, not_read) = tip.map(|tip| counts(timeline, tip)).transpose()?.unwrap_or_default();
    Ok(StatusReport {
        workspace: workspace.root().to_owned(),
        branch: branch.clone(),
        last: syncs.first().map(Sync::from),
        objects,
        not_read,
        merged: position.and_then(|position| syncs.get(position)).map(Sync::from),
        behind: behind.map(Sync::from).collect(),
        head: setup.head,
        operation: setup.operation,
        conflicts: conflicts(workspace)?,
        dirty: repository.dirty(context)?.into_iter().filter(|file| file.inside).collect(),
        code: base.map(|base| compare(timeline, base)).transpose()?,
        live: None,
    })
}

/// The numbers of objects that the sync observed, and of those that it could not read.
fn counts(timeline: &Timeline, commit: Oid) -> Result<(usize, usize), TimelineError> {
    let files = timeline.repository.blobs(commit, proxmox_mpc_model::observation::FOLDER)?;
    let cluster = timeline.about(commit)?;
    // One file is the cluster's.
    Ok((files.len().saturating_sub(1), cluster.not_read.len()))
}

/// The code of the work tree beside the generated code at a commit.
pub(super) fn compare(timeline: &Timeline, commit: Oid) -> Result<CodeChanges, TimelineError> {
    let generated = timeline.generated(commit)?;
    code::compare(&timeline.workspace, &generated.files, &generated.manifest)
}

/// The entries of the file of conflicts: a list, or a list under `conflicts`.
fn conflicts(workspace: &Workspace) -> Result<Vec<Value>, TimelineError> {
    let path = workspace.private().join(CONFLICTS);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(TimelineError::Read { path, source }),
    };
    let value: Value = serde_json::from_str(&text)
        .map_err(|error| TimelineError::Read { path, source: io::Error::new(io::ErrorKind::InvalidData, error) })?;
    Ok(match value {
        Value::Array(list) => list,
        Value::Object(mut keys) => match keys.remove("conflicts") {
            Some(Value::Array(list)) => list,
            _ => Vec::new(),
        },
        _ => Vec::new(),
    })
}
