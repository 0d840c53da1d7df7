//! Comparison of the code with the code that an import of the recording would generate: what was changed, and where.

use std::collections::BTreeSet;
use std::path::Path;

use proxmox_mpc_code::{Import, Index, Location, Resource};
use proxmox_mpc_generators::{self as generators, Manifest, Previous};
use proxmox_mpc_twin::Recording;

use crate::verify::VerifyError;
use crate::workbench::files;
use crate::workspace::{self, Workspace};

/// The code, and the code that an import would generate instead.
#[derive(Clone, Debug, Default)]
pub(super) struct Comparison {
    code: Index,
    generated: Index,
    manifest: Manifest,
    /// The files that are as an import wrote them.
    untouched: BTreeSet<String>,
}

/// Origin of the text of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Somebody has changed it since the import.
    Changed(CodeChange),
    /// An import of another recording wrote it.
    Older(CodeChange),
    /// The user wrote the block, and an import would generate another one for the same object.
    Own(CodeChange),
    /// The import wrote it, and listed it in `ignore_changes`, at this location.
    NoLongerIgnored(Location),
    /// It is as an import would write it.
    AsGenerated,
    /// An import would generate no such block.
    Unknown,
}

/// Difference of the code from the code that an import would generate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CodeChange {
    /// Something was added here.
    Added(Location),
    /// Something was removed from the block here.
    Removed(Location),
    /// Something was changed here.
    Other(Location),
    /// A definition that it refers to was changed: the reference, and the location of the definition.
    Through(String, Location),
}

/// The depth to which references are followed.
const DEEPEST: usize = 4;

impl Comparison {
    /// Reads the code of a workspace, and generates the code that an import of the recording would write there.
    pub(super) fn new(workspace: &Workspace, manifest: Manifest, recording: &Recording) -> Result<Self, VerifyError> {
        let mut compared = Self::default();
        let previous = Previous { manifest, ..Previous::default() };
        let import = generators::generate(recording, &generators::Options::default(), &previous)?;
        compared.manifest = previous.manifest;
        let is_code = |path: &Path| {
            path.starts_with(Workspace::TERRAFORM) && path.extension().is_some_and(|extension| extension == "tf")
        };
        for (path, text) in import.files.iter().filter(|(path, _)| is_code(Path::new(path))) {
            add(&mut compared.generated, path, text);
        }
        drop(import.files);
        for (name, text) in files(&workspace.terraform())? {
            let path = format!("{}/{name}", Workspace::TERRAFORM);
            if compared.manifest.files.get(&path) == Some(&workspace::hash(text.as_bytes())) {
                compared.untouched.insert(path.clone());
            }
            add(&mut compared.code, &path, &text);
        }
        Ok(compared)
    }

    /// The origin of the text of an attribute. `name` has no indexes.
    pub(super) fn attribute(&self, address: &str, name: &str) -> Origin {
        let Some((code, generated)) = self.pair(address) else { return Origin::Unknown };
        let Some(change) = self.change(&code, &generated, name) else {
            let listed = |block: &Resource| block.ignored().iter().any(|path| covers(path, name));
            let was_ignored = listed(&generated) && !listed(&code);
            return if was_ignored {
                Origin::NoLongerIgnored(code.location("lifecycle[0].ignore_changes"))
            } else {
                Origin::AsGenerated
            };
        };
        let place = match &change {
            CodeChange::Added(place)
            | CodeChange::Removed(place)
            | CodeChange::Other(place)
            | CodeChange::Through(_, place) => place,
        };
        if self.untouched.contains(&place.file) {
            Origin::Older(change)
        } else if self.manifest.objects.values().any(|known| known.address == address) {
            Origin::Changed(change)
        } else {
            Origin::Own(change)
        }
    }

    /// The changed attributes of a block: their names and locations.
    pub(super) fn changed(&self, address: &str) -> Vec<(String, Location)> {
        let Some((code, generated)) = self.pair(address) else { return Vec::new() };
        let names: BTreeSet<String> = code.names().into_iter().chain(generated.names()).collect();
        let differs = |name: &String| self.change(&code, &generated, name).is_some();
        names.into_iter().filter(differs).map(|name| (name.clone(), code.location(&name))).collect()
    }

