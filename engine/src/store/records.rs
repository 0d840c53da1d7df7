//! Records: what goes into the state store, and what comes out of it. No secret is in any of them: contents, values and
//! summaries are redacted before they get here.
//!
//! Times are in UTC and whole seconds, `2026-11-23T00:50:00Z`. An object is its identity: `qemu/101`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operation::FaultKind;

/// The workspace that a store is opened for. Several may share one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// A name that is the same for every clone of the repository: the first commit of the generated branch, for example.
    pub workspace: String,
    /// The cluster, where it is known. A store never mixes two.
    pub cluster: Option<String>,
}

/// A commit of the generated branch: the objects that differ from the commit before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommitRecord {
    /// The commit's id.
    pub id: String,
    /// The time of the commit.
    pub time: String,
    /// The commit's author.
    pub author: String,
    /// The objects that are new, changed or gone, each once.
    pub observations: Vec<Observation>,
}

/// An object as a commit has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Observation {
    /// The object.
    pub object: String,
    /// The text of its file below `observed/`; `None` for an object that is gone.
    pub content: Option<String>,
    /// The keys that changed, each once; empty for an object that is new or gone.
    pub changes: Vec<Change>,
}

/// A key of an object that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The key.
    pub key: String,
    /// The former value; `None` for a key that is new.
    pub before: Option<String>,
    /// The new value; `None` for a key that is gone.
    pub after: Option<String>,
    /// The time of the change, where the cluster's task log tells it.
    pub time: Option<String>,
    /// The user who made the change, where the cluster's task log tells that.
    pub actor: Option<String>,
}

/// The latest observation of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LatestObservation {
    /// The object.
    pub object: String,
    /// The SHA-256 digest of its content in hexadecimal digits; `None` for an object that is gone.
    pub digest: Option<String>,
    /// The commit that has it like this first.
    pub commit: String,
    /// The time of that commit.
    pub since: String,
    /// The time when it was last read, changed or not; `None` where only git tells of it.
    pub seen: Option<String>,
}

/// One commit in the history of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryEntry {
    /// The commit's id.
    pub commit: String,
    /// The time of the commit.
    pub time: String,
    /// The commit's author.
    pub author: String,
    /// The digest of the object's content; `None` where the object was gone.
    pub digest: Option<String>,
    /// The keys that changed.
    pub changes: Vec<Change>,
}

/// An operation on the workspace at its beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// The operation's id.
    pub operation: String,
    /// The command: `sync`.
    pub command: String,
    /// The person or program that asked: `alice@laptop`.
    pub actor: String,
    /// The time of the beginning.
    pub started: String,
}

/// The end of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunEnd {
    /// The time of the end.
    pub time: String,
    /// The outcome.
    pub outcome: RunOutcome,
    /// A few figures of the report.
    pub summary: serde_json::Value,
}

/// The outcome of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// The operation did its work.
    Done,
    /// The operation could not do what it was asked to.
    Failed,
    /// The operation was asked for in a way that makes no sense.
    Usage,
    /// The operation did its work and found differences.
    Differences,
    /// Somebody stopped the operation.
    Interrupted,
    /// The program is wrong.
    Bug,
}

impl From<Option<FaultKind>> for RunOutcome {
    fn from(fault: Option<FaultKind>) -> Self {
        match fault {
            None => Self::Done,
            Some(FaultKind::Failed) => Self::Failed,
            Some(FaultKind::Usage) => Self::Usage,
            Some(FaultKind::Differences) => Self::Differences,
            Some(FaultKind::Interrupted) => Self::Interrupted,
            Some(FaultKind::Bug) => Self::Bug,
        }
    }
}

/// An operation on the workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunRecord {
    /// Its beginning.
    #[serde(flatten)]
    pub run: Run,
    /// Its end; `None` while it is under way, and for one that was killed.
    pub end: Option<RunEnd>,
}

/// A decision about an object that somebody made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// The object.
    pub object: String,
    /// The decision in a few words: `block deleted`, `conflict resolved`.
    pub decision: String,
    /// The person or program that decided.
    pub actor: String,
    /// The time of the decision.
    pub time: String,
    /// The reason, as far as it is known.
    pub reason: String,
}
