//! History: the git repository around a workspace, its branch of generated commits, and the merge into a person's work tree.
//!
//! git2 does objects, trees, differences and references. The `git` program does what libgit2 cannot do on a person's work
//! tree: filters, sparse checkouts, signatures. Where it is missing, git2 does the rest and a notice says what was not done.

mod commit;
mod dirty;
mod error;
mod generated;
mod index;
mod journal;
mod log;
mod merge;
mod objects;
mod prepare;
mod program;
mod recover;
mod repository;
mod stash;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use dirty::DirtyFile;
pub use error::HistoryError;
pub use generated::{DEFAULT_BRANCH, WORKSPACE_TRAILER};
/// Id of an object of git.
pub use git2::Oid;
pub use log::CommitInfo;
pub use merge::{FileConflict, MergeCommit, Merged, Target};
pub use objects::PathChange;
pub use repository::{Head, Identity, Operation, Repository, Setup};

/// A commit and its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The commit.
    pub id: Oid,
    /// The tree of the whole repository at this commit.
    pub tree: Oid,
    /// The time of the author in seconds since 1970.
    pub time: i64,
}

impl Commit {
    fn of(commit: &git2::Commit<'_>) -> Self {
        Self { id: commit.id(), tree: commit.tree_id(), time: commit.author().when().seconds() }
    }
}

/// A fact about git that the person should know after an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "notice", rename_all = "snake_case")]
pub enum HistoryNotice {
    /// Git knows no name and address of the person: the commits are ours.
    NoIdentity,
    /// The `git` program is missing: these hooks did not run.
    HooksNotRun {
        /// Their names: `commit-msg`.
        hooks: Vec<String>,
    },
    /// `commit.gpgsign` is set, but the `git` program is missing: the commit has no signature.
    NotSigned,
    /// The `git` program is missing: filters of `.gitattributes` other than line ends were not applied.
    FiltersNotApplied,
    /// HEAD is on no branch: the commit is reachable through HEAD alone.
    DetachedHead {
        /// The new commit.
        commit: String,
    },
    /// The hook that runs after a merge failed; the merge stands.
    HookFailed {
        /// Its name: `post-merge`.
        hook: String,
    },
    /// An earlier operation was interrupted, and everything is as it was before it.
    RolledBack,
    /// An earlier operation was interrupted when its work was done; the rest was cleaned up.
    Finished,
    /// An earlier operation was interrupted, and these files were edited since: they stay as they are.
    EditedSince {
        /// Paths relative to the root of the work tree.
        paths: Vec<String>,
    },
    /// The changes that were set aside do not fit any more; they are kept in the stash.
    StashKept {
        /// The stash commit.
        commit: String,
    },
    /// The changes that were set aside come back when the merge is committed or aborted.
    StashWaits {
        /// The stash commit.
        commit: String,
    },
}

#[cfg(test)]
mod tests;
