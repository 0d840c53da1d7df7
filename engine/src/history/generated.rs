//! Generated branch: the pristine generated tree of one workspace, one commit for each observation of the cluster.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, FileMode, ObjectType};

use super::{Commit, HistoryError, Oid, Repository};
use crate::workspace::FileSet;

/// The branch of generated commits, where the setting `generated_branch` names no other.
pub const DEFAULT_BRANCH: &str = "proxmox-mpc/generated";

/// The trailer of generated commits that names the workspace relative to the repository; `.` is its root.
pub const WORKSPACE_TRAILER: &str = "Proxmox-MPC-Workspace";

impl Repository {
    /// The tip of the generated branch; `None` before the first sync. A branch of another workspace is refused.
    ///
    /// A clone has the branch as that of its remote at first, and after a fetch that one may be ahead: the tip is the newest.
    pub fn generated(&self, branch: &str) -> Result<Option<Commit>, HistoryError> {
        let Some(tip) = self.newest_tip(branch)? else { return Ok(None) };
        let failed = HistoryError::git("read the generated branch");
        let commit = self.git.find_commit(tip).map_err(&failed)?;
        let message = String::from_utf8_lossy(commit.message_bytes()).into_owned();
        let place = trailers(&message).into_iter().rev().find(|(name, _)| name == WORKSPACE_TRAILER);
        match place {
            Some((_, theirs)) if theirs == self.place() => Ok(Some(Commit::of(&commit))),
            Some((_, theirs)) => {
                Err(HistoryError::OtherWorkspace { branch: branch.to_owned(), theirs, ours: self.place().to_owned() })
            }
            None => Err(HistoryError::ForeignCommit { branch: branch.to_owned(), commit: tip.to_string() }),
        }
    }

    /// The commit of a branch, or of the branch of a remote with the same name that goes on from there.
    pub(super) fn newest_tip(&self, branch: &str) -> Result<Option<Oid>, HistoryError> {
        let mut newest = self.tip(branch)?;
        let failed = HistoryError::git("read the branches of the remotes");
        let remotes = self.git.references_glob(&format!("refs/remotes/*/{branch}")).map_err(&failed)?;
        for remote in remotes {
            let commit = remote.and_then(|reference| reference.peel_to_commit()).map_err(&failed)?.id();
            let goes_on = match newest {
                Some(newest) => self.git.graph_descendant_of(commit, newest).map_err(&failed)?,
                None => true,
            };
            if goes_on {
                newest = Some(commit);
            }
        }
        Ok(newest)
    }

    /// The commit of a branch; `None` where there is no such branch.
    pub(super) fn tip(&self, branch: &str) -> Result<Option<Oid>, HistoryError> {
        let name = reference(branch)?;
        match self.git.find_reference(&name).and_then(|reference| reference.peel_to_commit()) {
            Ok(commit) => Ok(Some(commit.id())),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(source) => Err(HistoryError::Git { action: "read a branch", source }),
        }
    }

    /// Writes a commit of generated files, and moves no branch: see [`Repository::advance`].
    ///
    /// `files` are all files of the workspace, by path relative to it. `expected` is the tip of the branch as the caller knows
    /// it, and becomes the parent; the first commit has none. Where the files are those of the tip, the tip itself is returned.
    /// `time` is in seconds since 1970.
    pub fn write_generated(
        &self,
        branch: &str,
        files: &FileSet,
        message: &str,
        time: i64,
        expected: Option<Oid>,
    ) -> Result<Commit, HistoryError> {
        if self.newest_tip(branch)? != expected {
            return Err(HistoryError::Moved { reference: reference(branch)? });
        }
        let failed = HistoryError::git("write the generated commit");
        let base = expected.map(|tip| self.tree_of(tip)).transpose()?;
        let old = expected.map(|tip| self.blobs(tip, "")).transpose()?.unwrap_or_default();
        let mut changes = BTreeMap::new();
        for (path, text) in files {
            // Most files are as they were: their bytes are hashed, and nothing is written.
            let id = Oid::hash_object(ObjectType::Blob, text.as_bytes()).map_err(&failed)?;
            if old.get(path) != Some(&id) {
                let entry = Some((self.blob(text)?, i32::from(FileMode::Blob)));
                changes.insert(self.path_in_repository(path), entry);
            }
        }
        for path in old.keys().filter(|path| !files.contains_key(*path)) {
            changes.insert(self.path_in_repository(path), None);
        }
        let parent = expected.map(|tip| self.git.find_commit(tip)).transpose().map_err(&failed)?;
        if let Some(parent) = &parent
            && changes.is_empty()
        {
            return Ok(Commit::of(parent));
        }
        let tree = self.updated_tree(base, &changes)?;
        let tree = self.git.find_tree(tree).map_err(&failed)?;
        let author = self.signature(time)?;
        let message = with_trailer(message, WORKSPACE_TRAILER, self.place());
        let parents: Vec<_> = parent.iter().collect();
        let id = self.git.commit(None, &author, &author, &message, &tree, &parents).map_err(&failed)?;
        Ok(Commit { id, tree: tree.id(), time })
    }

