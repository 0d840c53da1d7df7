//! Journal: the merge that is under way, with everything that it takes to undo it, and the writes of it, one at a time.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{HistoryError, Oid, Repository};
use crate::workspace::{WorkspaceError, hash};

/// A merge that is under way. In place before the first visible write, gone after the last one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Journal {
    /// The generated branch.
    pub(super) branch: String,
    /// Its commit before; `None` where it was not there.
    pub(super) tip: Option<String>,
    /// The commit that is merged, which the branch gets.
    pub(super) generated: String,
    /// The reference that the merge moves: `refs/heads/main`, `HEAD`.
    pub(super) target: String,
    /// Its commit before.
    pub(super) head: Option<String>,
    /// True for a merge that leaves conflicts: its last write is the index.
    pub(super) conflicts: bool,
    /// The files of the work tree that change.
    pub(super) files: Vec<JournalFile>,
    /// The digest of the index before; `None` where there was none.
    pub(super) index_before: Option<String>,
    /// The digest of the index after.
    pub(super) index_after: String,
    /// The text of our `index.lock`, by which it is told from others.
    pub(super) lock: String,
}

/// A file of the work tree that a merge changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct JournalFile {
    /// The path relative to the root of the work tree.
    pub(super) path: String,
    /// The digest of its bytes before; `None` where it was not there.
    pub(super) before: Option<String>,
    /// The digest of its bytes after; `None` where it goes.
    pub(super) after: Option<String>,
}

/// The places of what belongs to a merge that is under way.
///
/// Files of the work tree are kept beside it, those of git in its own folder, so that a rename is enough for each.
#[derive(Clone, Debug)]
pub(super) struct Places {
    /// The journal.
    pub(super) journal: PathBuf,
    /// The folder of files for the work tree.
    pub(super) staging: PathBuf,
    /// New files, by path relative to the root of the work tree.
    pub(super) after: PathBuf,
    /// Old files, likewise.
    pub(super) before: PathBuf,
    /// The folder of files for git.
    pub(super) git: PathBuf,
    /// The new index.
    pub(super) index_after: PathBuf,
    /// The old index.
    pub(super) index_before: PathBuf,
    /// The lock before it gets its name.
    pub(super) lock_aside: PathBuf,
    /// The index.
    pub(super) index: PathBuf,
    /// The lock of the index.
    pub(super) lock: PathBuf,
}

impl Repository {
    pub(super) fn places(&self) -> Places {
        let private = self.workspace.private();
        let private = std::path::absolute(&private).unwrap_or(private); // Programs run in another folder.
        let staging = private.join("merge");
        let folder = self.git.path();
        let git = folder.join("proxmox-mpc");
        Places {
            journal: private.join("merge.json"),
            after: staging.join("after"),
            before: staging.join("before"),
            staging,
            index_after: git.join("index"),
            index_before: git.join("index.before"),
            lock_aside: git.join("lock"),
            git,
            index: folder.join("index"),
            lock: folder.join("index.lock"),
        }
    }

    /// The merge that an earlier operation left unfinished.
    pub(super) fn journal(&self) -> Result<Option<Journal>, HistoryError> {
        let path = self.places().journal;
        match fs::read(&path) {
            // What cannot be understood was not written by us: a journal gets its name when it is whole.
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(HistoryError::io("read", &path)(error)),
        }
    }

    /// Writes the journal: the merge has begun.
    pub(super) fn begin(&self, journal: &Journal) -> Result<(), HistoryError> {
        let places = self.places();
        let aside = places.staging.join("merge.json");
        let text = serde_json::to_vec(journal).expect("a journal is plain text");
        self.write(&aside, &text)?;
        let synced = File::open(&aside).and_then(|file| file.sync_all());
        synced.map_err(HistoryError::io("write", &aside))?;
        self.rename(&aside, &places.journal)
    }

    /// Removes the journal: the merge is done, or undone.
    pub(super) fn end(&self) -> Result<(), HistoryError> {
        self.remove(&self.places().journal)?;
        self.clean()
    }

    /// Removes what was written aside.
    pub(super) fn clean(&self) -> Result<(), HistoryError> {
        let places = self.places();
        for folder in [&places.staging, &places.git] {
            if folder.exists() {
                self.step(|| fs::remove_dir_all(folder).map_err(HistoryError::io("remove", folder)))?;
            }
        }
        Ok(())
    }

    /// One write, which is done whole or not at all. Tests stop before any of them.
    pub(super) fn step(&self, write: impl FnOnce() -> Result<(), HistoryError>) -> Result<(), HistoryError> {
        #[cfg(test)]
        {
            let (count, limit) = self.writes.get();
            if count >= limit {
                return Err(HistoryError::Stopped(count));
            }
            self.writes.set((count + 1, limit));
        }
        write()
    }

    /// Writes a file that nobody reads yet.
    pub(super) fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), HistoryError> {
        self.step(|| {
            make_parent(path)?;
            let written = File::create(path).and_then(|mut file| file.write_all(bytes));
            written.map_err(HistoryError::io("write", path))
        })
    }

    /// Gives a file its name, in place of the old one.
    pub(super) fn rename(&self, from: &Path, to: &Path) -> Result<(), HistoryError> {
        self.step(|| {
            make_parent(to)?;
            fs::rename(from, to).map_err(HistoryError::io("replace", to))
        })
    }

    /// Removes a file, where it is there.
    pub(super) fn remove(&self, path: &Path) -> Result<(), HistoryError> {
        if fs::symlink_metadata(path).is_err() {
            return Ok(());
        }
        self.step(|| fs::remove_file(path).map_err(HistoryError::io("remove", path)))
    }
}

/// Keeps a file under a second name; a copy where the disk knows no second names.
pub(super) fn keep(from: &Path, to: &Path) -> Result<(), HistoryError> {
    make_parent(to)?;
    match fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop)) {
        Ok(()) => Ok(()),
        Err(error) => Err(HistoryError::io("write", to)(error)),
    }
}

/// The digest of a file's bytes, `None` where there is no file.
pub(super) fn digest(path: &Path) -> Result<Option<String>, HistoryError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(hash(&bytes))),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(HistoryError::io("read", path)(error)),
    }
}

/// An id as a journal holds it.
pub(super) fn oid(text: &str) -> Result<Oid, HistoryError> {
    Oid::from_str(text).map_err(HistoryError::git("read the journal of the merge"))
}

fn make_parent(path: &Path) -> Result<(), HistoryError> {
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent).map_err(HistoryError::io("write", parent))
}

impl From<WorkspaceError> for HistoryError {
    fn from(error: WorkspaceError) -> Self {
        Self::Workspace(Box::new(error))
    }
}
