//! Timeline: the observations of a cluster that the generated branch keeps, and the commands that look at them: `status`,
//! `diff`, `history`, `restore`.

pub(crate) mod code;
mod diff;
mod error;
pub(crate) mod former;
pub(crate) mod generated_tree;
mod history;
mod live;
mod object;
pub(crate) mod restore;
mod status;

use std::path::Path;

use proxmox_mpc_model::observation::{Changes, FOLDER, ObjectState, Observation};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use code::{CodeChange, CodeChanges, CodeState};
pub use diff::{DiffReport, DiffRequest};
pub use error::TimelineError;
pub use history::{HistoryEntry, HistoryReport, HistoryRequest};
pub use live::{Live, Look, look, task_log};
pub use restore::{RestoreReport, RestoreRequest};
pub use status::{StatusReport, StatusRequest};

use generated_tree::GeneratedTree;

use crate::history::{CommitInfo, HistoryError, Oid, Repository};
use crate::operation::Context;
use crate::settings;
use crate::workspace::Workspace;

/// The generated branch of one workspace, as a series of observations.
pub struct Timeline {
    /// The workspace.
    pub workspace: Workspace,
    /// The repository around it.
    pub repository: Repository,
    /// The generated branch.
    pub branch: String,
}

/// A sync: one commit of the generated branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sync {
    /// The commit.
    pub commit: String,
    /// The time of the observation, in seconds since 1970 (UTC).
    pub time: i64,
    /// The name of the person or program that ran the sync.
    pub author: String,
    /// The changes of the cluster in one line.
    pub subject: String,
}

impl From<&CommitInfo> for Sync {
    fn from(commit: &CommitInfo) -> Self {
        let CommitInfo { id, time, author, subject, .. } = commit.clone();
        Self { commit: id, time, author, subject }
    }
}

impl Timeline {
    /// The timeline of the workspace that a folder is in.
    ///
    /// # Errors
    /// A folder that is in no repository.
    pub fn open(folder: &Path, context: &Context) -> Result<Self, TimelineError> {
        let workspace = settings::workspace(context, folder)?;
        let Some(repository) = Repository::discover(&workspace)? else {
            return Err(TimelineError::NoRepository { folder: workspace.root().to_owned() });
        };
        let branch = settings::generated_branch(context, &workspace)?;
        Ok(Self { workspace, repository, branch })
    }

    /// The last sync: its commit.
    ///
    /// # Errors
    /// A workspace that was never synced.
    pub fn tip(&self) -> Result<Oid, TimelineError> {
        let tip = self.repository.generated(&self.branch)?;
        tip.map(|commit| commit.id).ok_or_else(|| TimelineError::NoSync { branch: self.branch.clone() })
    }

    /// The sync that a text names: a revision, or a time.
    pub fn resolve(&self, text: &str, now: i64) -> Result<Oid, TimelineError> {
        let commit = self.repository.resolve(&self.branch, text, now)?;
        commit.ok_or_else(|| TimelineError::NoSync { branch: self.branch.clone() })
    }

    /// The syncs, newest first.
    pub fn syncs(&self) -> Result<Vec<CommitInfo>, HistoryError> {
        self.repository.log(&self.branch, None, None)
    }

    /// The sync of a commit of the branch.
    pub fn sync(&self, commit: Oid) -> Result<Sync, TimelineError> {
        let id = commit.to_string();
        let info = self.syncs()?.into_iter().find(|info| info.id == id);
        info.as_ref().map(Sync::from).ok_or_else(|| TimelineError::NoSync { branch: self.branch.clone() })
    }

    /// The cluster as a sync observed it.
    pub fn observation(&self, commit: Oid) -> Result<Observation, TimelineError> {
        Ok(Observation::from_files(self.repository.files_below(commit, FOLDER)?)?)
    }

    /// The cluster at a sync without its objects: its name, and what was not read of it.
    pub fn about(&self, commit: Oid) -> Result<Observation, TimelineError> {
        Ok(Observation::from_files(self.repository.files_below(commit, Observation::CLUSTER)?)?)
    }

    /// An object at a commit, by the path of its file; `None` where it was not there.
    fn object(&self, commit: &str, path: &str) -> Result<Option<ObjectState>, TimelineError> {
        let commit = Oid::from_str(commit).map_err(|_| HistoryError::Revision { text: commit.to_owned() })?;
        let Some(text) = self.repository.file(commit, path)? else { return Ok(None) };
        let observation = Observation::from_files([(path, text)])?;
        Ok(observation.objects.into_values().next())
    }

    /// The changes between two syncs. Reads only the files that differ.
    pub fn changes(&self, from: Oid, to: Oid) -> Result<Changes, TimelineError> {
        let below = format!("{FOLDER}/");
        let paths: Vec<String> = self
            .repository
            .tree_diff(Some(from), to)?
            .into_iter()
            .map(|change| change.path)
            .filter(|path| path.starts_with(&below))
            .collect();
        let part = |commit: Oid| -> Result<Observation, TimelineError> {
            let mut files = Vec::new();
            // The file of the cluster says what was not read, also where it does not differ.
            for path in paths.iter().map(String::as_str).chain([Observation::CLUSTER]) {
                files.extend(self.repository.file(commit, path)?.map(|text| (path.to_owned(), text)));
            }
            Ok(Observation::from_files(files)?)
        };
        Ok(Changes::between(&part(from)?, &part(to)?))
    }

    /// The generated tree of a sync.
    pub(crate) fn generated(&self, commit: Oid) -> Result<GeneratedTree, TimelineError> {
        GeneratedTree::at(&self.repository, commit)
    }
}
