//! Report of a sync: what changed in the cluster, and what became of it in the code.

use std::path::PathBuf;

use proxmox_mpc_code::merge::{Conflict, MergeEdit, Notice};
use proxmox_mpc_model::Unread;
use proxmox_mpc_model::observation::Changes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::history::HistoryNotice;
use crate::operation::FaultKind;
use crate::operation::report::ReportType;
use crate::verify::Proof;

/// Report of a sync.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SyncReport {
    /// The workspace.
    pub workspace: PathBuf,
    /// The result.
    pub outcome: Outcome,
    /// The login that read the cluster.
    pub login: Option<String>,
    /// The number of requests to the cluster, or of answers taken from a recording.
    pub asked: u64,
    /// The changes of the cluster since the last sync.
    pub changes: Changes,
    /// Objects and lists that could not be read. Their code stays as it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_read: Vec<Unread>,
    /// The generated branch.
    pub generated: GeneratedCommit,
    /// The merge; `None` if there was nothing to merge, or if it was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge: Option<MergeReport>,
    /// Facts about git that a person should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub git: Vec<HistoryNotice>,
    /// The reason why the state store does not have this sync. It will have it after the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_stored: Option<String>,
    /// The proof of the merged code, if it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Box<Proof>>,
}

/// Result of a sync.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Outcome {
    /// The code has all that is known of the cluster already.
    UpToDate,
    /// The changes are merged into the branch that is checked out.
    Merged {
        /// The merge commit.
        commit: String,
    },
    /// The changes are merged, but for conflicts that wait in the work tree.
    Conflicts,
    /// The merge is on a new branch.
    OnBranch {
        /// The branch.
        branch: String,
        /// The merge commit.
        commit: String,
    },
    /// The generated branch has the changes; nothing was merged.
    GeneratedOnly,
    /// Nothing was written.
    DryRun,
}

/// The generated branch after a sync.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GeneratedCommit {
    /// The branch.
    pub branch: String,
    /// Its commit before; `None` before the first sync.
    pub before: Option<String>,
    /// Its commit now. Of a dry run, the one that it would get, which no branch has.
    pub after: String,
    /// The subject of the commit.
    pub subject: String,
}

/// A merge of the cluster's changes into people's code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MergeReport {
    /// Files that were written, relative to the workspace.
    pub written: Vec<String>,
    /// Files that were removed, relative to the workspace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
    /// Edits of files that people had edited before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<MergeEdit>,
    /// Conflicts, each around one attribute.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
    /// Changes of the cluster that no edit was made for, and decisions of people that were kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
    /// The changes as a patch; only of a dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<String>,
}

impl ReportType for SyncReport {
    const KIND: &'static str = "sync";

    fn ended(&self) -> Option<FaultKind> {
        let conflicts = self.merge.as_ref().is_some_and(|merge| !merge.conflicts.is_empty());
        let proof = self.proof.as_ref().and_then(|proof| proof.ended());
        if conflicts { Some(FaultKind::Differences) } else { proof }
    }
}

impl SyncReport {
    /// Reports whether the code in the work tree has what is known of the cluster now, so that a proof of it makes sense.
    pub(super) fn is_in_the_work_tree(&self) -> bool {
        matches!(self.outcome, Outcome::Merged { .. } | Outcome::UpToDate)
    }
}
