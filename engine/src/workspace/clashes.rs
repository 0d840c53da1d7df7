//! Clashes: declarations of people's own files that generated ones have as well. Terraform takes no two of a name.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;

use proxmox_mpc_code::{Document, declarations};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::workspace::{Changes, FileSet, Workspace, WorkspaceError};

/// A declaration that would be there twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Clash {
    /// The beginning of its code: `resource "proxmox_virtual_environment_pool" "prod"`.
    pub declaration: String,
    /// The person's file, relative to the workspace.
    pub file: String,
    /// The line there, counted from 1.
    pub line: usize,
    /// The generated file.
    pub generated: String,
}

/// The clashes of the `.tf` files that are not among the generated ones. Files that Terraform merges into
/// others (`override.tf`, `…_override.tf`) cannot clash, and those that this run removes will not.
pub(super) fn clashes(workspace: &Workspace, files: &FileSet, changes: &Changes) -> Result<Vec<Clash>, WorkspaceError> {
    let mut clashes = Vec::new();
    let mut generated: Option<BTreeMap<String, &str>> = None;
    for (path, text) in foreign(workspace, files, changes)? {
        let document = match Document::parse(&text) {
            Ok(document) => document,
            Err(error) => {
                // Another parser than Terraform's; whether the file is right is not ours to say.
                tracing::warn!(%error, path, "what it declares could not be read");
                continue;
            }
        };
        let generated = generated.get_or_insert_with(|| declared_in(files));
        for declaration in declarations::of(&document) {
            if let Some(file) = generated.get(&declaration.name) {
                let (declaration, line) = (declaration.name, declaration.line);
                clashes.push(Clash { declaration, file: path.clone(), line, generated: (*file).to_owned() });
            }
        }
    }
    Ok(clashes)
}

/// The `.tf` files beside the generated ones: paths relative to the workspace, and texts.
fn foreign(
    workspace: &Workspace,
    files: &FileSet,
    changes: &Changes,
) -> Result<BTreeMap<String, String>, WorkspaceError> {
    let code = workspace.terraform();
    let entries = match fs::read_dir(&code) {
        Ok(entries) => entries,
        // A file in the folder's place is met by whoever writes there.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(BTreeMap::new());
        }
        Err(source) => return Err(WorkspaceError::io("read", &code, source)),
    };
    let mut texts = BTreeMap::new();
    for entry in entries {
        let place = entry.map_err(|source| WorkspaceError::io("read", &code, source))?.path();
        let is_code = place.extension() == Some(OsStr::new("tf")) && place.is_file();
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        let stem = place.file_stem().unwrap_or_default().to_string_lossy();
        let path = format!("{}/{name}", Workspace::TERRAFORM);
        let merged = stem == "override" || stem.ends_with("_override");
        if !is_code || merged || files.contains_key(&path) || changes.removed.contains(&path) {
            continue;
        }
        let bytes = fs::read(&place).map_err(|source| WorkspaceError::io("read", &place, source))?;
        texts.insert(path, String::from_utf8_lossy(&bytes).into_owned());
    }
    Ok(texts)
}

/// Declarations of the generated files, each with its file.
fn declared_in(files: &FileSet) -> BTreeMap<String, &str> {
    let mut declared = BTreeMap::new();
    let code = |path: &Path| path.starts_with(Workspace::TERRAFORM) && path.extension() == Some(OsStr::new("tf"));
    for (path, text) in files.iter().filter(|(path, _)| code(Path::new(path))) {
        for name in declarations::of_generated(text) {
            declared.entry(name).or_insert(path.as_str());
        }
    }
    declared
}
