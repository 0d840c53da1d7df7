//! History: the syncs of a cluster, or the life of one object in them.

use std::path::PathBuf;

use proxmox_mpc_model::Identity;
use proxmox_mpc_model::observation::{Event, ObjectChange, ObjectState, path};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Sync, Timeline, TimelineError, object};
use crate::operation::report::ReportType;
use crate::operation::{Context, Effect, Failure, Request};

/// Request for the history of a cluster or of one object.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HistoryRequest {
    /// The workspace, or a folder in it.
    pub workspace: PathBuf,
    /// The object: its identity (`qemu/101`), its VMID or its name; all syncs without it.
    pub object: Option<String>,
    /// The number of entries, newest first; all without it.
    pub limit: Option<usize>,
}

/// Report of a history.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct HistoryReport {
    /// The object; `None` for the cluster.
    pub object: Option<Identity>,
    /// The entries, newest first.
    pub entries: Vec<HistoryEntry>,
    /// The number of older entries that were not asked for.
    pub more: usize,
}

/// Entry of a history: a sync, and what it says of the object.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct HistoryEntry {
    /// The sync that saw it.
    pub sync: Sync,
    /// The change of the object; `None` in the history of the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ObjectChange>,
    /// Lines about it, with who and when where the task log told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
}

impl ReportType for HistoryReport {
    const KIND: &'static str = "history";
}

impl Request for HistoryRequest {
    const NAME: &'static str = "history";
    const EFFECT: Effect = Effect::Reads;
    type Report = HistoryReport;

    async fn run(self, context: Context) -> Result<HistoryReport, Failure> {
        let work = move |context: &Context| {
            let timeline = Timeline::open(&self.workspace, context)?;
            timeline.tip()?; // Without a sync there is no history: that is an error, not an empty list.
            match &self.object {
                Some(word) => of_object(&timeline, word, self.limit),
                None => of_cluster(&timeline, self.limit),
            }
        };
        Ok(context.block(work).await?)
    }
}

fn of_cluster(timeline: &Timeline, limit: Option<usize>) -> Result<HistoryReport, TimelineError> {
    let syncs = timeline.syncs()?;
    let limit = limit.unwrap_or(syncs.len());
    let entry = |commit| HistoryEntry { sync: Sync::from(commit), change: None, lines: Vec::new() };
    Ok(HistoryReport {
        object: None,
        entries: syncs.iter().take(limit).map(entry).collect(),
        more: syncs.len().saturating_sub(limit),
    })
}

/// The commits that changed the file of an object. Its path is made of its identity, so that another name or node is another
/// content of the same file.
fn of_object(timeline: &Timeline, word: &str, limit: Option<usize>) -> Result<HistoryReport, TimelineError> {
    let identity = object::object(timeline, word)?;
    let path = path(&identity);
    let commits = timeline.repository.log(&timeline.branch, Some(&path), None)?;
    let limit = limit.unwrap_or(commits.len());
    let mut entries = Vec::new();
    for (position, commit) in commits.iter().enumerate().take(limit) {
        let state = |commit: Option<&crate::history::CommitInfo>| -> Result<Option<ObjectState>, TimelineError> {
            let Some(commit) = commit else { return Ok(None) };
            timeline.object(&commit.id, &path)
        };
        // The file is the same in all commits between two of this list.
        let (before, after) = (state(commits.get(position + 1))?, state(Some(commit))?);
        let Some(change) = change(before.as_ref(), after.as_ref()) else { continue };
        let beginning = identity.as_str();
        let about = |line: &&str| line.strip_prefix(beginning).is_some_and(|rest| rest.starts_with([' ', ':']));
        let mut lines: Vec<String> = commit.body.lines().filter(about).map(str::to_owned).collect();
        if lines.is_empty() {
            lines = change.lines();
        }
        entries.push(HistoryEntry { sync: Sync::from(commit), change: Some(change), lines });
    }
    Ok(HistoryReport { object: Some(identity), entries, more: commits.len().saturating_sub(limit) })
}

fn change(before: Option<&ObjectState>, after: Option<&ObjectState>) -> Option<ObjectChange> {
    match (before, after) {
        (Some(before), Some(after)) => ObjectChange::between(before, after),
        (None, Some(after)) => Some(ObjectChange::of_event(after, Event::New)),
        (Some(before), None) => Some(ObjectChange::of_event(before, Event::Gone)),
        (None, None) => None,
    }
}
