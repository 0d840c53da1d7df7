//! Recovery: a merge whose process died is finished or undone.

use std::fs;

use super::journal::{Journal, digest, oid};
use super::{HistoryError, HistoryNotice, Oid, Repository, generated};
use crate::operation::Context;

impl Repository {
    /// Finishes or undoes what an earlier operation left behind when its process died, and brings back the changes that it had
    /// set aside. To be called at the beginning of each operation, by whoever holds the lock of the workspace.
    ///
    /// Work tree, index and branches are then as before that operation or as after it. Files that somebody has edited since stay
    /// as they are.
    pub fn recover(&self, context: &Context) -> Result<Vec<HistoryNotice>, HistoryError> {
        let mut notices = Vec::new();
        match self.journal()? {
            None => self.clean()?,
            Some(journal) if self.is_done(&journal)? => {
                self.unlock(&journal)?;
                if !journal.conflicts {
                    self.conclude(&journal)?;
                }
                self.end()?;
                notices.push(HistoryNotice::Finished);
            }
            Some(journal) => {
                let edited = self.roll_back(&journal, false)?;
                notices.push(HistoryNotice::RolledBack);
                if !edited.is_empty() {
                    notices.push(HistoryNotice::EditedSince { paths: edited });
                }
            }
        }
        notices.extend(self.recover_stash(context)?);
        Ok(notices)
    }

    /// Reports whether the last write that counts was done: the branch has the merge, or the index has the conflicts.
    fn is_done(&self, journal: &Journal) -> Result<bool, HistoryError> {
        if journal.conflicts && digest(&self.places().index)? != journal.index_before {
            return Ok(true);
        }
        let before = journal.head.as_deref().map(oid).transpose()?;
        let head = self.head()?;
        match head {
            Some(head) if Some(head) != before => self.contains(head, oid(&journal.generated)?),
            _ => Ok(false),
        }
    }

    fn contains(&self, commit: Oid, ancestor: Oid) -> Result<bool, HistoryError> {
        let descends = self.git.graph_descendant_of(commit, ancestor);
        Ok(commit == ancestor || descends.map_err(HistoryError::git("read the history"))?)
    }

    /// Undoes a merge: work tree, index, branches. Returns the files that have neither their old nor their new text and stay as
    /// they are; `force` restores them too. Needs no program, and can be stopped and done again.
    pub(super) fn roll_back(&self, journal: &Journal, force: bool) -> Result<Vec<String>, HistoryError> {
        let places = self.places();
        if places.lock.exists() && fs::read_to_string(&places.lock).unwrap_or_default() != journal.lock && !force {
            return Err(HistoryError::Locked { lock: places.lock });
        }
        let mut edited = Vec::new();
        // Whoever has committed or switched since has gone on from what was there.
        let moved = self.head()? != journal.head.as_deref().map(oid).transpose()?;
        if !moved {
            edited = self.restore_files(journal, force)?;
            self.restore_index(journal)?;
        }
        self.conclude(journal)?;
        self.unlock(journal)?;
        self.restore_branch(journal)?;
        self.end()?;
        Ok(edited)
    }

    fn restore_files(&self, journal: &Journal, force: bool) -> Result<Vec<String>, HistoryError> {
        let places = self.places();
        let mut edited = Vec::new();
        for file in &journal.files {
            let (path, kept) = (self.root.join(&file.path), places.before.join(&file.path));
            let current = digest(&path)?;
            if current == file.before {
                continue;
            }
            if current != file.after && !force {
                edited.push(file.path.clone());
            } else if file.before.is_some() {
                self.rename(&kept, &path)?;
            } else {
                self.remove(&path)?;
                self.remove_empty_folders(&path);
            }
        }
        Ok(edited)
    }

    fn restore_index(&self, journal: &Journal) -> Result<(), HistoryError> {
        let places = self.places();
        let current = digest(&places.index)?;
        if current == journal.index_before {
            return Ok(());
        }
        if current.as_ref() == Some(&journal.index_after) {
            return match &journal.index_before {
                Some(_) => self.rename(&places.index_before, &places.index),
                None => self.remove(&places.index),
            };
        }
        // A hook or a person has staged something else: only the files of the merge go back. libgit2 takes the lock itself.
        self.unlock(journal)?;
        let failed = HistoryError::git("restore the index");
        let head = journal.head.as_deref().map(oid).transpose()?;
        let head = head.map(|head| self.git.find_object(head, None)).transpose().map_err(&failed)?;
        let paths = journal.files.iter().map(|file| &file.path);
        self.step(|| {
            let mut index = self.git.index().map_err(&failed)?;
            index.read(true).map_err(&failed)?;
            self.git.reset_default(head.as_ref(), paths).map_err(&failed)
        })
    }

    fn restore_branch(&self, journal: &Journal) -> Result<(), HistoryError> {
        let generated = oid(&journal.generated)?;
        let current = self.tip(&journal.branch)?;
        let before = journal.tip.as_deref().map(oid).transpose()?;
        if current != Some(generated) || current == before {
            return Ok(());
        }
        if let Some(head) = self.head()?
            && self.contains(head, generated)?
        {
            return Ok(()); // Somebody has merged it.
        }
        let name = generated::reference(&journal.branch)?;
        self.step(|| match before {
            Some(before) => self.move_reference(&name, Some(generated), before, "proxmox-mpc: sync undone"),
            None => self
                .git
                .find_reference(&name)
                .and_then(|mut reference| reference.delete())
                .map_err(HistoryError::git("remove the generated branch")),
        })
    }

    /// Removes the lock of the index, if it is ours.
    fn unlock(&self, journal: &Journal) -> Result<(), HistoryError> {
        let lock = self.places().lock;
        if fs::read_to_string(&lock).is_ok_and(|text| text == journal.lock) {
            self.remove(&lock)?;
        }
        Ok(())
    }
}
