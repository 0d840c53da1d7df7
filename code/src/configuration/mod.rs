//! People's Terraform code, in any form: where each object lives in it, values of expressions, and places of literals.

mod address;
mod locate;
mod modules;
mod path;
mod types;

use std::collections::BTreeMap;

pub use hcl::Value;

use crate::document::SyntaxError;

pub use address::{Address, AddressError, Key, ModuleStep};
pub use locate::{
    FoundBy, GeneratedObject, NotIdentified, ObjectKeys, Placement, Placements, StateInstance, Unidentified, WrittenId,
};
pub use path::{Path, PathError, Step};
pub use types::{Computed, ImportBlock, Instance, Literal, OpaqueModule, Origin, OriginKind, ReadOnly, RemovedBlock};

/// A root module with the local modules that it calls.
#[derive(Default)]
pub struct Configuration<'f> {
    errors: Vec<(&'f str, SyntaxError)>,
    opaque: Vec<OpaqueModule>,
    instances: Vec<Instance>,
    imports: Vec<ImportBlock>,
    removed: Vec<RemovedBlock>,
}

impl<'f> Configuration<'f> {
    /// Reads the files of a workspace, by path relative to it. `root` is the folder of the root module: `terraform`.
    pub fn read(files: &'f BTreeMap<String, String>, root: &str) -> Self {
        Self::read_beside(files, root, &BTreeMap::new())
    }

    /// Reads the files of a workspace. Blocks that stand byte for byte in the generated files as well are known to be valid, and
    /// are not parsed before somebody asks for what is in them.
    pub fn read_beside(files: &'f BTreeMap<String, String>, root: &str, generated: &BTreeMap<String, String>) -> Self {
        let _ = (files, root, generated);
        Self::default()
    }

    /// Files that are not HCL, each with its error. Nothing of them is known.
    pub fn errors(&self) -> &[(&'f str, SyntaxError)] {
        &self.errors
    }

    /// Calls of modules that are not among the files.
    pub fn opaque_modules(&self) -> &[OpaqueModule] {
        &self.opaque
    }

    /// All resource instances, sorted by address.
    pub fn instances(&self) -> &[Instance] {
        &self.instances
    }

    /// The instance at an address.
    pub fn instance(&self, address: &Address) -> Option<&Instance> {
        let position = self.instances.binary_search_by(|instance| instance.address.cmp(address)).ok()?;
        self.instances.get(position)
    }

    /// The value on a path in the block of an instance; `None` if nothing is written there or if it cannot be known without
    /// running Terraform. The value of a nested block is an object, that of several is a list.
    pub fn value(&self, instance: &Instance, path: &Path) -> Option<Value> {
        let _ = (instance, path);
        None
    }

    /// The place of the literal behind a value.
    pub fn origin(&self, instance: &Instance, path: &Path) -> Origin {
        let _ = (instance, path);
        Origin::Absent
    }

    /// The `import` blocks of the root module.
    pub fn imports(&self) -> &[ImportBlock] {
        &self.imports
    }

    /// The `removed` blocks.
    pub fn removed(&self) -> &[RemovedBlock] {
        &self.removed
    }

    /// The address that an address has after all `moved` blocks; the address itself where none applies.
    pub fn follow(&self, address: &Address) -> Address {
        address.clone()
    }
}
