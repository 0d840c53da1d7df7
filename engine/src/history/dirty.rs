//! Changes of the work tree that are not committed.

use std::collections::BTreeMap;
use std::fs;

use git2::{Status, StatusOptions};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{HistoryError, Repository};
use crate::operation::Context;
use crate::workspace::Workspace;

/// A file under version control with changes that are not committed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DirtyFile {
    /// The path relative to the root of the work tree.
    pub path: String,
    /// True for a file of the workspace, false for one beside it.
    pub inside: bool,
    /// True if the index differs from HEAD.
    pub staged: bool,
    /// True if the work tree differs from the index.
    pub changed: bool,
}

impl Repository {
    /// The files under version control with changes that are not committed, in the whole work tree, sorted. Submodules, files
    /// outside a sparse checkout and our private folder do not count; neither do line ends that git itself would convert.
    pub fn dirty(&self, context: &Context) -> Result<Vec<DirtyFile>, HistoryError> {
        let states = if self.has_program(context)? { self.states_of_program(context)? } else { self.states()? };
        let beginning = self.path_in_repository("");
        let private = self.path_in_repository(&format!("{}/", Workspace::PRIVATE));
        let files = states.into_iter().filter(|(path, _)| !path.starts_with(&private));
        Ok(files
            .map(|(path, (staged, changed))| {
                let inside = path.starts_with(&beginning);
                DirtyFile { path, inside, staged, changed }
            })
            .collect())
    }

    /// The paths among these, relative to the workspace, at which there is a file that git does not know and that has other text
    /// than the given one.
    pub fn in_the_way<'t>(
        &self,
        files: impl IntoIterator<Item = (&'t String, &'t Option<String>)>,
    ) -> Result<Vec<String>, HistoryError> {
        let head = self.head()?.map(|head| self.tree_of(head)).transpose()?;
        let index = self.git.index().ok(); // A split or sparse index: HEAD decides alone.
        let mut paths = Vec::new();
        for (path, text) in files {
            let (Some(text), whole) = (text, self.path_in_repository(path)) else { continue };
            let staged = index.as_ref().is_some_and(|index| index.get_path(whole.as_ref(), 0).is_some());
            let known = staged || head.map(|tree| self.entry(tree, &whole)).transpose()?.flatten().is_some();
            let file = self.root.join(&whole);
            if known || fs::symlink_metadata(&file).is_err() {
                continue;
            }
            let same = fs::read_to_string(&file).is_ok_and(|current| current.replace("\r\n", "\n") == *text);
            if !same {
                paths.push(whole);
            }
        }
        Ok(paths)
    }

    /// Puts the times of the files into the index: `git merge --abort` takes a file with other times for an edited one.
    pub(super) fn refresh_index(&self, program: bool, context: &Context) {
        if program {
            self.command_and_forget(&["update-index", "-q", "--refresh"], context);
            return;
        }
        let mut options = StatusOptions::new();
        options.include_untracked(false).exclude_submodules(true).update_index(true);
        let refreshed = self.git.index().and_then(|mut index| index.read(true));
        if let Err(error) = refreshed.and_then(|()| self.git.statuses(Some(&mut options)).map(drop)) {
            tracing::debug!(%error, "the index could not be refreshed");
        }
    }

    /// Staged and changed, by path, as the `git` program sees it.
    fn states_of_program(&self, context: &Context) -> Result<BTreeMap<String, (bool, bool)>, HistoryError> {
        let command =
            ["status", "--porcelain=v1", "-z", "--untracked-files=no", "--ignore-submodules=all", "--no-renames"];
        let text = self.run(&self.command(&command), context)?.join("\n");
        let mut states = BTreeMap::new();
        for entry in text.split('\0') {
            let Some((state, path)) = entry.split_at_checked(3) else { continue };
            let state = state.as_bytes();
            states.insert(path.to_owned(), (state[0] != b' ', state[1] != b' '));
        }
        Ok(states)
    }

    /// Staged and changed, by path, as libgit2 sees it.
    fn states(&self) -> Result<BTreeMap<String, (bool, bool)>, HistoryError> {
        const SKIP_WORKTREE: u16 = 1 << 14; // `CE_SKIP_WORKTREE` of git's cache.h, in the extended flags.
        let failed = HistoryError::git("compare the work tree");
        let mut options = StatusOptions::new();
        options.include_untracked(false).include_ignored(false).exclude_submodules(true);
        let staged = Status::INDEX_NEW
            | Status::INDEX_MODIFIED
            | Status::INDEX_DELETED
            | Status::INDEX_TYPECHANGE
            | Status::CONFLICTED;
        let changed = Status::WT_MODIFIED | Status::WT_DELETED | Status::WT_TYPECHANGE | Status::CONFLICTED;
        let index = self.git.index().map_err(&failed)?;
        let mut states = BTreeMap::new();
        for entry in self.git.statuses(Some(&mut options)).map_err(&failed)?.iter() {
            let path = String::from_utf8_lossy(entry.path_bytes()).into_owned();
            // libgit2 takes what a sparse checkout excludes for deleted.
            let known = index.get_path(path.as_ref(), 0);
            let excluded = known.is_some_and(|known| known.flags_extended & SKIP_WORKTREE != 0);
            let (staged, changed) =
                (entry.status().intersects(staged), entry.status().intersects(changed) && !excluded);
            if staged || changed {
                states.insert(path, (staged, changed));
            }
        }
        Ok(states)
    }
}
