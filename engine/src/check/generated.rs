//! Generated files of a workspace: those of the generated branch, else those that nobody has edited since the last import.

use std::fs;
use std::path::Path;

use proxmox_mpc_generators::Manifest;

use super::CheckError;
use super::trees::Tree;
use crate::history::{HistoryError, Repository};
use crate::operation::Context;
use crate::settings;
use crate::workspace::{FileSet, Workspace, hash};

/// The generated files, by path relative to the tree: of the last sync, of the last one that is merged, and of an import.
pub(super) fn read(tree: &Tree, workspace: &Workspace, context: &Context) -> Result<Vec<FileSet>, CheckError> {
    if !workspace.is_marked() {
        return Ok(Vec::new());
    }
    let prefix = fs::canonicalize(workspace.root()).ok();
    let prefix = prefix.as_deref().and_then(|root| root.strip_prefix(&tree.root).ok()).unwrap_or(Path::new(""));
    let in_tree = |path: &str| prefix.join(path).to_string_lossy().into_owned();
    let moved = |files: FileSet| files.into_iter().map(|(path, text)| (in_tree(&path), text)).collect();
    let mut generated: Vec<FileSet> = synced(workspace, context)?.into_iter().map(moved).collect();
    let manifest = fs::read_to_string(workspace.manifest()).ok().and_then(|text| Manifest::parse(&text).ok());
    let mut imported = FileSet::new();
    for (path, known) in manifest.iter().flat_map(|manifest| &manifest.files) {
        let path = in_tree(path);
        if let Some(text) = tree.files.get(&path).filter(|text| hash(text.as_bytes()) == *known) {
            imported.insert(path, text.clone());
        }
    }
    generated.push(imported);
    Ok(generated)
}

/// The generated code at the tip of the generated branch, and where it was merged last. A branch that is not of this workspace
/// says nothing of it.
fn synced(workspace: &Workspace, context: &Context) -> Result<Vec<FileSet>, CheckError> {
    let Some(repository) = Repository::discover(workspace)? else { return Ok(Vec::new()) };
    let branch = settings::generated_branch(context, workspace)?;
    let tip = match repository.generated(&branch) {
        Ok(Some(tip)) => tip.id,
        Ok(None) | Err(HistoryError::OtherWorkspace { .. } | HistoryError::ForeignCommit { .. }) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error.into()),
    };
    let mut commits = vec![tip];
    match repository.base(&branch, tip) {
        Ok(base) => commits.extend(base.map(|base| base.id).filter(|base| *base != tip)),
        Err(HistoryError::Shallow { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let files = commits.into_iter().map(|commit| repository.files_below(commit, Workspace::TERRAFORM));
    Ok(files.collect::<Result<_, _>>()?)
}
