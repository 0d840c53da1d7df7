//! Request of an extraction, and its report.

use std::path::PathBuf;
use std::sync::Arc;

use proxmox_mpc_code::extract::{
    self, ExtractEdit, ExtractInput, Extraction, LiteralRequest, NamedValue, ResourceMove,
};
use proxmox_mpc_code::merge::{ObjectPlace, Owner};
use proxmox_mpc_generators::Manifest;
use proxmox_mpc_model::Identity;
use proxmox_mpc_twin::Recording;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ExtractError;
use super::proof::{Before, present};
use crate::history::Repository;
use crate::operation::report::ReportType;
use crate::operation::{Context, Effect, Failure, Request};
use crate::settings;
use crate::timeline::{code, restore};
use crate::toolchain::terraform;
use crate::verify::{Proof, VerifyError, manifest};
use crate::workspace::patch::patch;
use crate::workspace::{FileSet, Workspace};

/// Request to refactor the code.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtractRequest {
    /// The workspace, or a folder in it.
    #[serde(default)]
    pub workspace: PathBuf,
    /// The refactoring.
    pub extract: Extract,
    /// The name of what is made.
    pub name: String,
    /// Resources: identities (`qemu/101`), addresses, types, or the ends of types (`container`).
    #[serde(default)]
    pub resources: Vec<String>,
    /// Write nothing, and prove nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// Write without a proof.
    #[serde(default)]
    pub no_proof: bool,
    /// The recording to prove against; without it, the one that the last import or sync made.
    #[serde(default)]
    pub recording: Option<PathBuf>,
    /// The terraform or tofu to run; without it, the one in PATH.
    #[serde(default)]
    pub terraform: Option<PathBuf>,
}

/// Kind of a refactoring.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Extract {
    /// Equal literals become a local.
    Local {
        /// The path of the attribute: `memory.dedicated`.
        #[serde(default)]
        attribute: Option<String>,
        /// The literal.
        #[serde(default)]
        value: Option<String>,
    },
    /// Equal literals become the default of a variable.
    Variable {
        /// The path of the attribute: `memory.dedicated`.
        #[serde(default)]
        attribute: Option<String>,
        /// The literal.
        #[serde(default)]
        value: Option<String>,
    },
    /// Alike resources become one with a `for_each` over a map.
    ForEach,
    /// A group of resources becomes a local module.
    Module,
}

/// Report of an extraction.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ExtractReport {
    /// The workspace.
    pub workspace: PathBuf,
    /// True if nothing was written.
    pub dry_run: bool,
    /// The edits, in the order of files and lines.
    pub edits: Vec<ExtractEdit>,
    /// Resources with another address.
    pub moves: Vec<ResourceMove>,
    /// Files with another text, by path relative to the workspace.
    pub files: Vec<String>,
    /// The change of the files, as a unified difference.
    pub patch: String,
    /// The proof that the code is planned as before; none of a dry run, and where no proof was wanted.
    pub proof: Option<Proof>,
}

impl ReportType for ExtractReport {
    const KIND: &'static str = "extract";
}

impl Request for ExtractRequest {
    const NAME: &'static str = "extract";
    const EFFECT: Effect = Effect::EditsCode;
    type Report = ExtractReport;

    async fn run(self, context: Context) -> Result<ExtractReport, Failure> {
        let work = move |context: &Context| self.extract(context);
        Ok(context.block(work).await?)
    }
}

impl ExtractRequest {
    fn extract(&self, context: &Context) -> Result<ExtractReport, ExtractError> {
        let workspace = settings::workspace(context, &self.workspace)?;
        let _lock = if self.dry_run { None } else { Some(restore::locked(&workspace, context)?) };
        let files = code::terraform_files(&workspace)?;
        let manifest = manifest(&workspace).map_err(ExtractError::Manifest)?;
        let mut extraction = self.extraction(&files, &manifest)?;
        let proof = if self.dry_run || self.no_proof {
            None
        } else {
            let path = self.recording.clone().unwrap_or_else(|| workspace.recording());
            let recording = Arc::new(Recording::open(&path).map_err(ExtractError::NoRecording)?);
            let program = settings::terraform(context, self.terraform.clone(), Some(&workspace))?;
            let missing = |error| ExtractError::NoProof(VerifyError::Tool(error));
            let tool = terraform::find(program.as_deref(), context).map_err(missing)?;
            let before = Before { workspace: &workspace, files: &files, manifest: &manifest, recording, tool: &tool };
            Some(before.prove(&extraction, context)?)
        };
        let mut ours = files;
        if !extraction.moves.is_empty() && workspace.manifest().is_file() {
            let path = Workspace::MANIFEST.to_owned();
            ours.insert(path.clone(), manifest.render());
            extraction.files.insert(path, Some(moved(manifest, &extraction.moves).render()));
        }
        let repository = Repository::discover(&workspace).ok().flatten();
        let prefix = repository.as_ref().map_or("", Repository::prefix);
        let patch = patch(&ours, &extraction.files, prefix);
        if !self.dry_run {
            restore::write(&workspace, &extraction.files)?;
        }
        Ok(ExtractReport {
            workspace: workspace.root().to_owned(),
            dry_run: self.dry_run,
            edits: extraction.edits,
            moves: extraction.moves,
            files: extraction.files.into_keys().collect(),
            patch,
            proof,
        })
    }

    fn extraction(&self, files: &FileSet, manifest: &Manifest) -> Result<Extraction, ExtractError> {
        let input = ExtractInput { files, root: Workspace::TERRAFORM };
        let blocks: Vec<String> =
            self.resources.iter().map(|word| address(word, manifest)).collect::<Result<_, _>>()?;
        let literal = |declaration, attribute: &Option<String>, value: &Option<String>| {
            let attribute = attribute.as_deref().map(str::parse).transpose()?;
            let (name, value, blocks) = (self.name.clone(), value.clone(), blocks.clone());
            Ok(extract::literal(input, &LiteralRequest { declaration, name, attribute, value, blocks })?)
        };
        match &self.extract {
            Extract::Local { attribute, value } => literal(NamedValue::Local, attribute, value),
            Extract::Variable { attribute, value } => literal(NamedValue::Variable, attribute, value),
            Extract::ForEach => Ok(extract::for_each(input, &blocks, &self.name)?),
            Extract::Module => Ok(extract::module(input, &blocks, &self.name)?),
        }
    }
}

/// The address of an object that is named by its identity; any other word as it is.
fn address(word: &str, manifest: &Manifest) -> Result<String, ExtractError> {
    let Some((prefix, id)) = word.split_once('/') else { return Ok(word.to_owned()) };
    let entry = manifest.objects.get(&Identity::new(prefix, id));
    let entry = entry.ok_or_else(|| ExtractError::NoObject { word: word.to_owned() })?;
    Ok(entry.code.as_ref().map_or(&entry.address, |place| &place.address).clone())
}

/// The manifest with the new places of moved objects.
fn moved(mut manifest: Manifest, moves: &[ResourceMove]) -> Manifest {
    for entry in manifest.objects.values_mut().filter(|entry| !entry.skip) {
        let current = entry.code.as_ref().map_or(&entry.address, |place| &place.address);
        let address = present(current, moves);
        if address != *current {
            let file = moves.iter().find(|step| address.starts_with(&step.to)).map(|step| step.file.clone());
            entry.code = Some(ObjectPlace { address, file: file.unwrap_or_default(), owner: Owner::Person });
        }
    }
    manifest
}
