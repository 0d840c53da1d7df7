//! Trees: folders whose Terraform code is read as a whole, so that modules and their callers are seen together.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proxmox_mpc_code::check::Finding;

use super::CheckError;
use crate::history::Repository;
use crate::operation::Context;
use crate::settings;
use crate::timeline::code::terraform_files;
use crate::workspace::{FileSet, Workspace};

/// A folder with its code.
pub(super) struct Tree {
    /// The folder.
    pub(super) root: PathBuf,
    /// Its files, by path relative to it.
    pub(super) files: FileSet,
    /// The paths below it that were asked for, relative to it; empty for all.
    asked: BTreeSet<String>,
    /// The folder as messages begin with it.
    prefix: String,
    repository: Option<Repository>,
}

/// The trees that files and folders are in; that of the workspace where none are named.
pub(super) fn trees(workspace: &Path, files: &[PathBuf], context: &Context) -> Result<Vec<Tree>, CheckError> {
    let mut asked: BTreeMap<PathBuf, BTreeSet<String>> = BTreeMap::new();
    if files.is_empty() {
        let workspace = settings::workspace(context, workspace)?;
        let root = real(workspace.root())?;
        asked.insert(if workspace.is_marked() { root } else { around(&root)? }, BTreeSet::new());
    }
    for file in files {
        let path = real(file)?;
        let folder = if path.is_dir() { path.as_path() } else { path.parent().unwrap_or(&path) };
        let root = around(folder)?;
        let relative = path.strip_prefix(&root).unwrap_or(&path).to_string_lossy().into_owned();
        asked.entry(root).or_default().insert(relative);
    }
    let here = real(Path::new("."))?;
    asked.into_iter().map(|(root, asked)| Tree::read(root, asked, &here)).collect()
}

/// The folder around a folder that is read as a whole: the workspace, else the git repository, else the folder itself.
fn around(folder: &Path) -> Result<PathBuf, CheckError> {
    let workspace = Workspace::around(folder);
    if workspace.is_marked() {
        return real(workspace.root());
    }
    Ok(Repository::discover(&workspace)?.map_or_else(|| folder.to_owned(), |repository| repository.root().to_owned()))
}

fn real(path: &Path) -> Result<PathBuf, CheckError> {
    fs::canonicalize(path).map_err(|_| CheckError::NoFile { path: path.to_owned() })
}

impl Tree {
    fn read(root: PathBuf, asked: BTreeSet<String>, here: &Path) -> Result<Self, CheckError> {
        let workspace = Workspace::at(&root);
        let files = terraform_files(&workspace)?;
        let prefix = match root.strip_prefix(here) {
            Ok(below) if below.as_os_str().is_empty() => String::new(),
            Ok(below) => format!("{}/", below.display()),
            Err(_) => format!("{}/", root.display()),
        };
        // A folder that was asked for as a whole means everything.
        let asked = if asked.contains("") { BTreeSet::new() } else { asked };
        let repository = Repository::discover(&workspace)?;
        Ok(Self { root, files, asked, prefix, repository })
    }

    /// Reports whether findings in a file are wanted.
    pub(super) fn is_asked_for(&self, file: &str) -> bool {
        let is_below = |path: &String| file == path || file.strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with('/'));
        self.asked.is_empty() || self.asked.iter().any(is_below)
    }

    /// Reports whether git ignores a file.
    pub(super) fn is_ignored(&self, file: &str) -> Result<bool, CheckError> {
        match &self.repository {
            Some(repository) => Ok(repository.ignores(file)?),
            None => Ok(false),
        }
    }

    /// A finding with paths as a person who stands in the current folder writes them.
    pub(super) fn shown(&self, mut finding: Finding) -> Finding {
        finding.place.file = self.shown_path(&finding.place.file);
        for related in &mut finding.related {
            related.place.file = self.shown_path(&related.place.file);
        }
        finding
    }

    fn shown_path(&self, file: &str) -> String {
        let path = format!("{}{file}", self.prefix);
        let here = fs::canonicalize(".").ok();
        let below = here.and_then(|here| Path::new(&path).strip_prefix(here).ok().map(|path| path.display().to_string()));
        below.unwrap_or(path)
    }
}
