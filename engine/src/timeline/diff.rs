//! Diff: objects and settings of the cluster between two times, or of the code beside the generated code.

use std::path::PathBuf;

use proxmox_mpc_model::observation::Changes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::code::CodeChanges;
use super::live::{self, Live};
use super::{Sync, Timeline, TimelineError, status};
use crate::operation::report::ReportType;
use crate::operation::{Context, Effect, Failure, FaultKind, Request};
use crate::settings::Connection;

/// Request for a difference.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DiffRequest {
    /// The workspace, or a folder in it.
    pub workspace: PathBuf,
    /// The times: a revision or a time, or two with `..` between them. One of them is the earlier, the last sync the later;
    /// without any, the last sync is compared with the one before it.
    pub range: Option<String>,
    /// Compare the last sync, or the time in `range`, with the running cluster.
    pub live: bool,
    /// Compare the generated code that is merged with the code of the work tree.
    pub code: bool,
    /// End with exit code 3 if anything differs.
    pub exit_code: bool,
    /// The connection to the cluster, for `live`.
    pub connection: Connection,
}

/// Report of a difference.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DiffReport {
    /// The earlier sync; `None` where the later one is the first.
    pub from: Option<Sync>,
    /// The later sync; `None` for the running cluster or the code.
    pub to: Option<Sync>,
    /// The changes of the cluster between two syncs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<Changes>,
    /// The changes of the cluster since the earlier sync.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Live>,
    /// The differences between the generated code and the work tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeChanges>,
    /// True if a difference was to end with exit code 3.
    pub exit_code: bool,
}

impl DiffReport {
    /// Reports whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.changes.as_ref().is_none_or(Changes::is_empty)
            && self.live.as_ref().is_none_or(|live| live.changes.is_empty())
            && self.code.as_ref().is_none_or(CodeChanges::is_empty)
    }
}

impl ReportType for DiffReport {
    const KIND: &'static str = "diff";

    fn ended(&self) -> Option<FaultKind> {
        (self.exit_code && !self.is_empty()).then_some(FaultKind::Differences)
    }
}

impl Request for DiffRequest {
    const NAME: &'static str = "diff";
    const EFFECT: Effect = Effect::Reads;
    type Report = DiffReport;

    async fn run(self, context: Context) -> Result<DiffReport, Failure> {
        if self.live && self.code {
            return Err(TimelineError::Conflicting { one: "--live", other: "--code" }.into());
        }
        let (folder, now) = (self.workspace.clone(), context.seconds());
        if self.live {
            let range = self.range.clone();
            let earlier = context
                .block(move |context| earlier(&Timeline::open(&folder, context)?, range.as_deref(), now))
                .await?;
            let (workspace, sync, observation) = earlier;
            let look = live::look(self.connection, &workspace, sync.time, &context).await?;
            let live = Some(look.since(&observation, sync.time));
            return Ok(DiffReport {
                from: Some(sync),
                to: None,
                changes: None,
                live,
                code: None,
                exit_code: self.exit_code,
            });
        }
        let exit_code = self.exit_code;
        let work = move |context: &Context| {
            let timeline = Timeline::open(&folder, context)?;
            if self.code {
                of_code(&timeline, self.range.as_deref(), now)
            } else {
                of_cluster(&timeline, self.range.as_deref(), now)
            }
        };
        let report = context.block(work).await?;
        Ok(DiffReport { exit_code, ..report })
    }
}

/// The workspace, and the sync that the running cluster is compared with.
fn earlier(
    timeline: &Timeline,
    range: Option<&str>,
    now: i64,
) -> Result<(crate::workspace::Workspace, Sync, proxmox_mpc_model::observation::Observation), TimelineError> {
    let commit = match range {
        Some(text) => timeline.resolve(text, now)?,
        None => timeline.tip()?,
    };
    Ok((timeline.workspace.clone(), timeline.sync(commit)?, timeline.observation(commit)?))
}

/// The difference between two syncs.
fn of_cluster(timeline: &Timeline, range: Option<&str>, now: i64) -> Result<DiffReport, TimelineError> {
    let tip = timeline.tip()?;
    let named = |text: &str| if text.is_empty() { Ok(tip) } else { timeline.resolve(text, now) };
    let (from, to) = if let Some(range) = range {
        match range.split_once("..") {
            Some((from, to)) => (Some(named(from)?), named(to.trim_start_matches('.'))?),
            None => (Some(named(range)?), tip),
        }
    } else {
        let before = timeline.syncs()?.get(1).map(|sync| timeline.resolve(&sync.id, now)).transpose()?;
        (before, tip)
    };
    let changes = match from {
        Some(from) => timeline.changes(from, to)?,
        None => Changes::first(&timeline.observation(to)?),
    };
    let from = from.map(|from| timeline.sync(from)).transpose()?;
    let to = Some(timeline.sync(to)?);
    Ok(DiffReport { from, to, changes: Some(changes), live: None, code: None, exit_code: false })
}

/// The difference between generated code (the last that is merged, or that of a sync) and the work tree.
fn of_code(timeline: &Timeline, range: Option<&str>, now: i64) -> Result<DiffReport, TimelineError> {
    let tip = timeline.tip()?;
    let commit = match range {
        Some(text) => timeline.resolve(text, now)?,
        None => timeline.repository.base(&timeline.branch, tip)?.map_or(tip, |base| base.id),
    };
    let code = Some(status::compare(timeline, commit)?);
    Ok(DiffReport { from: Some(timeline.sync(commit)?), to: None, changes: None, live: None, code, exit_code: false })
}
