//! People's Terraform code, in any form: where each object lives in it, values of expressions, and places of literals.

mod address;
mod blocks;
mod constraint;
mod content;
mod conversions;
mod definitions;
mod evaluate;
mod folder;
mod functions;
mod instance_content;
mod json;
mod locate;
mod modules;
mod origin;
mod path;
mod references;
mod statements;
mod strings;
#[cfg(test)]
mod tests;
mod types;
mod uses;

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use hcl_edit::structure::Body;

pub use hcl::Value;

pub use address::{Address, AddressError, Key, ModuleStep};
pub(crate) use content::{Entry, Fields, FilePlace, Node, NodeKind};
pub use folder::FileError;
pub use locate::{
    FoundBy, GeneratedObject, NotIdentified, ObjectKeys, Placement, Placements, StateInstance, Unidentified, WrittenId,
};
pub use path::{Path, PathError, Step};
pub use types::{Computed, ImportBlock, Instance, Literal, OpaqueModule, Origin, OriginKind, ReadOnly, RemovedBlock};

use conversions::{Evaluated, has_unknown, text};
use evaluate::Scope;
use folder::{Errors, Folder};
use modules::{Iterations, Module};

/// A root module with the local modules that it calls.
#[derive(Default)]
pub struct Configuration<'f> {
    errors: Errors<'f>,
    opaque: Vec<OpaqueModule>,
    folders: Vec<Folder<'f>>,
    modules: Vec<Module>,
    instances: Vec<Instance>,
    imports: Vec<ImportBlock>,
    moves: statements::Moves,
    removed: Vec<RemovedBlock>,
    /// Parsed pieces by file and offset.
    bodies: RefCell<BTreeMap<(&'f str, usize), Rc<Body>>>,
    /// Values by module instance and declaration.
    values: RefCell<BTreeMap<(usize, String), Evaluated>>,
    iterations: RefCell<BTreeMap<(usize, String), Iterations>>,
    uses: OnceCell<Vec<uses::Use>>,
}

impl<'f> Configuration<'f> {
    /// Reads the files of a workspace, by path relative to it. `root` is the folder of the root module: `terraform`.
    pub fn read(files: &'f BTreeMap<String, String>, root: &str) -> Self {
        Self::read_beside(files, root, &BTreeMap::new())
    }

    /// Reads the files of a workspace. Blocks that stand byte for byte in the generated files as well are known to be valid, and
    /// are not parsed before somebody asks for what is in them.
    pub fn read_beside(files: &'f BTreeMap<String, String>, root: &str, generated: &BTreeMap<String, String>) -> Self {
        let mut configuration = Self::default();
        let folder = folder::read(files, root.trim_end_matches('/'), true, generated, &mut configuration.errors);
        configuration.folders.push(folder);
        configuration.modules.push(Module { steps: Vec::new(), folder: 0, parent: None, iteration: None });
        let mut position = 0;
        while position < configuration.modules.len() {
            configuration.call_modules(position, files, generated);
            position += 1;
        }
        configuration.imports = configuration.read_imports();
        configuration.moves = configuration.read_moves();
        configuration.removed = configuration.read_removed();
        // Values that were asked for before all modules and imports were known may be known now.
        configuration.values.borrow_mut().clear();
        configuration.iterations.borrow_mut().clear();
        configuration.instances = configuration.read_instances();
        configuration
    }

