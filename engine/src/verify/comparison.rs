//! The code held against what an import of the recording would write: what of it was changed since, and where.

use std::collections::BTreeSet;
use std::path::Path;

use proxmox_mpc_code::{Import, Index, Location, Resource};
use proxmox_mpc_generators::{self as generators, Manifest, Previous};
use proxmox_mpc_twin::Recording;

use crate::verify::VerifyError;
use crate::workbench::files;
use crate::workspace::{self, Workspace};

/// The code, and what an import would write in its place.
#[derive(Clone, Debug, Default)]
pub(super) struct Comparison {
    code: Index,
    generated: Index,
    manifest: Manifest,
    /// The files that stand as an import wrote them.
    untouched: BTreeSet<String>,
}

/// Where the text of an attribute comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Somebody has changed it since the import.
    Changed(Change),
    /// The import wrote it, of an older recording than the one at hand.
    Older(Change),
    /// Somebody else wrote the block; an import would say something else of the same object.
    Own(Change),
    /// The import wrote it, and `ignore_changes`, which stands here, had it.
    NoLongerIgnored(Location),
    /// As an import would write it.
    AsGenerated,
    /// There is nothing to hold it against.
    Unknown,
}

/// How the code differs from what an import would write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It has something that an import would not write.
    Added(Location),
    /// It lacks something; the block stands here.
    Removed(Location),
    /// It says something else.
    Other(Location),
    /// What it refers to says something else: the reference, and where that stands.
    Through(String, Location),
}

/// How deep references are followed.
const DEEPEST: usize = 4;

impl Comparison {
    /// Reads the code of a workspace, and generates what an import of the recording would write there.
    pub(super) fn new(workspace: &Workspace, manifest: Manifest, recording: &Recording) -> Result<Self, VerifyError> {
        let mut compared = Self::default();
        let previous = Previous { manifest, ..Previous::default() };
        let made = generators::generate(recording, &generators::Options::default(), &previous)?;
        compared.manifest = previous.manifest;
        let is_code = |path: &Path| {
            path.starts_with(Workspace::TERRAFORM) && path.extension().is_some_and(|extension| extension == "tf")
        };
        for (path, text) in made.files.iter().filter(|(path, _)| is_code(Path::new(path))) {
            add(&mut compared.generated, path, text);
        }
        drop(made.files);
        for (name, text) in files(&workspace.terraform())? {
            let path = format!("{}/{name}", Workspace::TERRAFORM);
            if compared.manifest.files.get(&path) == Some(&workspace::hash(text.as_bytes())) {
                compared.untouched.insert(path.clone());
            }
            add(&mut compared.code, &path, &text);
        }
        Ok(compared)
    }

    /// Where the text of an attribute comes from: its name, without indexes.
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
            Change::Added(place) | Change::Removed(place) | Change::Other(place) | Change::Through(_, place) => place,
        };
        if self.untouched.contains(&place.file) {
            Origin::Older(change)
        } else if self.manifest.objects.values().any(|known| known.address == address) {
            Origin::Changed(change)
        } else {
            Origin::Own(change)
        }
    }

    /// What of a block was changed: the names of its attributes, each with its place.
    pub(super) fn changed(&self, address: &str) -> Vec<(String, Location)> {
        let Some((code, generated)) = self.pair(address) else { return Vec::new() };
        let names: BTreeSet<String> = code.names().into_iter().chain(generated.names()).collect();
        let differs = |name: &String| self.change(&code, &generated, name).is_some();
        names.into_iter().filter(differs).map(|name| (name.clone(), code.location(&name))).collect()
    }

    /// Where what a path of a plan leads to is written.
    pub(super) fn place(&self, address: &str, path: &str) -> Option<Location> {
        Some(self.code.resource(base(address))?.location(path))
    }

    /// Where the block of an object stands.
    pub(super) fn block(&self, address: &str) -> Option<&Location> {
        self.code.location(base(address))
    }

    /// Where an import would write the block of an object that the code does not have.
    pub(super) fn removed(&self, address: &str) -> Option<&Location> {
        if self.code.location(address).is_some() { None } else { self.generated.location(address) }
    }

    /// The blocks that no import wrote, of the type of this address: what a renamed block may be now.
    pub(super) fn strangers(&self, address: &str) -> Vec<(&String, &Location)> {
        let of_type = |other: &&String| other.split('.').next() == address.split('.').next();
        let strange = |other: &&String| self.generated.location(other).is_none();
        let others = self.code.addresses().filter(of_type).filter(strange);
        others.filter_map(|other| Some((other, self.code.location(other)?))).collect()
    }

    /// What the `import` block of an object says, and which id an import would write, where the two differ.
    pub(super) fn other_import(&self, address: &str) -> Option<(&Import, &str)> {
        let (code, generated) = (self.code.import(address)?, self.generated.import(address)?);
        (code.id != generated.id).then_some((code, generated.id.as_str()))
    }

    /// The address to which the code imports what an import would give this one.
    pub(super) fn renamed(&self, address: &str) -> Option<&String> {
        let id = &self.generated.import(address)?.id;
        self.code.address_of_import(address.split('.').next()?, id).filter(|other| *other != address)
    }

    /// Whether an import wrote a block for this object.
    pub(super) fn knows(&self, address: &str) -> bool {
        self.manifest.objects.values().any(|place| !place.skip && place.address == address)
    }

    /// The block of an object, and the one that an import would write for the same object, whatever it is called.
    fn pair(&self, address: &str) -> Option<(Resource, Resource)> {
        let address = base(address);
        let code = self.code.resource(address)?;
        let generated = self.generated.resource(address).or_else(|| {
            let import = self.code.import(address)?;
            self.generated.resource(self.generated.address_of_import(address.split('.').next()?, &import.id)?)
        })?;
        Some((code, generated))
    }

    fn change(&self, code: &Resource, generated: &Resource, name: &str) -> Option<Change> {
        let (here, there) = (code.items(name), generated.items(name));
        if here == there {
            let references = code.references(name).into_iter();
            return references.into_iter().find_map(|reference| self.through(&reference, 0));
        }
        let place = code.location(name);
        Some(match here.len().cmp(&there.len()) {
            std::cmp::Ordering::Greater => Change::Added(place),
            std::cmp::Ordering::Less => Change::Removed(place),
            std::cmp::Ordering::Equal => Change::Other(place),
        })
    }

    /// What a reference leads to that says something else than an import would write.
    fn through(&self, reference: &str, depth: usize) -> Option<Change> {
        let (here, place) = self.code.definition(reference)?;
        let (there, _) = self.generated.definition(reference)?;
        if here != there {
            return Some(Change::Through(reference.to_owned(), place));
        }
        let (address, attribute) = reference.rsplit_once('.').filter(|_| depth < DEEPEST)?;
        let block = self.code.resource(address)?;
        block.references(attribute).into_iter().find_map(|reference| self.through(&reference, depth + 1))
    }
}

/// A file that another parser than Terraform's cannot read explains nothing, and stops nothing.
fn add(blocks: &mut Index, path: &str, text: &str) {
    if let Err(error) = blocks.add(path, text) {
        tracing::warn!(%error, path, "what was changed there cannot be told");
    }
}

/// The address of the block of an instance: without `["key"]`.
fn base(address: &str) -> &str {
    address.split('[').next().unwrap_or(address)
}

/// Whether an entry of `ignore_changes` is about an attribute.
fn covers(path: &str, name: &str) -> bool {
    path.split(['.', '[']).next() == Some(name) || path == "all"
}
