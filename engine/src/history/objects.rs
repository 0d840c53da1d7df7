//! Objects: files of the workspace at a commit, by path and blob, and new trees made of old ones.

use std::collections::BTreeMap;
use std::path::Path;

use git2::{FileMode, ObjectType, Tree};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{HistoryError, Oid, Repository};
use crate::workspace::FileSet;

/// A file that differs between two commits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PathChange {
    /// The path relative to the workspace.
    pub path: String,
    /// The blob before; `None` where the file was not there.
    pub old: Option<String>,
    /// The blob after; `None` where the file is not there.
    pub new: Option<String>,
}

/// A file of a tree: its blob and its mode. `None` removes it.
pub(super) type Entry = Option<(Oid, i32)>;

impl Repository {
    /// The text files of the workspace at a commit, by path relative to the workspace.
    pub fn files(&self, commit: Oid) -> Result<FileSet, HistoryError> {
        self.files_below(commit, "")
    }

    /// The text files below a folder of the workspace (or the file itself) at a commit, by path relative to the workspace.
    pub fn files_below(&self, commit: Oid, below: &str) -> Result<FileSet, HistoryError> {
        self.files_where(commit, below, |_| true)
    }

    /// The text files of the workspace at HEAD whose paths relative to the workspace pass; empty on an unborn branch.
    pub fn head_files(&self, wanted: impl Fn(&str) -> bool) -> Result<FileSet, HistoryError> {
        match self.head()? {
            Some(head) => self.files_where(head, "", wanted),
            None => Ok(FileSet::new()),
        }
    }

    fn files_where(
        &self,
        commit: Oid,
        below: &str,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<FileSet, HistoryError> {
        let mut files = FileSet::new();
        for (path, blob) in self.blobs(commit, below)? {
            if wanted(&path)
                && let Some(text) = self.text(blob)?
            {
                files.insert(path, text);
            }
        }
        Ok(files)
    }

    /// The text of one file of the workspace at a commit; `None` where it is not there or not UTF-8.
    pub fn file(&self, commit: Oid, path: &str) -> Result<Option<String>, HistoryError> {
        match self.entry(self.tree_of(commit)?, &self.path_in_repository(path))? {
            Some((blob, _)) => self.text(blob),
            None => Ok(None),
        }
    }

    /// The blobs below a folder of the workspace (or of the file itself) at a commit, by path relative to the workspace: equal
    /// ids are equal bytes. Links and submodules are not listed.
    pub fn blobs(&self, commit: Oid, below: &str) -> Result<BTreeMap<String, Oid>, HistoryError> {
        let mut blobs = BTreeMap::new();
        let below = below.trim_end_matches('/');
        let whole = match below {
            "" => self.prefix.clone(),
            below => self.path_in_repository(below),
        };
        let tree = self.tree_of(commit)?;
        match self.subtree(tree, &whole)? {
            Some(tree) => collect(&self.git, &tree, below, &mut blobs)?,
            None => {
                if let Some((blob, _)) = self.entry(tree, &whole)? {
                    blobs.insert(below.to_owned(), blob);
                }
            }
        }
        Ok(blobs)
    }

    /// The text of a blob; `None` where it is not UTF-8.
    pub fn text(&self, blob: Oid) -> Result<Option<String>, HistoryError> {
        let blob = self.git.find_blob(blob).map_err(HistoryError::git("read a file"))?;
        Ok(std::str::from_utf8(blob.content()).ok().map(str::to_owned))
    }

    /// The files of the workspace that differ between two commits; without a first one, all files of the second. Sorted.
    pub fn tree_diff(&self, old: Option<Oid>, new: Oid) -> Result<Vec<PathChange>, HistoryError> {
        let subtree = |commit| self.subtree(self.tree_of(commit)?, &self.prefix);
        let old = old.map(subtree).transpose()?.flatten();
        let new = subtree(new)?;
        if old.is_none() && new.is_none() {
            return Ok(Vec::new());
        }
        let diff = self.git.diff_tree_to_tree(old.as_ref(), new.as_ref(), None);
        let diff = diff.map_err(HistoryError::git("compare two commits"))?;
        let id = |id: Oid| (!id.is_zero()).then(|| id.to_string());
        let mut changes: Vec<PathChange> = diff
            .deltas()
            .filter_map(|delta| {
                let path = delta.new_file().path().or(delta.old_file().path())?.to_string_lossy().into_owned();
                Some(PathChange { path, old: id(delta.old_file().id()), new: id(delta.new_file().id()) })
            })
            .collect();
        changes.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(changes)
    }

    /// The tree of a commit.
    pub(super) fn tree_of(&self, commit: Oid) -> Result<Oid, HistoryError> {
        let commit = self.git.find_commit(commit).map_err(HistoryError::git("read a commit"))?;
        Ok(commit.tree_id())
    }

    /// The folder of a tree; the tree itself for the empty path.
    pub(super) fn subtree(&self, tree: Oid, path: &str) -> Result<Option<Tree<'_>>, HistoryError> {
        let failed = HistoryError::git("read a tree");
        let tree = self.git.find_tree(tree).map_err(&failed)?;
        if path.is_empty() {
            return Ok(Some(tree));
        }
        match tree.get_path(Path::new(path)) {
            Ok(entry) if entry.kind() == Some(ObjectType::Tree) => {
                self.git.find_tree(entry.id()).map(Some).map_err(&failed)
            }
            _ => Ok(None),
        }
    }

