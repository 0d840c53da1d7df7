//! Proof of an extraction: the refactored code is planned on a copy against a twin, and must import as much as before and change
//! as little.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use proxmox_mpc_code::configuration::{Address, Configuration};
use proxmox_mpc_code::extract::{Extraction, ResourceMove};
use proxmox_mpc_code::quote::quoted;
use proxmox_mpc_generators::Manifest;
use proxmox_mpc_twin::Recording;
use tempfile::TempDir;

use super::ExtractError;
use crate::operation::Context;
use crate::toolchain::terraform::Tool;
use crate::verify::{Proof, against_twin};
use crate::workspace::{FileSet, Workspace};

/// The code before an extraction, and the programs to prove it with.
pub(super) struct Before<'b> {
    pub(super) workspace: &'b Workspace,
    pub(super) files: &'b FileSet,
    pub(super) manifest: &'b Manifest,
    pub(super) recording: Arc<Recording>,
    pub(super) tool: &'b Tool,
}

/// The file for imports that the user took out after they had been applied.
const IMPORTS: &str = "zz_proxmox_mpc_extract.tf";

impl Before<'_> {
    /// Proves that the plan of the code after an extraction is that of the code before.
    pub(super) fn prove(&self, extraction: &Extraction, context: &Context) -> Result<Proof, ExtractError> {
        let imports = self.imports(&[], self.files);
        let mut after = self.files.clone();
        for (path, text) in &extraction.files {
            match text {
                Some(text) => drop(after.insert(path.clone(), text.clone())),
                None => drop(after.remove(path)),
            }
        }
        let proof = self.plan(&after, &self.imports(&extraction.moves, &after), context)?;
        let expected = Configuration::read(self.files, Workspace::TERRAFORM).imports().len() + imports.len();
        let planned = proof.counts.map(|counts| counts.import);
        if proof.clean && planned == u64::try_from(expected).ok() {
            return Ok(proof);
        }
        // Code that is not the cluster may be refactored as well: then the difference has to stay the same.
        let before = self.plan(self.files, &imports, context)?;
        match difference(&before, &proof, &extraction.moves) {
            None => Ok(proof),
            Some(difference) => Err(ExtractError::Differs { difference }),
        }
    }

    /// Plans files on a copy of the code.
    fn plan(
        &self,
        files: &FileSet,
        imports: &BTreeMap<String, String>,
        context: &Context,
    ) -> Result<Proof, ExtractError> {
        let copy = TempDir::with_prefix("proxmox-mpc-").map_err(|source| failed(self.workspace.root(), source))?;
        let workspace = Workspace::at(copy.path());
        copy_folder(&self.workspace.terraform(), &workspace.terraform())?;
        let prefix = format!("{}/", Workspace::TERRAFORM);
        for path in self.files.keys().filter(|path| path.starts_with(&prefix) && !files.contains_key(*path)) {
            let path = copy.path().join(path);
            fs::remove_file(&path).map_err(|source| failed(&path, source))?;
        }
        let mut text = String::new();
        for (address, id) in imports {
            _ = writeln!(text, "import {{\n  to = {address}\n  id = {}\n}}", quoted(id));
        }
        let own = format!("{prefix}{IMPORTS}");
        let added = (!text.is_empty()).then_some((&own, &text));
        for (path, text) in files.iter().filter(|(path, _)| path.starts_with(&prefix)).chain(added) {
            let path = copy.path().join(path);
            let write = || {
                fs::create_dir_all(path.parent().unwrap_or(copy.path()))?;
                fs::write(&path, text)
            };
            write().map_err(|source| failed(&path, source))?;
        }
        against_twin(&workspace, &self.recording, self.tool, context).map_err(ExtractError::NoProof)
    }

    /// The objects that have a block and no `import` block any more: their addresses and ids.
    fn imports(&self, moves: &[ResourceMove], files: &FileSet) -> BTreeMap<String, String> {
        let configuration = Configuration::read(files, Workspace::TERRAFORM);
        let mut imports = BTreeMap::new();
        for entry in self.manifest.objects.values().filter(|entry| !entry.skip && !entry.import_id.is_empty()) {
            let current = entry.code.as_ref().map_or(&entry.address, |place| &place.address);
            let Ok(address) = present(current, moves).parse::<Address>() else { continue };
            let is_imported = configuration
                .imports()
                .iter()
                .any(|import| import.to == address || import.id.as_ref() == Some(&entry.import_id));
            if configuration.instance(&address).is_some() && !is_imported {
                imports.insert(address.to_string(), entry.import_id.clone());
            }
        }
        imports
    }
}

/// The address that an address has after the extraction.
pub(super) fn present(address: &str, moves: &[ResourceMove]) -> String {
    let successor = moves.iter().find_map(|step| {
        let rest = address.strip_prefix(step.from.as_str())?;
        (rest.is_empty() || rest.starts_with('[')).then(|| format!("{}{rest}", step.to))
    });
    successor.unwrap_or_else(|| address.to_owned())
}

/// The first difference between two plans.
fn difference(before: &Proof, after: &Proof, moves: &[ResourceMove]) -> Option<String> {
    if let Some(error) = after.errors.first() {
        let diagnostic = &error.diagnostic;
        return Some(format!("Terraform says: {}", diagnostic.summary));
    }
    let addresses = |proof: &Proof, moves: &[ResourceMove]| {
        let addresses = proof.differences.iter().map(|difference| present(&difference.difference.address, moves));
        addresses.collect::<std::collections::BTreeSet<_>>()
    };
    let (left, right) = (addresses(before, moves), addresses(after, &[]));
    if let Some(address) = right.iter().find(|address| !left.contains(*address)) {
        return Some(format!("`{address}` would be changed"));
    }
    let counts = |proof: &Proof| {
        proof.counts.map_or_else(
            || "nothing".to_owned(),
            |c| format!("{} to import, {} to add, {} to change, {} to destroy", c.import, c.add, c.change, c.destroy),
        )
    };
    let (left, right) = (counts(before), counts(after));
    (left != right).then(|| format!("its plan has {right}, and that of the code before {left}"))
}

/// Copies a folder of code without what Terraform keeps there, and without states.
fn copy_folder(from: &Path, to: &Path) -> Result<(), ExtractError> {
    fs::create_dir_all(to).map_err(|source| failed(to, source))?;
    for entry in fs::read_dir(from).map_err(|source| failed(from, source))? {
        let entry = entry.map_err(|source| failed(from, source))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        let (is_folder, target) = (path.is_dir(), to.join(&name));
        if name == ".terraform" || name.contains(".tfstate") || (is_folder && name.starts_with('.')) {
            continue;
        }
        if is_folder {
            copy_folder(&path, &target)?;
        } else {
            fs::copy(&path, &target).map_err(|source| failed(&path, source))?;
        }
    }
    Ok(())
}

fn failed(path: &Path, source: io::Error) -> ExtractError {
    ExtractError::Copy { path: path.to_owned(), source }
}
