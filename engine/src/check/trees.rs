//! Trees: folders whose Terraform code is read as a whole, so that modules and their callers are seen together.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proxmox_mpc_code::check::Finding;

use super::{CheckError, CheckRequest};
use crate::history::Repository;
use crate::operation::Context;
use crate::settings;
use crate::timeline::code::{is_code, terraform_files};
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
pub(super) fn trees(request: &CheckRequest, context: &Context) -> Result<Vec<Tree>, CheckError> {
    let CheckRequest { workspace, files, staged, .. } = request;
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
    asked.into_iter().map(|(root, asked)| Tree::read(root, asked, *staged, &here, context)).collect()
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
    fn read(
        root: PathBuf,
        asked: BTreeSet<String>,
        staged: bool,
        here: &Path,
        context: &Context,
    ) -> Result<Self, CheckError> {
        let workspace = Workspace::at(&root);
        let repository = Repository::discover(&workspace)?;
        let files = if staged {
            let repository = repository.as_ref().ok_or_else(|| CheckError::NoRepository { folder: root.clone() })?;
            // Git names the index of `git commit -a` to its hooks.
            let is_hidden = |path: &str| path.split('/').any(|part| part.starts_with('.'));
            let index = context.sources().variable("GIT_INDEX_FILE");
            repository.index_files(index, |path| is_code(path) && !is_hidden(path))?
        } else {
            terraform_files(&workspace)?
        };
        let prefix = match root.strip_prefix(here) {
            Ok(below) if below.as_os_str().is_empty() => String::new(),
            Ok(below) => format!("{}/", below.display()),
            Err(_) => format!("{}/", root.display()),
        };
        // A folder that was asked for as a whole means everything.
        let asked = if asked.contains("") { BTreeSet::new() } else { asked };
        Ok(Self { root, files, asked, prefix, repository })
    }

    /// Reports whether a finding is wanted.
    pub(super) fn is_asked_for(&self, finding: &Finding) -> bool {
        let is_below = |file: &str, path: &String| {
            file.strip_prefix(path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let is_asked = |file: &str| self.asked.iter().any(|path| is_below(file, path));
        // Of two places that do not go together, either may be the new one.
        let places = finding.related.iter().map(|related| &related.place).chain([&finding.place]);
        self.asked.is_empty() || places.into_iter().any(|place| is_asked(&place.file))
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
        let below =
            here.and_then(|here| Path::new(&path).strip_prefix(here).ok().map(|path| path.display().to_string()));
        below.unwrap_or(path)
    }
}
