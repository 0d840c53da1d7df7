//! Stash: changes that are not committed, set aside for a merge and brought back after it.

use std::fs;
use std::path::PathBuf;

use super::journal::oid;
use super::program::run;
use super::{HistoryError, HistoryNotice, Oid, Operation, Repository};
use crate::operation::Context;

/// The name of our entry in the list of stashes.
const MESSAGE: &str = "proxmox-mpc: set aside for a sync";

impl Repository {
    /// Sets the changes of files under version control aside; `None` where there are none. Files that git does not know stay.
    /// [`Repository::unstash`] brings them back.
    ///
    /// The changes are in the list of stashes (`git stash list`) before the work tree is touched.
    pub fn autostash(&self, time: i64, context: &Context) -> Result<Option<Oid>, HistoryError> {
        if self.dirty(context)?.is_empty() {
            return Ok(None);
        }
        if !self.has_program(context)? {
            return Err(HistoryError::NoProgram { purpose: "setting changes aside" });
        }
        self.workspace.make_private()?;
        let create = self.with_identity(self.command(&["stash", "create", MESSAGE]), time);
        let lines = self.run(&create, context)?;
        let Some(text) = lines.first() else { return Ok(None) };
        let stash = oid(text)?;
        // The record comes first: a stash without it would be left in the list.
        let (aside, record) = (self.workspace.private().join("stash.new"), self.stash_record());
        self.write(&aside, text.as_bytes())?;
        self.rename(&aside, &record)?;
        self.store_stash(stash, context)?;
        self.step(|| self.run(&self.command(&["reset", "-q", "--hard"]), context).map(drop))?;
        Ok(Some(stash))
    }

    /// Brings back the changes that were set aside. Where a merge with conflicts is under way, git does so itself when the merge
    /// is committed or aborted. Changes that do not fit any more stay in the list of stashes.
    pub fn unstash(&self, context: &Context) -> Result<Vec<HistoryNotice>, HistoryError> {
        let Some(stash) = self.stash_of_record()? else { return Ok(Vec::new()) };
        let commit = stash.to_string();
        if self.operation() == Some(Operation::Merge) {
            let file = self.git.path().join("MERGE_AUTOSTASH"); // As `git merge --autostash` leaves it.
            self.write(&file, format!("{commit}\n").as_bytes())?;
            self.remove(&self.stash_record())?;
            self.drop_stash(stash, context)?;
            return Ok(vec![HistoryNotice::StashWaits { commit }]);
        }
        for index in [true, false] {
            let arguments: &[&str] = if index { &["stash", "apply", "-q", "--index"] } else { &["stash", "apply", "-q"] };
            let mut applied = false;
            self.step(|| {
                applied = run(&self.command(arguments).arg(commit.as_str()), context)?.code == Some(0);
                Ok(())
            })?;
            if applied {
                self.remove(&self.stash_record())?;
                self.drop_stash(stash, context)?;
                return Ok(Vec::new());
            }
            // Everything is in the stash, and the work tree was as HEAD: nothing is lost here.
            self.step(|| self.run(&self.command(&["reset", "-q", "--hard"]), context).map(drop))?;
        }
        self.remove(&self.stash_record())?;
        Ok(vec![HistoryNotice::StashKept { commit }])
    }

    /// Brings back changes that a process which died had set aside.
    pub(super) fn recover_stash(&self, context: &Context) -> Result<Vec<HistoryNotice>, HistoryError> {
        let Some(stash) = self.stash_of_record()? else { return Ok(Vec::new()) };
        let commit = stash.to_string();
        if self.operation() != Some(Operation::Merge) {
            let dirty = self.dirty(context)?;
            // A file that differs from HEAD and from the stash was edited since; one that is as in the stash can be restored.
            let differing = self.run(&self.command(&["diff", "--name-only", "-z", &commit]), context)?.join("\n");
            let differs = |path: &str| differing.split('\0').any(|other| other == path);
            if dirty.iter().any(|file| differs(&file.path)) {
                self.store_stash(stash, context)?;
                self.remove(&self.stash_record())?;
                return Ok(vec![HistoryNotice::StashKept { commit }]);
            }
            if !dirty.is_empty() {
                self.step(|| self.run(&self.command(&["reset", "-q", "--hard"]), context).map(drop))?;
            }
        }
        self.unstash(context)
    }

    /// Puts the stash into the list, where it is not in it yet.
    fn store_stash(&self, stash: Oid, context: &Context) -> Result<(), HistoryError> {
        if self.position(stash, context)?.is_some() {
            return Ok(());
        }
        let time = self.git.find_commit(stash).map_err(HistoryError::git("read the stash"))?.time().seconds();
        let commit = stash.to_string();
        let store = self.with_identity(self.command(&["stash", "store", "-m", MESSAGE, &commit]), time);
        self.step(|| self.run(&store, context).map(drop))
    }

    /// The position of a stash in the list.
    fn position(&self, stash: Oid, context: &Context) -> Result<Option<usize>, HistoryError> {
        let lines = self.run(&self.command(&["stash", "list", "--format=%H"]), context)?;
        Ok(lines.iter().position(|line| *line == stash.to_string()))
    }

    /// Takes the stash out of the list.
    fn drop_stash(&self, stash: Oid, context: &Context) -> Result<(), HistoryError> {
        match self.position(stash, context)? {
            Some(position) => {
                let name = format!("stash@{{{position}}}");
                self.step(|| self.run(&self.command(&["stash", "drop", "-q", &name]), context).map(drop))
            }
            None => Ok(()),
        }
    }

    /// The file that names the stash of an operation that is under way.
    fn stash_record(&self) -> PathBuf {
        self.workspace.private().join("stash")
    }

    fn stash_of_record(&self) -> Result<Option<Oid>, HistoryError> {
        match fs::read_to_string(self.stash_record()) {
            Ok(text) => oid(text.trim()).map(Some),
            Err(_) => Ok(None), // There is none.
        }
    }
}