    /// Files that cannot be read, each with its error. Nothing of them is known.
    pub fn errors(&self) -> &[(&'f str, FileError)] {
        &self.errors
    }

    /// Calls of modules that are not among the files.
    pub fn opaque_modules(&self) -> &[OpaqueModule] {
        &self.opaque
    }

    /// The folders of the root module and of the modules that it calls, by path relative to the workspace.
    pub(crate) fn folder_paths(&self) -> Vec<&str> {
        self.folders.iter().map(|folder| folder.path.as_str()).collect()
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
        let value = self.value_in(instance.module, &instance.declaration(), &instance.scope(), &path.0)?.ok()?;
        (!has_unknown(&value)).then(|| Rc::unwrap_or_clone(value))
    }

    /// An identifying attribute of an instance, as text.
    pub fn written_id(&self, instance: &Instance, attribute: &str) -> WrittenId {
        let path = Path::of(attribute);
        match self.value_in(instance.module, &instance.declaration(), &instance.scope(), &path.0) {
            None => WrittenId::Absent,
            Some(Ok(value)) if value.is_null() => WrittenId::Absent,
            Some(value) => value.ok().and_then(|value| text(&value)).map_or(WrittenId::Unknown, WrittenId::Known),
        }
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
        self.moves.follow(address)
    }

    /// Adds the instances of the modules that a module calls.
    fn call_modules(
        &mut self,
        caller: usize,
        files: &'f BTreeMap<String, String>,
        generated: &BTreeMap<String, String>,
    ) {
        let names: Vec<String> = self.folder_of(caller).names("module").cloned().collect();
        for declaration in names {
            let scope = Scope::of_module(caller);
            let source = self.with_attribute(caller, &declaration, "source", |source, _| {
                self.evaluate(source, &scope).ok().and_then(|source| source.as_str().map(str::to_owned))
            });
            let source = source.flatten().unwrap_or_default();
            let Some(path) = local_source(&self.folder_of(caller).path, &source).filter(|path| has_code(files, path))
            else {
                self.opaque.push(self.opaque_module(caller, &declaration, source));
                continue;
            };
            let known = self.folders.iter().position(|folder| folder.path == path);
            let folder = known.unwrap_or_else(|| {
                let folder = folder::read(files, &path, false, generated, &mut self.errors);
                self.folders.push(folder);
                self.folders.len() - 1
            });
            // Terraform refuses a module that calls itself.
            if self.is_within(caller, folder) {
                continue;
            }
            for iteration in self.iterations(caller, &declaration).iter() {
                let name = declaration.trim_start_matches("module.").to_owned();
                let key = iteration.as_ref().map(|iteration| iteration.key.clone());
                let step = ModuleStep { name, key };
                let steps = self.modules[caller].steps.iter().cloned().chain([step]).collect();
                let module = Module { steps, folder, parent: Some(caller), iteration: iteration.clone() };
                self.modules.push(module);
            }
        }
    }

    fn is_within(&self, module: usize, folder: usize) -> bool {
        let mut module = Some(module);
        while let Some(position) = module {
            if self.modules[position].folder == folder {
                return true;
            }
            module = self.modules[position].parent;
        }
        false
    }

    fn opaque_module(&self, caller: usize, declaration: &str, source: String) -> OpaqueModule {
        let around: Vec<String> = self.modules[caller].steps.iter().map(ToString::to_string).collect();
        let address = around.into_iter().chain([declaration.to_owned()]).collect::<Vec<_>>().join(".");
        let file = self.pieces(caller, declaration).first().map_or("", |piece| piece.file).to_owned();
        OpaqueModule { address, source, file }
    }

    fn read_instances(&self) -> Vec<Instance> {
        let mut instances = Vec::new();
        for (position, module) in self.modules.iter().enumerate() {
            let folder = &self.folders[module.folder];
            for (resource_type, name) in &folder.resources {
                let declaration = format!("{resource_type}.{name}");
                let pieces = folder.pieces(&declaration);
                let Some(piece) = pieces.first() else { continue };
                let overridden = (pieces.len() > 1).then_some(ReadOnly::Override);
                instances.extend(self.iterations(position, &declaration).iter().map(|iteration| Instance {
                    address: Address {
                        modules: module.steps.clone(),
                        resource_type: resource_type.clone(),
                        name: name.clone(),
                        key: iteration.as_ref().map(|iteration| iteration.key.clone()),
                    },
                    file: piece.file.to_owned(),
                    range: piece.range.clone(),
                    read_only: piece.read_only.or(overridden),
                    module: position,
                    iteration: iteration.clone(),
                }));
            }
        }
        instances.sort_by(|left, right| left.address.cmp(&right.address));
        instances
    }
}

impl Instance {
    /// The declaration of the block in its module: `type.name`.
    fn declaration(&self) -> String {
        format!("{}.{}", self.address.resource_type, self.address.name)
    }

    fn scope(&self) -> Scope<'_> {
        Scope { iteration: self.iteration.as_ref(), ..Scope::of_module(self.module) }
    }
}

/// The folder of a module that is called by a relative path; `None` for any other source.
pub(crate) fn local_source(caller: &str, source: &str) -> Option<String> {
    if !(source.starts_with("./") || source.starts_with("../")) {
        return None;
    }
    let mut parts: Vec<&str> = caller.split('/').filter(|part| !part.is_empty()).collect();
    for part in source.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop()?,
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Reports whether a folder has Terraform files.
fn has_code(files: &BTreeMap<String, String>, path: &str) -> bool {
    let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
    let below = files.range(prefix.clone()..).map(|(name, _)| name).take_while(|name| name.starts_with(&prefix));
    below.into_iter().any(|name| {
        let name = &name[prefix.len()..];
        !name.contains('/') && [".tf", ".tf.json"].iter().any(|end| name.ends_with(end))
    })
}