    /// The blob and the mode of a file of a tree; links count as files here, their mode tells them.
    pub(super) fn entry(&self, tree: Oid, path: &str) -> Result<Entry, HistoryError> {
        let tree = self.git.find_tree(tree).map_err(HistoryError::git("read a tree"))?;
        Ok(tree
            .get_path(Path::new(path))
            .ok()
            .filter(|entry| entry.kind() == Some(ObjectType::Blob))
            .map(|entry| (entry.id(), entry.filemode())))
    }

    /// Writes a blob.
    pub(super) fn blob(&self, text: &str) -> Result<Oid, HistoryError> {
        self.git.blob(text.as_bytes()).map_err(HistoryError::git("write a file"))
    }

    /// Writes the tree that differs from `base` in these paths, which are relative to the root. Folders without files go.
    pub(super) fn updated_tree(
        &self,
        base: Option<Oid>,
        changes: &BTreeMap<String, Entry>,
    ) -> Result<Oid, HistoryError> {
        let failed = HistoryError::git("write a tree");
        let base = base.map(|base| self.git.find_tree(base)).transpose().map_err(&failed)?;
        let changes: Vec<(&str, Entry)> = changes.iter().map(|(path, entry)| (path.as_str(), *entry)).collect();
        match updated(&self.git, base.as_ref(), &changes).map_err(&failed)? {
            Some(tree) => Ok(tree),
            None => self.git.treebuilder(None).and_then(|builder| builder.write()).map_err(&failed),
        }
    }
}

/// Writes a tree with changes below it; `None` where nothing is left in it. The changes are sorted by path.
fn updated(
    git: &git2::Repository,
    base: Option<&Tree<'_>>,
    changes: &[(&str, Entry)],
) -> Result<Option<Oid>, git2::Error> {
    let mut builder = git.treebuilder(base)?;
    let mut below: BTreeMap<&str, Vec<(&str, Entry)>> = BTreeMap::new();
    for (path, entry) in changes {
        if let Some((folder, rest)) = path.split_once('/') {
            below.entry(folder).or_default().push((rest, *entry));
            continue;
        }
        match entry {
            Some((blob, mode)) => {
                builder.insert(*path, *blob, *mode)?;
            }
            None if builder.get(*path)?.is_some() => builder.remove(*path)?,
            None => {}
        }
    }
    for (folder, changes) in below {
        let old = builder.get(folder)?.filter(|entry| entry.kind() == Some(ObjectType::Tree)).map(|entry| entry.id());
        let is_file = old.is_none() && builder.get(folder)?.is_some();
        if is_file && changes.iter().all(|(_, entry)| entry.is_none()) {
            continue; // A file took the folder's place: its files are gone already.
        }
        let old = old.map(|old| git.find_tree(old)).transpose()?;
        match updated(git, old.as_ref(), &changes)? {
            Some(tree) => {
                builder.insert(folder, tree, i32::from(FileMode::Tree))?;
            }
            None if builder.get(folder)?.is_some() => builder.remove(folder)?,
            None => {}
        }
    }
    if builder.is_empty() { Ok(None) } else { builder.write().map(Some) }
}

/// Adds the files of a tree.
fn collect(
    git: &git2::Repository,
    tree: &Tree<'_>,
    folder: &str,
    blobs: &mut BTreeMap<String, Oid>,
) -> Result<(), HistoryError> {
    for entry in tree {
        let name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        match entry.kind() {
            Some(ObjectType::Blob) if entry.filemode() != i32::from(FileMode::Link) => {
                blobs.insert(path, entry.id());
            }
            Some(ObjectType::Tree) => {
                let tree = git.find_tree(entry.id()).map_err(HistoryError::git("read a tree"))?;
                collect(git, &tree, &path, blobs)?;
            }
            _ => {}
        }
    }
    Ok(())
}
