//! Merge: a generated commit goes into the branch of a person, as `git merge` would do it, with texts that were merged before.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::journal::{Journal, digest, oid};
use super::prepare::Prepared;
use super::{HistoryError, HistoryNotice, Oid, Repository, generated};
use crate::operation::Context;

/// A merge to carry out.
#[derive(Clone, Debug)]
pub struct MergeCommit {
    /// The texts of the files that change, by path relative to the workspace; `None` removes a file.
    pub files: BTreeMap<String, Option<String>>,
    /// The files with conflicts. They are not in `files`.
    pub conflicts: Vec<FileConflict>,
    /// The generated branch.
    pub branch: String,
    /// Its commit as the caller knows it; `None` where it is not there yet.
    pub tip: Option<Oid>,
    /// The generated commit to merge. The branch is moved to it with the merge.
    pub generated: Oid,
    /// The message of the merge commit.
    pub message: String,
    /// The time of the merge commit in seconds since 1970.
    pub time: i64,
    /// The branch that gets the merge commit.
    pub target: Target,
    /// Runs the hooks that may refuse a commit: `pre-merge-commit` and `commit-msg`.
    pub verify: bool,
}

/// A file with a conflict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileConflict {
    /// The path relative to the workspace.
    pub path: String,
    /// The text of the base; `None` where it had no such file.
    pub base: Option<String>,
    /// The text of the person.
    pub ours: Option<String>,
    /// The generated text.
    pub theirs: Option<String>,
    /// The text with markers for the work tree; `None` removes the file.
    pub text: Option<String>,
}

/// The branch that gets the merge commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The branch that is checked out, or HEAD itself where it is detached.
    CurrentBranch,
    /// A new branch of this name; work tree and index stay as they are.
    NewBranch(String),
}

/// The result of a merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The merge commit; `None` where conflicts are left in the work tree.
    pub commit: Option<Oid>,
    /// The files with conflicts, relative to the workspace.
    pub conflicts: Vec<String>,
    /// Facts that the person should know.
    pub notices: Vec<HistoryNotice>,
}

impl Repository {
    /// Merges a generated commit, and moves the generated branch to it. Whole or not at all: where it fails, work tree, index
    /// and branches are as before; where the process dies, [`Repository::recover`] sees to it.
    pub fn merge(&self, merge: &MergeCommit, context: &Context) -> Result<Merged, HistoryError> {
        if let Some(operation) = self.operation() {
            return Err(HistoryError::UnderWay { operation });
        }
        self.check_not_checked_out(&merge.branch)?;
        if self.newest_tip(&merge.branch)? != merge.tip {
            return Err(HistoryError::Moved { reference: generated::reference(&merge.branch)? });
        }
        let mut notices = Vec::new();
        if !self.identity().configured {
            notices.push(HistoryNotice::NoIdentity);
        }
        let program = self.has_program(context)?;
        match &merge.target {
            Target::NewBranch(name) => self.merge_on_branch(name, merge, program, notices, context),
            Target::CurrentBranch => self.merge_here(merge, program, notices, context),
        }
    }

    /// Merges on a new branch, without the work tree.
    fn merge_on_branch(
        &self,
        name: &str,
        merge: &MergeCommit,
        program: bool,
        mut notices: Vec<HistoryNotice>,
        context: &Context,
    ) -> Result<Merged, HistoryError> {
        let target = generated::reference(name)?;
        if self.tip(name)?.is_some() {
            return Err(HistoryError::BranchExists { branch: name.to_owned() });
        }
        if !merge.conflicts.is_empty() {
            let paths = merge.conflicts.iter().map(|conflict| conflict.path.clone()).collect();
            return Err(HistoryError::ConflictsOnBranch { paths });
        }
        let head = self.head()?;
        let old = match head {
            Some(head) => self.tree_of(head)?,
            None => self.updated_tree(None, &BTreeMap::new())?,
        };
        let tree = self.updated_tree(Some(old), &self.entries(old, merge)?)?;
        let parents: Vec<Oid> = head.into_iter().chain([merge.generated]).collect();
        let commit = self.commit(tree, &parents, &merge.message, merge.time, program, &mut notices, context)?;
        self.clean()?;
        // Once the new branch is there, the generated branch is behind it at worst, and the next sync brings it on.
        self.step(|| self.move_reference(&target, None, commit, "proxmox-mpc: sync"))?;
        if merge.tip != Some(merge.generated) {
            self.step(|| self.advance(&merge.branch, merge.tip, merge.generated))?;
        }
        Ok(Merged { commit: Some(commit), conflicts: Vec::new(), notices })
    }

