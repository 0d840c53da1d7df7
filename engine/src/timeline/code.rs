//! People's code beside the generated code of the last sync that was merged: objects that they changed, moved or took out.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use proxmox_mpc_code::configuration::{self, Configuration, GeneratedObject};
use proxmox_mpc_code::{Document, outline::outline};
use proxmox_mpc_generators::adopt::ObjectIds;
use proxmox_mpc_generators::manifest::{Manifest, ManifestEntry};
use proxmox_mpc_model::Identity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TimelineError;
use crate::workspace::{FileSet, Workspace};

/// Differences between the code of a workspace and the generated code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CodeChanges {
    /// Objects whose Terraform code differs.
    pub objects: Vec<CodeChange>,
    /// Other generated files that somebody has edited or removed, by path relative to the workspace.
    pub files: Vec<String>,
    /// Files of Terraform code that cannot be read: nothing is known of what is in them.
    pub unreadable: Vec<String>,
}

/// Difference of one object's code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CodeChange {
    /// The object: `qemu/101`.
    pub identity: Identity,
    /// Its name in Proxmox.
    pub name: Option<String>,
    /// The generated address.
    pub address: String,
    /// The difference.
    pub state: CodeState,
    /// The address or the file that has the object now, where that is another one.
    pub place: Option<String>,
    /// Attributes that differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<CodeAttribute>,
}

/// Kind of a difference between code and generated code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CodeState {
    /// The block has other attributes.
    Changed,
    /// The block is in another file or has another address.
    Moved,
    /// No code of the object is known.
    Removed,
}

/// Attribute that differs from the generated one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CodeAttribute {
    /// Its path in the block: `memory.dedicated`, `disk[1].size`.
    pub path: String,
    /// The generated value, as it is written; `None` where there is none.
    pub generated: Option<String>,
    /// The value in the workspace, as it is written; `None` where there is none.
    pub workspace: Option<String>,
}

impl CodeChanges {
    /// Reports whether the code is as it was generated.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.files.is_empty() && self.unreadable.is_empty()
    }
}

/// A block of people's code.
struct CodeBlock<'f> {
    file: &'f str,
    text: &'f str,
}

/// Compares the code of a workspace with generated files and their manifest. Files that are as they were generated are not
/// read any further.
pub(crate) fn compare(
    workspace: &Workspace,
    generated: &FileSet,
    manifest: &Manifest,
) -> Result<CodeChanges, TimelineError> {
    let ours = terraform_files(workspace)?;
    let mut changes = CodeChanges { files: edited_files(workspace, generated)?, ..CodeChanges::default() };
    let is_unchanged = |path: &str, text: &str| generated.get(path).is_some_and(|other| same(other, text));
    let mut blocks: BTreeMap<String, CodeBlock<'_>> = BTreeMap::new();
    for (path, text) in ours.iter().filter(|(path, text)| is_terraform(path) && !is_unchanged(path, text)) {
        match addresses(path, text) {
            Some(list) => blocks.extend(list),
            None => changes.unreadable.push(path.clone()),
        }
    }
    let identities: BTreeMap<&str, (&Identity, &ManifestEntry)> =
        manifest.objects.iter().map(|(identity, entry)| (&*entry.address, (identity, entry))).collect();
    let mut absent = Vec::new();
    for (path, text) in generated.iter().filter(|(path, _)| is_terraform(path)) {
        if ours.get(path).is_some_and(|own| same(own, text)) || changes.unreadable.contains(path) {
            continue;
        }
        for (address, block) in addresses(path, text).unwrap_or_default() {
            let Some((identity, entry)) = identities.get(&*address) else { continue };
            let change = |state, place, attributes| CodeChange {
                identity: (*identity).clone(),
                name: entry.name.clone(),
                address: address.clone(),
                state,
                place,
                attributes,
            };
            match blocks.get(&address) {
                None => absent.push(change(CodeState::Removed, None, Vec::new())),
                Some(own) => {
                    let attributes = differences(block.text, own.text);
                    let place = (own.file != path).then(|| own.file.to_owned());
                    let state = if place.is_some() { CodeState::Moved } else { CodeState::Changed };
                    if place.is_some() || !attributes.is_empty() {
                        changes.objects.push(change(state, place, attributes));
                    }
                }
            }
        }
    }
    if !absent.is_empty() {
        locate(&mut absent, &ours, manifest);
        changes.objects.extend(absent);
    }
    changes.objects.sort_by(|one, other| one.identity.cmp(&other.identity));
    Ok(changes)
}

/// Looks for objects without a block at their address: `moved` and `import` blocks, modules and `for_each` lead to it.
fn locate(absent: &mut [CodeChange], ours: &FileSet, manifest: &Manifest) {
    let configuration = Configuration::read(ours, Workspace::TERRAFORM);
    let objects: Vec<GeneratedObject> = absent
        .iter()
        .filter_map(|change| {
            let (resource, name) = change.address.split_once('.')?;
            let import_id = manifest.objects.get(&change.identity)?.import_id.clone();
            let address = configuration::Address::of_root(resource, name);
            Some(GeneratedObject { identity: change.identity.to_string(), address, import_id })
        })
        .collect();
    let mut placements = configuration.locate(&objects, &ObjectIds, &[]);
    for change in absent {
        let placement = placements.objects.remove(change.identity.as_str());
        if let Some(address) = placement.and_then(|placement| placement.address) {
            change.state = CodeState::Moved;
            change.place = Some(address.to_string());
        }
    }
}

