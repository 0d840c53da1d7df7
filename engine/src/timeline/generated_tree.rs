//! Generated tree: the pristine code of a workspace, at a sync or just made, and its merge into people's code.

use std::collections::BTreeMap;

use proxmox_mpc_code::configuration::StateInstance;
use proxmox_mpc_code::lines;
use proxmox_mpc_code::merge::{self, Generated, GeneratedObject, Merge, MergeInput};
use proxmox_mpc_generators::adopt::ObjectIds;
use proxmox_mpc_generators::manifest::{Manifest, ManifestEntry};
use proxmox_mpc_generators::{FileSet, Previous};
use proxmox_mpc_model::Identity;
use proxmox_mpc_model::observation::FOLDER;

use super::TimelineError;
use super::code::is_terraform;
use crate::history::{Oid, Repository};
use crate::workspace::Workspace;

/// A generated tree without its observations.
#[derive(Clone, Debug, Default)]
pub(crate) struct GeneratedTree {
    /// Files by path relative to the workspace, the manifest included.
    pub(crate) files: FileSet,
    /// The manifest.
    pub(crate) manifest: Manifest,
}

impl GeneratedTree {
    /// The tree of files that were just generated.
    pub(crate) fn new(mut files: FileSet, manifest: Manifest) -> Self {
        files.insert(Workspace::MANIFEST.to_owned(), manifest.render());
        Self { files, manifest }
    }

    /// The tree of a commit of the generated branch.
    pub(crate) fn at(repository: &Repository, commit: Oid) -> Result<Self, TimelineError> {
        let observed = format!("{FOLDER}/");
        let mut files = FileSet::new();
        for (path, blob) in repository.blobs(commit, "")? {
            if !path.starts_with(&observed) {
                files.extend(repository.text(blob)?.map(|text| (path, text)));
            }
        }
        let manifest = files.get(Workspace::MANIFEST).map_or("", String::as_str);
        let manifest = Manifest::parse(manifest).map_err(|source| TimelineError::Manifest { source })?;
        Ok(Self { files, manifest })
    }

    /// The code before a run of the generators.
    pub(crate) fn previous(&self) -> Previous {
        Previous { manifest: self.manifest.clone(), files: self.files.clone(), ..Previous::default() }
    }

    /// The objects that have a block, by identity.
    fn objects(&self) -> BTreeMap<String, GeneratedObject> {
        let code = self.files.iter().filter(|(path, _)| is_terraform(path));
        let files: BTreeMap<String, &String> =
            code.flat_map(|(path, text)| lines::resource_addresses(text).map(move |address| (address, path))).collect();
        let object = |(identity, entry): (&Identity, &ManifestEntry)| {
            let file = (*files.get(&entry.address)?).clone();
            let (address, import_id) = (entry.address.clone(), entry.import_id.clone());
            Some((identity.to_string(), GeneratedObject { address, import_id, file }))
        };
        self.manifest.objects.iter().filter(|(_, entry)| !entry.skip).filter_map(object).collect()
    }
}

/// Merges the difference of two generated trees into the files of a person. `state` tells where objects live in the code.
pub(crate) fn merge(base: &GeneratedTree, theirs: &GeneratedTree, ours: &FileSet, state: &[StateInstance]) -> Merge {
    let (base_objects, their_objects) = (base.objects(), theirs.objects());
    merge::merge(&MergeInput {
        base: Generated { files: &base.files, objects: &base_objects },
        theirs: Generated { files: &theirs.files, objects: &their_objects },
        ours,
        root: Workspace::TERRAFORM,
        state,
        keys: &ObjectIds,
    })
}
