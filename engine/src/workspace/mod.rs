//! The workspace: the folder of generated code, what an operation would change in it, and the change, whole or not at all.

mod apply;
mod clashes;
mod error;
mod layout;
pub mod lock;
pub mod patch;
mod path;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use similar::TextDiff;

#[cfg(test)]
pub(crate) use apply::apply_until;
pub use apply::{Edits, apply};
pub use clashes::Clash;
pub use error::WorkspaceError;
pub use layout::Workspace;
pub use lock::Holder;
pub use path::check_links;

/// Text by path relative to the workspace, always with `/`.
pub type FileSet = BTreeMap<String, String>;

/// SHA-256 in lower-case hexadecimal by path relative to the workspace.
pub type Hashes = BTreeMap<String, String>;

/// The files among these that are not as an earlier run wrote them, and that somebody has edited therefore. `known` are the
/// hashes of what runs wrote; what a run that was interrupted was about to write counts as written.
pub fn touched(workspace: &Workspace, files: &FileSet, known: &Hashes) -> Result<BTreeSet<String>, WorkspaceError> {
    let unfinished = Journal::read(workspace)?;
    let is_ours = |path: &str, text: &str| {
        let hash = hash(text.as_bytes());
        known.get(path) == Some(&hash) || unfinished.as_ref().is_some_and(|journal| journal.has(path, &hash))
    };
    Ok(files.iter().filter(|(path, text)| !is_ours(path, text)).map(|(path, _)| path.clone()).collect())
}

/// The changes that an operation would make to a workspace. Paths are relative to it and sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Changes {
    /// Files that are not there yet.
    pub created: Vec<String>,
    /// Files that have other text than before, and that nobody has touched.
    pub changed: Vec<String>,
    /// Files that we wrote once, that nobody has touched and that are no longer wanted.
    pub removed: Vec<String>,
    /// Files that are as they should be.
    pub unchanged: Vec<String>,
    /// Files that somebody else wrote or changed, and that should have other text.
    pub edited: Vec<Edit>,
    /// Files that are no longer wanted, but that somebody has changed: they stay.
    pub kept: Vec<String>,
    /// True if the manifest has other text than before.
    pub manifest: bool,
    /// True if an earlier run was interrupted, whose work this one finishes.
    pub interrupted: bool,
}

impl Changes {
    /// Reports whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.created.is_empty()
            && self.changed.is_empty()
            && self.removed.is_empty()
            && self.edited.is_empty()
            && !self.manifest
            && !self.interrupted
    }
}

/// A file that somebody else wrote or changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Edit {
    /// Its path relative to the workspace.
    pub path: String,
    /// True if an earlier run wrote it; otherwise the file is somebody's own, in the place of one of ours.
    pub ours: bool,
    /// From the file as it is to the text that it should have, as a unified difference.
    pub difference: String,
}

/// Compares the workspace with what it should hold. Writes nothing.
///
/// `manifest` is the text of the manifest. `known` are the hashes of the files that earlier runs wrote: a file with another
/// one was edited since.
pub fn plan(workspace: &Workspace, files: &FileSet, manifest: &str, known: &Hashes) -> Result<Changes, WorkspaceError> {
    let unfinished = Journal::read(workspace)?;
    let ours = |path: &str, hash: &str| {
        known.get(path).is_some_and(|known| known == hash)
            || unfinished.as_ref().is_some_and(|journal| journal.has(path, hash))
    };
    let mut changes = Changes { interrupted: unfinished.is_some(), ..Changes::default() };
    for (path, wanted) in files {
        match read(&workspace.file(path)?)? {
            None => changes.created.push(path.clone()),
            Some(current) if current == wanted.as_bytes() => changes.unchanged.push(path.clone()),
            Some(current) if ours(path, &hash(&current)) => changes.changed.push(path.clone()),
            Some(current) => {
                let ours = known.contains_key(path)
                    || unfinished.as_ref().is_some_and(|journal| journal.files.contains_key(path));
                changes.edited.push(Edit { path: path.clone(), ours, difference: difference(path, &current, wanted) });
            }
        }
    }
    let written = known.keys().chain(unfinished.iter().flat_map(|journal| journal.files.keys()));
    let gone: BTreeSet<&String> = written.filter(|path| !files.contains_key(*path)).collect();
    for path in gone {
        let Some(current) = read(&workspace.file(path)?)? else { continue };
        if ours(path, &hash(&current)) {
            changes.removed.push(path.clone());
        } else {
            changes.kept.push(path.clone());
        }
    }
    changes.manifest = read(&workspace.manifest())?.as_deref() != Some(manifest.as_bytes());
    Ok(changes)
}

/// The hash of each file, for the manifest.
pub fn hashes(files: &FileSet) -> Hashes {
    files.iter().map(|(path, text)| (path.clone(), hash(text.as_bytes()))).collect()
}

/// SHA-256 in lower-case hexadecimal.
pub fn hash(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Bytes as lower-case hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

/// Journal: the files that runs were about to write, kept in the private folder until the manifest says the same: a run that was
/// interrupted is recognised by it, and its files are not taken for somebody's edits.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
struct Journal {
    /// The hashes that a file may have, since more than one run in a row may have been interrupted.
    files: BTreeMap<String, BTreeSet<String>>,
}

impl Journal {
    fn read(workspace: &Workspace) -> Result<Option<Self>, WorkspaceError> {
        // A journal that cannot be understood was not written by us: an unfinished one is never renamed into place.
        Ok(read(&workspace.journal())?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    fn with(mut self, files: &FileSet) -> Self {
        for (path, hash) in hashes(files) {
            self.files.entry(path).or_default().insert(hash);
        }
        self
    }

    fn has(&self, path: &str, hash: &str) -> bool {
        self.files.get(path).is_some_and(|hashes| hashes.contains(hash))
    }

    fn text(&self) -> String {
        serde_json::to_string(self).expect("a journal is plain text")
    }
}

/// The bytes of a file of the workspace, `None` where there is none.
fn read(path: &Path) -> Result<Option<Vec<u8>>, WorkspaceError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => {
            fs::read(path).map(Some).map_err(|source| WorkspaceError::io("read", path, source))
        }
        Ok(_) => Err(WorkspaceError::NotAFile { path: path.to_owned() }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(WorkspaceError::io("read", path, source)),
    }
}

fn difference(path: &str, current: &[u8], wanted: &str) -> String {
    let current = String::from_utf8_lossy(current);
    TextDiff::from_lines(current.as_ref(), wanted)
        .unified_diff()
        .header(&format!("{path} (as it is)"), &format!("{path} (as it would be written)"))
        .to_string()
}

#[cfg(test)]
mod tests;