/// Attributes that are written in another way, by path. Comments, order and alignment do not count.
pub(crate) fn differences(generated: &str, own: &str) -> Vec<CodeAttribute> {
    if same(generated, own) {
        return Vec::new();
    }
    let (Ok(generated), Ok(own)) = (outline(generated), outline(own)) else { return Vec::new() };
    let repeats = |path: &str| {
        let name = path.split('[').next().unwrap_or_default();
        let second = format!("{name}[1]");
        generated.keys().chain(own.keys()).any(|key| key.starts_with(&second))
    };
    let shown = |path: &str| if repeats(path) { path.to_owned() } else { path.replace("[0]", "") };
    let mut paths: Vec<&String> = generated.keys().chain(own.keys()).collect();
    paths.sort();
    paths.dedup();
    let differs = |path: &&String| match (generated.get(*path), own.get(*path)) {
        (Some(one), Some(other)) => !same(one, other),
        _ => true,
    };
    let attribute = |path: &String| CodeAttribute {
        path: shown(path),
        generated: generated.get(path).map(|source| shown_value(path, source)),
        workspace: own.get(path).map(|source| shown_value(path, source)),
    };
    paths.into_iter().filter(differs).map(attribute).collect()
}

/// A value as it is written, but for a secret that somebody has written into the code: that reaches no report.
fn shown_value(path: &str, source: &str) -> String {
    const SECRETS: [&str; 5] = ["key", "password", "privatekey", "secret", "token"];
    let name = path.rsplit('.').next().unwrap_or(path);
    let is_secret = name.split('_').any(|word| SECRETS.contains(&word));
    let is_text = source.starts_with('"') || source.starts_with("<<");
    if is_secret && is_text { "(hidden)".to_owned() } else { source.to_owned() }
}

/// The resource blocks of a file by their addresses; `None` for text that is not HCL.
fn addresses<'f>(path: &'f str, text: &'f str) -> Option<Vec<(String, CodeBlock<'f>)>> {
    let document = Document::parse(text).ok()?;
    let blocks = document.blocks().filter_map(|block| {
        Some((block.resource_address()?, CodeBlock { file: path, text: text.get(block.range())? }))
    });
    Some(blocks.collect())
}

/// Generated files beside Terraform's code that are not as they were generated. The manifest and the observations are ours
/// alone.
fn edited_files(workspace: &Workspace, generated: &FileSet) -> Result<Vec<String>, TimelineError> {
    let observed = format!("{}/", proxmox_mpc_model::observation::FOLDER);
    let is_own = |path: &str| {
        path == Workspace::MANIFEST || path.starts_with(&observed) || is_terraform(path) || is_optional(path)
    };
    let mut edited = Vec::new();
    for (path, text) in generated.iter().filter(|(path, _)| !is_own(path)) {
        let current = read(&workspace.root().join(path))?;
        if current.is_none_or(|current| !same(&current, text)) {
            edited.push(path.clone());
        }
    }
    Ok(edited)
}

/// Reports whether two texts are the same but for line ends, which git may convert.
fn same(one: &str, other: &str) -> bool {
    one == other || (one.contains('\r') || other.contains('\r')) && one.lines().eq(other.lines())
}

/// Reports whether a generated file is one that people write themselves in most repositories, a README or a list of ignored
/// files. Once somebody has edited it, it is left alone: nothing needs it.
pub(crate) fn is_optional(path: &str) -> bool {
    path == "README.md" || path.ends_with(".gitignore")
}

/// Reports whether a path is one of a file of Terraform code.
pub(super) fn is_terraform(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "tf")
}

/// Reads every file of Terraform code in the workspace, modules and variables included. Hidden folders (`.terraform`, `.git`,
/// our own) are passed over.
pub(crate) fn terraform_files(workspace: &Workspace) -> Result<FileSet, TimelineError> {
    let mut files = FileSet::new();
    let mut waiting = vec![(workspace.root().to_owned(), String::new())];
    while let Some((folder, above)) = waiting.pop() {
        let failed = |source| TimelineError::Read { path: folder.clone(), source };
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let (path, file_type) = (format!("{above}{name}"), entry.file_type().map_err(failed)?);
            if file_type.is_dir() && !name.starts_with('.') {
                waiting.push((entry.path(), format!("{path}/")));
            } else if file_type.is_file() && is_code(&name) {
                files.extend(read(&entry.path())?.map(|text| (path, text)));
            }
        }
    }
    Ok(files)
}

/// The files of a workspace for a merge: all Terraform code and values, and every path that the generated files have.
pub(crate) fn files(workspace: &Workspace, generated: &FileSet) -> Result<FileSet, TimelineError> {
    let mut files = terraform_files(workspace)?;
    for path in generated.keys() {
        if !files.contains_key(path) {
            files.extend(read(&workspace.root().join(path))?.map(|text| (path.clone(), text)));
        }
    }
    Ok(files)
}

/// Reports whether Terraform reads a file of this name.
pub(crate) fn is_code(name: &str) -> bool {
    [".tf", ".tf.json", ".tfvars", ".tfvars.json"].iter().any(|ending| name.ends_with(ending))
}

/// The text of a file; `None` where it is not there or not text.
pub(crate) fn read(path: &Path) -> Result<Option<String>, TimelineError> {
    match fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8(bytes).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(TimelineError::Read { path: path.to_owned(), source }),
    }
}
