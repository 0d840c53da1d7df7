//! Application of changes to a workspace: everything is written aside first, then each file is renamed into its place,
//! the manifest last.
//!
//! Stopped at any step, each file has its old text or its new one, and the next run finishes the work.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::workspace::{Changes, FileSet, Journal, Workspace, WorkspaceError, clashes, path};

/// The treatment of files that somebody has edited.
#[derive(Clone, Copy, Debug)]
pub enum Edits<'a> {
    /// Stop, and write nothing at all.
    Stop,
    /// Overwrite them, and keep each below `.proxmox-mpc/backup/<name>/` under its own path.
    Overwrite {
        /// The name of the folder of copies: the time of the run.
        backup: &'a str,
    },
}

/// Makes the workspace what [`super::plan`] found that it should be; `manifest` is the text of the manifest. A folder that is
/// not there yet appears whole or not at all; its parent must be there.
pub fn apply(
    workspace: &Workspace,
    files: &FileSet,
    manifest: &str,
    changes: &Changes,
    edits: Edits<'_>,
) -> Result<(), WorkspaceError> {
    if !changes.edited.is_empty() && matches!(edits, Edits::Stop) {
        return Err(WorkspaceError::Edited { edits: changes.edited.clone() });
    }
    let clashes = clashes::clashes(workspace, files, changes)?;
    if !clashes.is_empty() {
        return Err(WorkspaceError::Clashing { clashes });
    }
    if changes.is_empty() {
        return Ok(());
    }
    match fs::metadata(workspace.root()) {
        Ok(metadata) if metadata.is_dir() => run(&steps(workspace, files, manifest, changes, edits)?),
        Ok(_) => Err(WorkspaceError::NotAFolder { path: workspace.root().to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(workspace, files, manifest, changes),
        Err(source) => Err(WorkspaceError::io("read", workspace.root(), source)),
    }
}

/// Makes a new workspace under another name beside it, then gives it its own.
fn create(workspace: &Workspace, files: &FileSet, manifest: &str, changes: &Changes) -> Result<(), WorkspaceError> {
    let new = workspace.new_root()?;
    run(&steps(&Workspace::at(new.path()), files, manifest, changes, Edits::Stop)?)?;
    let root = workspace.root();
    fs::rename(new.path(), root).map_err(|source| WorkspaceError::io("write", root, source))?;
    if let Some(parent) = new.path().parent() {
        sync_folder(parent);
    }
    drop(new.keep()); // It has its name now: there is nothing left to remove.
    Ok(())
}

/// A step that is done whole, or not at all.
#[derive(Debug)]
enum Step<'t> {
    /// Removes what an interrupted run left aside.
    Clean { folder: PathBuf },
    /// Writes text to a file that nobody reads yet, and waits until the disk has it.
    Write { path: PathBuf, text: Cow<'t, str> },
    /// Keeps a copy of an edited file.
    Copy { from: PathBuf, to: PathBuf },
    /// Gives a written file its name, in place of the old one.
    Rename { from: PathBuf, to: PathBuf },
    /// Removes a file that is no longer wanted.
    Remove { path: PathBuf },
}

fn run(steps: &[Step<'_>]) -> Result<(), WorkspaceError> {
    steps.iter().try_for_each(execute)
}

/// The steps in their order. The journal is in place before the first file is replaced, and goes when the manifest
/// says the same.
fn steps<'t>(
    workspace: &Workspace,
    files: &'t FileSet,
    manifest: &'t str,
    changes: &Changes,
    edits: Edits<'_>,
) -> Result<Vec<Step<'t>>, WorkspaceError> {
    let (staging, journal) = (workspace.staging(), workspace.journal());
    let journal_text = Journal::read(workspace)?.unwrap_or_default().with(files).text();
    let mut steps = vec![Step::Clean { folder: staging.clone() }];
    let (ignore, text) = workspace.ignore();
    if fs::symlink_metadata(&ignore).is_err() {
        steps.push(Step::Write { path: ignore, text: text.into() });
    }
    let mut renames = Vec::new();
    let edited = changes.edited.iter().map(|edit| &edit.path);
    for relative in changes.created.iter().chain(&changes.changed).chain(edited.clone()) {
        let Some(text) = files.get(relative) else { continue };
        let aside = path::inside(&staging, relative)?;
        steps.push(Step::Write { path: aside.clone(), text: text.into() });
        renames.push(Step::Rename { from: aside, to: workspace.file(relative)? });
    }
    let manifest_aside = staging.join(Workspace::MANIFEST);
    steps.push(Step::Write { path: manifest_aside.clone(), text: manifest.into() });
    let journal_aside = staging.join("unfinished.json");
    steps.push(Step::Write { path: journal_aside.clone(), text: journal_text.into() });
    if let Edits::Overwrite { backup } = edits {
        for relative in edited {
            let to = path::inside(&workspace.backup(backup), relative)?;
            steps.push(Step::Copy { from: workspace.file(relative)?, to });
        }
    }
    steps.push(Step::Rename { from: journal_aside, to: journal.clone() });
    steps.append(&mut renames);
    for relative in &changes.removed {
        steps.push(Step::Remove { path: workspace.file(relative)? });
    }
    steps.push(Step::Rename { from: manifest_aside, to: workspace.manifest() });
    steps.push(Step::Remove { path: journal });
    steps.push(Step::Clean { folder: staging });
    Ok(steps)
}

fn execute(step: &Step<'_>) -> Result<(), WorkspaceError> {
    match step {
        Step::Clean { folder } => match fs::remove_dir_all(folder) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(WorkspaceError::io("remove", folder, source))
            }
            _ => Ok(()),
        },
        Step::Write { path, text } => {
            make_parent(path)?;
            let write = || {
                let mut file = File::create(path)?;
                file.write_all(text.as_bytes())?;
                file.sync_all()
            };
            write().map_err(|source| WorkspaceError::io("write", path, source))
        }
        Step::Copy { from, to } => {
            make_parent(to)?;
            let copy = || {
                fs::copy(from, to)?;
                File::open(to)?.sync_all()
            };
            copy().map_err(|source| WorkspaceError::io("write", to, source))
        }
        Step::Rename { from, to } => {
            let parent = make_parent(to)?;
            fs::rename(from, to).map_err(|source| WorkspaceError::io("replace", to, source))?;
            sync_folder(parent);
            Ok(())
        }
        Step::Remove { path } => match fs::remove_file(path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(WorkspaceError::io("remove", path, source)),
            _ => Ok(()),
        },
    }
}

fn make_parent(path: &Path) -> Result<&Path, WorkspaceError> {
    let parent = path.parent().expect("every path is inside the workspace");
    fs::create_dir_all(parent).map_err(|source| WorkspaceError::io("write", parent, source))?;
    Ok(parent)
}

/// Waits until the disk has the names of a folder, without which a rename may not outlive a power cut.
fn sync_folder(folder: &Path) {
    if cfg!(unix) {
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        // Some network and overlay file systems know no such thing; the rename itself is done.
        if let Err(error) = synced {
            tracing::debug!(%error, folder = %folder.display(), "the folder could not be synchronised");
        }
    }
}

/// The first `count` steps only, as a crash would leave them.
#[cfg(test)]
pub(crate) fn apply_until(
    count: usize,
    workspace: &Workspace,
    files: &FileSet,
    manifest: &str,
    changes: &Changes,
    edits: Edits<'_>,
) -> usize {
    let steps = steps(workspace, files, manifest, changes, edits).unwrap();
    run(&steps[..count.min(steps.len())]).unwrap();
    steps.len()
}