    /// The location that a path of a plan leads to.
    pub(super) fn place(&self, address: &str, path: &str) -> Option<Location> {
        Some(self.code.resource(base(address))?.location(path))
    }

    /// The location of the block of an object.
    pub(super) fn block(&self, address: &str) -> Option<&Location> {
        self.code.location(base(address))
    }

    /// The location where an import would write the block of an object that the code does not have.
    pub(super) fn removed(&self, address: &str) -> Option<&Location> {
        if self.code.location(address).is_some() { None } else { self.generated.location(address) }
    }

    /// The blocks of the type of this address that no import wrote: one of them may be the renamed block.
    pub(super) fn strangers(&self, address: &str) -> Vec<(&String, &Location)> {
        let of_type = |other: &&String| other.split('.').next() == address.split('.').next();
        let strange = |other: &&String| self.generated.location(other).is_none();
        let others = self.code.addresses().filter(of_type).filter(strange);
        others.filter_map(|other| Some((other, self.code.location(other)?))).collect()
    }

    /// The `import` block of an object and the id that an import would write, if the two differ.
    pub(super) fn other_import(&self, address: &str) -> Option<(&Import, &str)> {
        let (code, generated) = (self.code.import(address)?, self.generated.import(address)?);
        (code.id != generated.id).then_some((code, generated.id.as_str()))
    }

    /// The address to which the code imports the object of this address, if it is another one.
    pub(super) fn renamed(&self, address: &str) -> Option<&String> {
        let id = &self.generated.import(address)?.id;
        self.code.address_of_import(address.split('.').next()?, id).filter(|other| *other != address)
    }

    /// Reports whether an import wrote a block for this object.
    pub(super) fn knows(&self, address: &str) -> bool {
        self.manifest.objects.values().any(|object| !object.skip && object.address == address)
    }

    /// The block of an object, and the one that an import would write for the same object under any name.
    fn pair(&self, address: &str) -> Option<(Resource, Resource)> {
        let address = base(address);
        let code = self.code.resource(address)?;
        let generated = self.generated.resource(address).or_else(|| {
            let import = self.code.import(address)?;
            self.generated.resource(self.generated.address_of_import(address.split('.').next()?, &import.id)?)
        })?;
        Some((code, generated))
    }

    fn change(&self, code: &Resource, generated: &Resource, name: &str) -> Option<CodeChange> {
        let (here, there) = (code.items(name), generated.items(name));
        if here == there {
            let references = code.references(name).into_iter();
            return references.into_iter().find_map(|reference| self.through(&reference, 0));
        }
        let place = code.location(name);
        Some(match here.len().cmp(&there.len()) {
            std::cmp::Ordering::Greater => CodeChange::Added(place),
            std::cmp::Ordering::Less => CodeChange::Removed(place),
            std::cmp::Ordering::Equal => CodeChange::Other(place),
        })
    }

    /// The changed definition that a reference leads to, if there is one.
    fn through(&self, reference: &str, depth: usize) -> Option<CodeChange> {
        let (here, place) = self.code.definition(reference)?;
        let (there, _) = self.generated.definition(reference)?;
        if here != there {
            return Some(CodeChange::Through(reference.to_owned(), place));
        }
        let (address, attribute) = reference.rsplit_once('.').filter(|_| depth < DEEPEST)?;
        let block = self.code.resource(address)?;
        block.references(attribute).into_iter().find_map(|reference| self.through(&reference, depth + 1))
    }
}

/// Adds the blocks of a file. One that our parser cannot read is skipped: Terraform's may read it, and it only means fewer
/// explanations.
fn add(blocks: &mut Index, path: &str, text: &str) {
    if let Err(error) = blocks.add(path, text) {
        tracing::warn!(%error, path, "changes in this file cannot be explained");
    }
}

/// The address of the block of an instance: without `["key"]`.
fn base(address: &str) -> &str {
    address.split('[').next().unwrap_or(address)
}

/// Reports whether an entry of `ignore_changes` is about an attribute.
fn covers(path: &str, name: &str) -> bool {
    path.split(['.', '[']).next() == Some(name) || path == "all"
}
