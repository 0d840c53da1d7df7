//! Clashes: declarations of people's own files that generated ones have as well. Terraform takes no two of a name.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;

use hcl_edit::Span as _;
use hcl_edit::structure::{Block, BlockLabel, Body};
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
        let body: Body = match text.parse() {
            Ok(body) => body,
            Err(error) => {
                // Another parser than Terraform's; whether the file is right is not ours to say.
                tracing::warn!(%error, path, "what it declares could not be read");
                continue;
            }
        };
        let generated = generated.get_or_insert_with(|| declared_in(files));
        for (declaration, offset) in body.blocks().flat_map(declarations) {
            if let Some(file) = generated.get(&declaration) {
                let line = text[..offset].matches('\n').count() + 1;
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

/// The declarations of a block whose names may be there once only, each with its offset.
fn declarations(block: &Block) -> Vec<(String, usize)> {
    let at = |span: Option<std::ops::Range<usize>>| span.map_or(0, |span| span.start);
    let labels: Vec<&str> = block.labels.iter().map(BlockLabel::as_str).collect();
    match (block.ident.as_str(), &labels[..]) {
        // A provider with an alias is another one.
        ("provider", _) if block.body.has_attribute("alias") => Vec::new(),
        (kind @ ("resource" | "variable" | "provider" | "output" | "data" | "module"), labels) => {
            let words: Vec<String> =
                std::iter::once(kind.to_owned()).chain(labels.iter().map(|label| format!("\"{label}\""))).collect();
            vec![(words.join(" "), at(block.span()))]
        }
        ("terraform", []) => {
            let once = block.body.get_blocks("required_providers");
            once.map(|block| ("required_providers".to_owned(), at(block.span()))).collect()
        }
        ("locals", []) => {
            let locals = block.body.attributes();
            locals.map(|local| (format!("local.{}", local.key.as_str()), at(local.span()))).collect()
        }
        ("import", []) => {
            let to = block.body.get_attribute("to").map(|to| to.value.to_string());
            to.map(|to| (format!("import to {}", to.trim()), at(block.span()))).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// The declarations of the generated files, in the same words, each with its file. They are read line by line: parsed ones of ten
/// thousand guests would take two hundred megabytes.
fn declared_in(files: &FileSet) -> BTreeMap<String, &str> {
    let mut declared = BTreeMap::new();
    let code = |path: &Path| path.starts_with(Workspace::TERRAFORM) && path.extension() == Some(OsStr::new("tf"));
    for (path, text) in files.iter().filter(|(path, _)| code(Path::new(path))) {
        let mut inside = "";
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some(head) = line.strip_suffix(" {}").or_else(|| line.strip_suffix(" {")) {
                if !head.starts_with(' ') {
                    inside = head;
                }
                // What else is indented is a part of an object, or of a text.
                if !head.starts_with(' ') || (inside == "terraform" && head.trim_start() == "required_providers") {
                    declared.entry(head.trim_start().to_owned()).or_insert(path.as_str());
                }
            } else if let Some((name, value)) = line.split_once(" = ") {
                let name = match (inside, name.trim()) {
                    ("locals", local) if !local.is_empty() => format!("local.{local}"),
                    ("import", "to") => format!("import to {}", value.trim()),
                    _ => continue,
                };
                declared.entry(name).or_insert(path.as_str());
            }
        }
    }
    declared
}