    /// Merges into the work tree and the branch that is checked out.
    fn merge_here(
        &self,
        merge: &MergeCommit,
        program: bool,
        mut notices: Vec<HistoryNotice>,
        context: &Context,
    ) -> Result<Merged, HistoryError> {
        self.check_clean(merge, context)?;
        let prepared = self.prepare(merge, program, context);
        let Prepared { journal, tree } = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                self.clean()?;
                return Err(error);
            }
        };
        self.begin(&journal)?;
        let outcome = self.carry_out(&journal, tree, merge, program, &mut notices, context);
        let commit = match outcome {
            Ok(commit) => commit,
            #[cfg(test)]
            Err(HistoryError::Stopped(count)) => return Err(HistoryError::Stopped(count)),
            Err(error) => {
                self.roll_back(&journal, true)?;
                return Err(error);
            }
        };
        self.end()?;
        if let Some(commit) = commit {
            if program && !self.hook("post-merge", &["0"], context)?.passed {
                notices.push(HistoryNotice::HookFailed { hook: "post-merge".to_owned() });
            }
            if journal.target == "HEAD" {
                notices.push(HistoryNotice::DetachedHead { commit: commit.to_string() });
            }
        }
        self.refresh_index(program, context);
        let conflicts = merge.conflicts.iter().map(|conflict| conflict.path.clone()).collect();
        Ok(Merged { commit, conflicts, notices })
    }

    /// The visible writes, in an order in which each can be undone.
    fn carry_out(
        &self,
        journal: &Journal,
        tree: Oid,
        merge: &MergeCommit,
        program: bool,
        notices: &mut Vec<HistoryNotice>,
        context: &Context,
    ) -> Result<Option<Oid>, HistoryError> {
        let places = self.places();
        if merge.tip != Some(merge.generated) {
            self.step(|| self.advance(&merge.branch, merge.tip, merge.generated))?;
        }
        self.lock_index(journal)?;
        // A person who looks now sees a merge that is under way, which `git merge --abort` can end as well.
        let born = journal.head.is_some();
        if born {
            self.announce(merge)?;
        }
        for file in &journal.files {
            let path = self.root.join(&file.path);
            if digest(&path)? != file.before {
                return Err(HistoryError::Dirty { paths: vec![file.path.clone()] });
            }
            if file.after.is_some() {
                self.rename(&places.after.join(&file.path), &path)?;
            } else {
                self.remove(&path)?;
                self.remove_empty_folders(&path);
            }
        }
        self.rename(&places.index_after, &places.index)?;
        self.remove(&places.lock)?;
        if journal.conflicts {
            return Ok(None);
        }
        let (tree, message) = self.run_hooks(tree, merge, program, notices, context)?;
        let head = journal.head.as_deref().map(oid).transpose()?;
        let parents: Vec<Oid> = head.into_iter().chain([merge.generated]).collect();
        let commit = self.commit(tree, &parents, &message, merge.time, program, notices, context)?;
        let subject = merge.message.lines().next().unwrap_or_default();
        let log = format!("merge {}: {subject}", merge.branch);
        self.step(|| self.move_reference(&journal.target, head, commit, &log))?;
        self.conclude(journal)?;
        Ok(Some(commit))
    }

    /// Refuses a merge that would mix with changes which are not committed.
    fn check_clean(&self, merge: &MergeCommit, context: &Context) -> Result<(), HistoryError> {
        let conflicts = merge.conflicts.iter().map(|conflict| (&conflict.path, &conflict.text));
        let files: Vec<_> = merge.files.iter().chain(conflicts).collect();
        let written: BTreeSet<String> = files.iter().map(|(path, _)| self.path_in_repository(path)).collect();
        let born = self.head()?.is_some();
        let dirty = self.dirty(context)?;
        // A merge commit takes the whole index. What is staged on a branch without a commit belongs to its first one.
        let paths = dirty.into_iter().filter(|file| (file.staged && born) || written.contains(&file.path));
        let paths: Vec<String> = paths.map(|file| file.path).collect();
        if !paths.is_empty() {
            return Err(HistoryError::Dirty { paths });
        }
        if !born && !merge.conflicts.is_empty() {
            let paths = merge.conflicts.iter().map(|conflict| conflict.path.clone()).collect();
            return Err(HistoryError::ConflictsOnBranch { paths });
        }
        let paths = self.in_the_way(files)?;
        if paths.is_empty() { Ok(()) } else { Err(HistoryError::InTheWay { paths }) }
    }

    /// Takes the lock of the index, and makes sure that the index is the one that the merge was prepared with.
    fn lock_index(&self, journal: &Journal) -> Result<(), HistoryError> {
        let places = self.places();
        self.step(|| match fs::hard_link(&places.lock_aside, &places.lock) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                Err(HistoryError::Locked { lock: places.lock.clone() })
            }
            // The disk knows no second names: the file may be empty for a moment.
            Err(_) => fs::File::create_new(&places.lock)
                .and_then(|mut file| std::io::Write::write_all(&mut file, journal.lock.as_bytes()))
                .map_err(HistoryError::io("write", &places.lock)),
            Ok(()) => Ok(()),
        })?;
        if digest(&places.index)? == journal.index_before {
            Ok(())
        } else {
            Err(HistoryError::Moved { reference: "index".to_owned() })
        }
    }

    /// Writes the files by which git knows that a merge is under way.
    fn announce(&self, merge: &MergeCommit) -> Result<(), HistoryError> {
        let folder = self.git.path();
        let mut message = format!("{}\n", merge.message.trim_end());
        if !merge.conflicts.is_empty() {
            message.push_str("\n# Conflicts:\n");
            for conflict in &merge.conflicts {
                message.extend(["#\t", &self.path_in_repository(&conflict.path), "\n"]);
            }
        }
        self.write(&folder.join("MERGE_MODE"), b"no-ff")?;
        self.write(&folder.join("MERGE_MSG"), message.as_bytes())?;
        // Whole at once, since this file is what counts.
        let aside = self.places().git.join("MERGE_HEAD");
        self.write(&aside, format!("{}\n", merge.generated).as_bytes())?;
        self.rename(&aside, &folder.join("MERGE_HEAD"))
    }

    /// Removes the files of a merge that is under way.
    pub(super) fn conclude(&self, journal: &Journal) -> Result<(), HistoryError> {
        let folder = self.git.path();
        let head = folder.join("MERGE_HEAD");
        let current = fs::read_to_string(&head).unwrap_or_default();
        // Those of another merge stay.
        let ours = current.trim() == journal.generated || (current.is_empty() && self.operation().is_none());
        if ours {
            self.remove(&head)?;
            self.remove(&folder.join("MERGE_MODE"))?;
            self.remove(&folder.join("MERGE_MSG"))?;
        }
        Ok(())
    }

    /// Removes the folders that have become empty, up to the workspace.
    pub(super) fn remove_empty_folders(&self, path: &Path) {
        let top = self.root.join(&self.prefix);
        let below = |folder: &&Path| *folder != top && folder.starts_with(&top);
        for folder in path.ancestors().skip(1).take_while(below) {
            if fs::remove_dir(folder).is_err() {
                return; // It is not empty.
            }
        }
    }
}
