//! Merge of a generated tree into the person's code at HEAD.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proxmox_mpc_code::configuration::StateInstance;
use proxmox_mpc_code::merge::Merge;
use proxmox_mpc_generators::FileSet;
use proxmox_mpc_generators::adopt::{self, Instance, StateError};

use super::{MergeReport, SyncError};
use crate::history::{FileConflict, Repository};
use crate::import::ImportError;
use crate::timeline::code::is_optional;
use crate::timeline::generated_tree::{self, GeneratedTree};
use crate::workspace::patch::patch;

/// A merge that is computed, and not yet carried out.
pub(super) struct Merging {
    base: FileSet,
    theirs: FileSet,
    ours: FileSet,
    merge: Merge,
}

/// Merges the change from `base` to `theirs` into the files at HEAD.
pub(super) fn merge(
    repository: &Repository,
    mut base: GeneratedTree,
    mut theirs: GeneratedTree,
    state: &[StateInstance],
) -> Result<Merging, SyncError> {
    let generated: BTreeSet<&String> = base.files.keys().chain(theirs.files.keys()).collect();
    let ours = repository.head_files(|path| is_code(path) || generated.contains(&path.to_owned()))?;
    leave_own(&mut base.files, &mut theirs.files, &ours);
    let merge = generated_tree::merge(&base, &theirs, &ours, state);
    Ok(Merging { base: base.files, theirs: theirs.files, ours, merge })
}

/// Reports whether a path is Terraform code, or values for it.
fn is_code(path: &str) -> bool {
    [".tf", ".tf.json", ".tfvars", ".tfvars.json"].iter().any(|end| path.ends_with(end))
}

/// Takes the files out of the merge that people write themselves, if they are not as generated.
pub(crate) fn leave_own(base: &mut FileSet, theirs: &mut FileSet, ours: &FileSet) {
    let is_own = |path: &String, base: &FileSet| {
        is_optional(path) && ours.get(path).is_some_and(|own| base.get(path) != Some(own))
    };
    let own: Vec<String> = theirs.keys().chain(base.keys()).filter(|path| is_own(path, base)).cloned().collect();
    for path in own {
        base.remove(&path);
        theirs.remove(&path);
    }
}

/// Reads the instances of a state: the output of `terraform show -json`, or a state file.
pub(super) fn state(path: &Path) -> Result<Vec<StateInstance>, ImportError> {
    let bytes = fs::read(path).map_err(|source| ImportError::Read { path: path.to_owned(), source })?;
    let instances = adopt::parse(&bytes).map_err(|source| ImportError::State { path: path.to_owned(), source })?;
    Ok(instances.iter().filter_map(Instance::to_locate).collect())
}

/// A state without resources of Proxmox says nothing, which is no error of a sync.
pub(super) fn empty(error: ImportError) -> Result<Vec<StateInstance>, ImportError> {
    match error {
        ImportError::State { source: StateError::Empty | StateError::Foreign(_), .. } => Ok(Vec::new()),
        error => Err(error),
    }
}

impl Merging {
    /// The report; with a patch for the repository that has the workspace at `prefix`, if that is given.
    pub(super) fn report(&self, prefix: Option<&str>) -> MergeReport {
        let named = |is_removed: bool| {
            let files = self.merge.files.iter().filter(move |(_, text)| text.is_none() == is_removed);
            files.map(|(path, _)| path.clone()).collect()
        };
        MergeReport {
            written: named(false),
            removed: named(true),
            edits: self.merge.edits.clone(),
            conflicts: self.merge.conflicts.clone(),
            notices: self.merge.notices.clone(),
            patch: prefix.map(|prefix| patch(&self.ours, &self.merge.files, prefix)),
        }
    }

    /// The texts of merged files, and the files with conflicts.
    pub(super) fn into_files(self) -> (BTreeMap<String, Option<String>>, Vec<FileConflict>) {
        let Self { base, theirs, ours, merge } = self;
        let paths: BTreeSet<&String> = merge.conflicts.iter().map(|conflict| &conflict.file).collect();
        let conflict = |path: &&String| FileConflict {
            path: (*path).clone(),
            base: base.get(*path).cloned(),
            ours: ours.get(*path).cloned(),
            theirs: theirs.get(*path).cloned(),
            text: merge.files.get(*path).cloned().unwrap_or_else(|| ours.get(*path).cloned()),
        };
        let conflicts = paths.iter().map(conflict).collect();
        let mut files = merge.files.clone();
        files.retain(|path, _| !paths.contains(path));
        (files, conflicts)
    }
}
