//! Generated trees: the pristine code of a workspace, at a commit or just made.

use std::collections::BTreeMap;

use proxmox_mpc_code::merge::GeneratedObject;
use proxmox_mpc_generators::kinds::TRANSLATIONS;
use proxmox_mpc_generators::{FileSet, Manifest, Previous};
use proxmox_mpc_model::Identity;
use proxmox_mpc_model::observation::FOLDER;

use super::SyncError;
use crate::history::{Oid, Repository};
use crate::workspace::Workspace;

/// A generated tree without its observations.
#[derive(Clone, Debug, Default)]
pub(super) struct GeneratedTree {
    /// Every file, the manifest included.
    pub(super) files: FileSet,
    /// The manifest.
    pub(super) manifest: Manifest,
}

impl GeneratedTree {
    /// The tree of files that were just generated.
    pub(super) fn new(mut files: FileSet, manifest: Manifest) -> Self {
        files.insert(Workspace::MANIFEST.to_owned(), manifest.render());
        Self { files, manifest }
    }

    /// The tree of a commit of the generated branch.
    pub(super) fn at(repository: &Repository, commit: Oid, branch: &str) -> Result<Self, SyncError> {
        let observed = format!("{FOLDER}/");
        let mut files = repository.files(commit)?;
        files.retain(|path, _| !path.starts_with(&observed));
        let manifest = parse(&files, branch)?.unwrap_or_default();
        Ok(Self { files, manifest })
    }

    /// The code before a run of the generators.
    pub(super) fn previous(&self) -> Previous {
        Previous { manifest: self.manifest.clone(), files: self.files.clone(), ..Previous::default() }
    }

    /// The objects that have Terraform code, by identity.
    pub(super) fn objects(&self) -> BTreeMap<String, GeneratedObject> {
        let objects = self.manifest.objects.iter().filter(|(_, entry)| !entry.skip);
        let objects = objects.filter_map(|(identity, entry)| {
            let (address, import_id) = (entry.address.clone(), entry.import_id.clone());
            let file = format!("{}/{}", Workspace::TERRAFORM, file_of(identity)?);
            Some((identity.to_string(), GeneratedObject { address, import_id, file }))
        });
        objects.collect()
    }
}

/// The file below `terraform/` that the blocks of an object's kind are in.
fn file_of(identity: &Identity) -> Option<&'static str> {
    let translation = TRANSLATIONS.iter().find(|translation| translation.model().prefix == identity.prefix());
    translation.map(|translation| translation.file).filter(|file| !file.is_empty())
}

/// The manifest among these files; `None` if it is not there. `place` is where they are from.
pub(super) fn parse(files: &FileSet, place: &str) -> Result<Option<Manifest>, SyncError> {
    let refused = |source| SyncError::Manifest { place: place.to_owned(), source };
    files.get(Workspace::MANIFEST).map(|text| Manifest::parse(text)).transpose().map_err(refused)
}
