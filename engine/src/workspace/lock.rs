//! One run at a time: a lock on the workspace, which ends with the process that holds it.
//!
//! The operating system's lock on a file decides, so that a run that died leaves nothing locked; what the file says is for
//! people. A workspace that is not there yet is locked by a file beside it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PRIVATE, UNFINISHED, WorkspaceError, beside, private};

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Holder {
    /// The number of its process.
    pub pid: u32,
    /// Since when: `2026-11-23T00:50:00Z`.
    pub since: String,
}

/// A workspace that nobody else writes to for as long as this lives.
#[derive(Debug)]
pub struct Lock {
    /// Held open: the lock goes with it.
    _file: File,
    /// Where the file is, which is not left behind.
    path: PathBuf,
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(%error, path = %self.path.display(), "the file of the lock could not be removed");
        }
    }
}

/// What came of the attempt to lock a workspace.
#[derive(Debug)]
pub enum Attempt {
    /// It is ours.
    Locked(Lock),
    /// Another run has it; `None` where it has not said yet who it is.
    Busy(Option<Holder>),
}

/// Tries to lock the workspace in `folder`, which need not be there yet; its parent must. `now` is the time to write down.
pub fn attempt(folder: &Path, now: &str) -> Result<Attempt, WorkspaceError> {
    let holder = Holder { pid: std::process::id(), since: now.to_owned() };
    let outer = beside(folder, "lock")?;
    if !folder.is_dir() {
        return match open(&outer, true)? {
            Some(file) if !folder.is_dir() => lock(file, &outer, &holder),
            // Meanwhile another first import has finished.
            _ => attempt(folder, now),
        };
    }
    let inner = private(folder)?.join("lock");
    let Some(file) = open(&inner, true)? else { return attempt(folder, now) };
    let attempt = lock(file, &inner, &holder)?;
    // Whoever makes the workspace just now holds the lock beside it until everything is in its place.
    if let Attempt::Locked(_) = &attempt
        && let Some(file) = open(&outer, false)?
        && let Err(TryLockError::WouldBlock) = file.try_lock_shared()
    {
        return Ok(Attempt::Busy(read(&outer)));
    }
    Ok(attempt)
}

/// Opens the file of a lock; `None` where it is not there and not to be made, or is not the one at that path any more.
fn open(path: &Path, make: bool) -> Result<Option<File>, WorkspaceError> {
    match OpenOptions::new().read(true).write(true).create(make).truncate(false).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !make => Ok(None),
        Err(source) => Err(WorkspaceError::io("lock", path, source)),
    }
}

fn lock(mut file: File, path: &Path, holder: &Holder) -> Result<Attempt, WorkspaceError> {
    let failed = |source| WorkspaceError::io("lock", path, source);
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Attempt::Busy(read(path))),
        // A file system without locks has one run at a time only if its users see to it.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
            tracing::warn!(path = %path.display(), "this file system knows no locks: do not import twice at once");
        }
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    if !is_at(&file, path) {
        // Its last holder removed it after it was opened here: it is nobody's lock any more.
        return Ok(Attempt::Busy(None));
    }
    file.set_len(0).map_err(failed)?;
    file.write_all(serde_json::to_string(holder).expect("a holder is plain text").as_bytes()).map_err(failed)?;
    Ok(Attempt::Locked(Lock { _file: file, path: path.to_owned() }))
}

/// What the file of a lock says of its holder.
fn read(path: &Path) -> Option<Holder> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Whether this is the file at the path, and not one that had the name before.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let same = |one: &fs::Metadata, other: &fs::Metadata| (one.dev(), one.ino()) == (other.dev(), other.ino());
    matches!((file.metadata(), fs::metadata(path)), (Ok(one), Ok(other)) if same(&one, &other))
}

/// Whether this is the file at the path: elsewhere than on Unix a file that is open keeps its name.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

/// Removes what runs that were killed left in the workspace and beside it. Only for whoever holds the lock.
pub fn clean(folder: &Path) -> Result<(), WorkspaceError> {
    let remove = |place: &Path, prefix: &str| {
        let failed = |source| WorkspaceError::io("remove", place, source);
        let entries = match fs::read_dir(place) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(failed(source)),
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            if entry.file_name().to_string_lossy().starts_with(prefix) {
                fs::remove_dir_all(entry.path())
                    .map_err(|source| WorkspaceError::io("remove", &entry.path(), source))?;
            }
        }
        Ok(())
    };
    remove(&folder.join(PRIVATE), &format!(".{UNFINISHED}"))?;
    let outer = beside(folder, UNFINISHED)?;
    let name = outer.file_name().unwrap_or_default().to_string_lossy();
    remove(outer.parent().unwrap_or(Path::new(".")), &name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-23T00:50:00Z";

    fn locked(folder: &Path) -> Lock {
        match attempt(folder, NOW).unwrap() {
            Attempt::Locked(lock) => lock,
            Attempt::Busy(holder) => panic!("{holder:?} has it"),
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn one_run_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("lab");
        let me = Some(Holder { pid: std::process::id(), since: NOW.to_owned() });
        let busy = |folder: &Path| match attempt(folder, NOW).unwrap() {
            Attempt::Busy(holder) => holder,
            Attempt::Locked(_) => panic!("two have it"),
        };
        let first = locked(&folder);
        assert_eq!(busy(&folder), me);
        fs::create_dir(&folder).unwrap();
        assert_eq!(busy(&folder), me, "who makes the workspace still works on it");
        drop(first);
        assert_eq!(names(parent.path()), ["lab"], "nothing is left beside it");
        let second = locked(&folder);
        assert_eq!(busy(&folder), me);
        drop(second);
        drop(locked(&folder));
        assert_eq!(names(&folder), [".proxmox-mpc"]);
        assert_eq!(names(&folder.join(".proxmox-mpc")), [".gitignore"]);
    }

    #[test]
    fn what_a_killed_run_left_is_removed_and_nothing_else() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("lab");
        fs::create_dir_all(folder.join(".proxmox-mpc/.unfinished-a1b2c3/recording")).unwrap();
        fs::create_dir_all(folder.join(".proxmox-mpc/recordings/latest")).unwrap();
        for name in [".lab.unfinished-x", ".lab2.unfinished-x", "unfinished-x"] {
            fs::create_dir(parent.path().join(name)).unwrap();
        }
        clean(&folder).unwrap();
        assert_eq!(names(parent.path()), [".lab2.unfinished-x", "lab", "unfinished-x"]);
        assert_eq!(names(&folder.join(".proxmox-mpc")), ["recordings"]);
    }
}
