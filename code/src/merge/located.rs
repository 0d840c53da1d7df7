//! Place of each object in ours, and values of its code.

use std::collections::BTreeMap;

use super::MergeInput;
use super::body::Evaluated;
use super::meaning::Meaning;
use crate::configuration::{
    Address, Configuration, FoundBy, GeneratedObject, Instance, Origin, Path, Placements, ReadOnly,
};

/// Places of the objects in ours.
pub(crate) struct Located<'i> {
    configuration: Option<Configuration<'i>>,
    placements: Placements,
}

/// Form of an object's code in ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A block of its own in the root module.
    Block,
    /// An instance of `count`, `for_each` or a module.
    Instance,
    /// Code that is only read.
    ReadOnly(ReadOnly),
}

/// Place of an object in ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) address: String,
    pub(crate) file: String,
    pub(crate) form: Form,
    /// True if a person wrote the block, so that a state or ids say which object it is.
    pub(crate) found: FoundBy,
}

impl<'i> Located<'i> {
    /// Searches ours for every object. Files that are all as generated are not read.
    pub(crate) fn search(input: &MergeInput<'i>, is_pristine: bool) -> Self {
        if is_pristine {
            return Self { configuration: None, placements: Placements::default() };
        }
        let configuration = Configuration::read_beside(input.ours, input.root, input.base.files);
        let mut objects = BTreeMap::new();
        for (identity, object) in input.theirs.objects.iter().chain(input.base.objects) {
            if let Ok(address) = object.address.parse::<Address>() {
                objects.insert(
                    identity.clone(),
                    GeneratedObject { identity: identity.clone(), address, import_id: object.import_id.clone() },
                );
            }
        }
        let objects: Vec<GeneratedObject> = objects.into_values().collect();
        let placements = configuration.locate(&objects, input.keys, input.state);
        Self { configuration: Some(configuration), placements }
    }

    /// The place of an object; `None` where no code is known to be its.
    pub(crate) fn place(&self, identity: &str) -> Option<Place> {
        let placement = self.placements.objects.get(identity)?;
        let instance = self.instance(placement.address.as_ref()?)?;
        let is_block = instance.address.modules.is_empty() && instance.address.key.is_none();
        let form = match instance.read_only {
            Some(read_only @ ReadOnly::Json) => Form::ReadOnly(read_only),
            _ if is_block => Form::Block,
            _ => Form::Instance,
        };
        Some(Place { address: instance.address.to_string(), file: instance.file.clone(), form, found: placement.found })
    }

    /// Reports whether an override file changes the block at an address.
    pub(crate) fn is_overridden(&self, address: &str) -> bool {
        let instance = address.parse().ok().and_then(|address| self.instance(&address));
        instance.is_some_and(|instance| instance.read_only == Some(ReadOnly::Override))
    }

    /// Reports whether a file of ours is no valid code.
    pub(crate) fn has_errors(&self) -> bool {
        self.configuration.as_ref().is_some_and(|configuration| !configuration.errors().is_empty())
    }

    /// Further blocks that claim to be the object.
    pub(crate) fn duplicates(&self, identity: &str) -> Vec<String> {
        let placement = self.placements.objects.get(identity);
        placement.map(|placement| placement.duplicates.iter().map(ToString::to_string).collect()).unwrap_or_default()
    }

    /// Addresses that `import` blocks with this id import to, for a type of resource.
    pub(crate) fn imports(&self, resource_type: &str, id: &str) -> bool {
        let imports = self.configuration.as_ref().map_or(&[][..], Configuration::imports);
        imports.iter().any(|import| import.to.resource_type == resource_type && import.id.as_deref() == Some(id))
    }

    /// Value of ours on a path, and the place of its literal.
    pub(crate) fn evaluate(&self, address: &str, path: &Path) -> Evaluated {
        let instance = address.parse().ok().and_then(|address| self.instance(&address));
        match (&self.configuration, instance) {
            (Some(configuration), Some(instance)) => Evaluated {
                value: configuration.value(instance, path).as_ref().map(Meaning::from),
                origin: configuration.origin(instance, path),
            },
            _ => Evaluated { value: None, origin: Origin::Absent },
        }
    }

    fn instance(&self, address: &Address) -> Option<&Instance> {
        self.configuration.as_ref()?.instance(address)
    }
}