    /// Moves the generated branch, if it is still at `from`; `None` makes it. Never while somebody has it checked out.
    pub fn advance(&self, branch: &str, from: Option<Oid>, to: Oid) -> Result<(), HistoryError> {
        self.check_not_checked_out(branch)?;
        // The branch may be behind that of a remote, or not be there yet.
        let from = if self.newest_tip(branch)? == from { self.tip(branch)? } else { from };
        self.move_reference(&reference(branch)?, from, to, "proxmox-mpc: sync")
    }

    /// The last commit of the generated branch that is in the history of HEAD: the base of a merge. `None` where nothing was
    /// merged yet.
    pub fn base(&self, branch: &str, generated: Oid) -> Result<Option<Commit>, HistoryError> {
        let Some(head) = self.head()? else { return Ok(None) };
        match self.git.merge_base(head, generated) {
            Ok(base) => {
                let commit = self.git.find_commit(base).map_err(HistoryError::git("read a commit"))?;
                Ok(Some(Commit::of(&commit)))
            }
            Err(error) if error.code() == ErrorCode::NotFound && self.git.is_shallow() => {
                Err(HistoryError::Shallow { branch: branch.to_owned() })
            }
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(source) => Err(HistoryError::Git { action: "find the common history", source }),
        }
    }

    /// The time of a commit, in seconds since 1970 (UTC).
    pub fn time(&self, commit: Oid) -> Result<i64, HistoryError> {
        let commit = self.git.find_commit(commit).map_err(HistoryError::git("read a commit"))?;
        Ok(Commit::of(&commit).time)
    }

    /// Refuses a branch that is checked out in this work tree or in another one of the repository.
    pub(super) fn check_not_checked_out(&self, branch: &str) -> Result<(), HistoryError> {
        let wanted = reference(branch)?;
        for (head, folder) in self.work_trees() {
            let text = fs::read_to_string(&head).unwrap_or_default(); // A work tree that was removed has none.
            if text.trim().strip_prefix("ref:").is_some_and(|target| target.trim() == wanted) {
                return Err(HistoryError::CheckedOut { branch: branch.to_owned(), folder });
            }
        }
        Ok(())
    }

    /// The file of HEAD and the folder of each work tree of the repository.
    fn work_trees(&self) -> Vec<(PathBuf, PathBuf)> {
        let common = self.git.commondir();
        let parent = common.parent().unwrap_or(common);
        let main = if self.git.is_worktree() { parent } else { &self.root };
        let mut list = vec![(common.join("HEAD"), main.to_owned())];
        for entry in fs::read_dir(common.join("worktrees")).into_iter().flatten().flatten() {
            let file = fs::read_to_string(entry.path().join("gitdir")).unwrap_or_default();
            let folder = Path::new(file.trim()).parent().unwrap_or(Path::new("")).to_owned();
            list.push((entry.path().join("HEAD"), folder));
        }
        list
    }

    /// Moves a reference, if it is still where it was expected.
    pub(super) fn move_reference(
        &self,
        name: &str,
        from: Option<Oid>,
        to: Oid,
        message: &str,
    ) -> Result<(), HistoryError> {
        let moved = match from {
            Some(from) => self.git.reference_matching(name, to, true, from, message),
            None => self.git.reference(name, to, false, message),
        };
        match moved {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.code(), ErrorCode::Modified | ErrorCode::Exists | ErrorCode::NotFound) => {
                Err(HistoryError::Moved { reference: name.to_owned() })
            }
            Err(error) if error.code() == ErrorCode::Locked => {
                Err(HistoryError::Locked { lock: self.git.commondir().join(format!("{name}.lock")) })
            }
            Err(source) => Err(HistoryError::Git { action: "move a branch", source }),
        }
    }
}

/// The whole name of a branch: `refs/heads/main`.
pub(super) fn reference(branch: &str) -> Result<String, HistoryError> {
    let name = format!("refs/heads/{branch}");
    if git2::Branch::name_is_valid(branch).unwrap_or(false) {
        Ok(name)
    } else {
        Err(HistoryError::BranchName { branch: branch.to_owned() })
    }
}

/// The trailers at the end of a message, in their order.
pub(super) fn trailers(message: &str) -> Vec<(String, String)> {
    // Only a message that is not UTF-8 or has a NUL cannot be read, and a text is and has none.
    git2::message_trailers_strs(message)
        .map(|trailers| trailers.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
        .unwrap_or_default()
}

/// The message with one more trailer, in the paragraph of those that it has.
pub(super) fn with_trailer(message: &str, name: &str, value: &str) -> String {
    let message = message.trim_end();
    let gap = if trailers(&format!("{message}\n")).is_empty() { "\n\n" } else { "\n" };
    format!("{message}{gap}{name}: {value}\n")
}
