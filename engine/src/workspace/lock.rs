//! Lock: one writer of a workspace at a time. It ends with the process that holds it.
//!
//! The operating system's lock on a file decides, so that a process that died leaves nothing locked; what the file says is
//! for people. A workspace that is not there yet is locked by a file beside it.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Workspace, WorkspaceError};

/// The holder of a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Holder {
    /// The person or program that asked for the operation: `alice@laptop`.
    pub actor: String,
    /// The number of the process.
    pub pid: u32,
    /// The time when it took the lock: `2026-11-23T00:50:00Z`.
    pub since: String,
}

impl Holder {
    /// An operation of this process, from `now` on.
    pub fn new(actor: String, now: String) -> Self {
        Self { actor, pid: process::id(), since: now }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { actor, pid, since } = self;
        write!(formatter, "{actor} (process {pid}, since {since})")
    }
}

/// A workspace that nobody else writes to for as long as this lives.
#[derive(Debug)]
pub struct Lock {
    /// Held open: the lock goes with it.
    _file: File,
    /// The path of the file, which is not left behind.
    path: PathBuf,
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(%error, path = %self.path.display(), "the file of the lock could not be removed");
        }
    }
}

/// The result of an attempt to lock a workspace.
#[derive(Debug)]
pub enum Attempt {
    /// The lock is ours.
    Locked(Lock),
    /// Another operation holds it; `None` where its file does not say yet who it is.
    Busy(Option<Holder>),
}

/// Tries to lock the workspace for `holder`. The workspace need not be there yet; its parent must.
pub fn attempt(workspace: &Workspace, holder: &Holder) -> Result<Attempt, WorkspaceError> {
    let outer = workspace.outer_lock()?;
    if !workspace.root().is_dir() {
        return match open(&outer, true)? {
            Some(file) if !workspace.root().is_dir() => lock(file, &outer, holder),
            // Meanwhile another first import has finished.
            _ => attempt(workspace, holder),
        };
    }
    workspace.make_private()?;
    let inner = workspace.lock();
    let Some(file) = open(&inner, true)? else { return attempt(workspace, holder) };
    let attempt = lock(file, &inner, holder)?;
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

/// The holder, as the file of the lock says.
fn read(path: &Path) -> Option<Holder> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Reports whether this is the file at the path, and not one that had the name before.
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let same = |one: &fs::Metadata, other: &fs::Metadata| (one.dev(), one.ino()) == (other.dev(), other.ino());
    matches!((file.metadata(), fs::metadata(path)), (Ok(one), Ok(other)) if same(&one, &other))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn me() -> Holder {
        Holder::new("alice@laptop".to_owned(), "2026-11-23T00:50:00Z".to_owned())
    }

    fn locked(workspace: &Workspace) -> Lock {
        match attempt(workspace, &me()).unwrap() {
            Attempt::Locked(lock) => lock,
            Attempt::Busy(holder) => panic!("{holder:?} has it"),
        }
    }

    fn busy(workspace: &Workspace) -> Option<Holder> {
        match attempt(workspace, &me()).unwrap() {
            Attempt::Busy(holder) => holder,
            Attempt::Locked(_) => panic!("two have it"),
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn one_writer_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(parent.path().join("lab"));
        let first = locked(&workspace);
        assert_eq!(busy(&workspace), Some(me()));
        fs::create_dir(workspace.root()).unwrap();
        assert_eq!(busy(&workspace), Some(me()), "who makes the workspace still works on it");
        drop(first);
        assert_eq!(names(parent.path()), ["lab"], "nothing is left beside it");
        let second = locked(&workspace);
        assert_eq!(busy(&workspace), Some(me()));
        drop(second);
        drop(locked(&workspace));
        assert_eq!(names(workspace.root()), [".proxmox-mpc"]);
        assert_eq!(names(&workspace.private()), [".gitignore"]);
    }

    #[test]
    fn leftovers_of_a_killed_operation_are_removed_and_nothing_else() {
        let parent = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(parent.path().join("lab"));
        fs::create_dir_all(workspace.private().join(".unfinished-a1b2c3/recording")).unwrap();
        fs::create_dir_all(workspace.recording()).unwrap();
        for name in [".lab.unfinished-x", ".lab2.unfinished-x", "unfinished-x"] {
            fs::create_dir(parent.path().join(name)).unwrap();
        }
        workspace.clean().unwrap();
        assert_eq!(names(parent.path()), [".lab2.unfinished-x", "lab", "unfinished-x"]);
        assert_eq!(names(&workspace.private()), ["recordings"]);
    }

    /// The variable that makes a process of these tests hold a lock until it is killed.
    const HOLD: &str = "PROXMOX_MPC_TEST_HOLD_LOCK";

    /// Started by the test below as another process; alone it does nothing.
    #[test]
    fn another_process_holds_the_lock() {
        let sources = crate::settings::Sources::of_process();
        let Some(folder) = sources.variable(HOLD) else { return };
        let _lock = locked(&Workspace::at(folder));
        std::thread::sleep(Duration::from_mins(10));
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a process that is killed without a chance to clean up behind itself"
    )]
    #[test]
    fn the_lock_of_a_dead_process_is_taken_over() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("lab");
        let workspace = Workspace::at(&folder);
        for there in [false, true] {
            if there {
                fs::create_dir(&folder).unwrap();
            }
            let mut child = process::Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "workspace::lock::tests::another_process_holds_the_lock"])
                .env(HOLD, &folder)
                .stdout(process::Stdio::null())
                .spawn()
                .unwrap();
            let file = if there { workspace.lock() } else { workspace.outer_lock().unwrap() };
            let began = Instant::now();
            while read(&file).is_none() {
                assert!(began.elapsed() < Duration::from_mins(1), "the other process did not lock");
                std::thread::sleep(Duration::from_millis(10));
            }
            assert_eq!(busy(&workspace), Some(Holder { pid: child.id(), ..me() }));
            child.kill().unwrap();
            child.wait().unwrap();
            assert!(file.exists(), "a killed process leaves its file");
            drop(locked(&workspace));
            assert!(!file.exists());
        }
    }
}
