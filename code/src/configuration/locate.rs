//! Search for the code of objects: where each generated object lives in people's code now.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Address, Configuration};

/// A generated object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratedObject {
    /// The identity: `qemu/101`.
    pub identity: String,
    /// The address of its generated block.
    pub address: Address,
    /// The id of its generated `import` block.
    pub import_id: String,
}

/// A resource instance of a Terraform state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateInstance {
    /// The address.
    pub address: Address,
    /// The attributes that may identify the object, as text.
    pub attributes: BTreeMap<String, String>,
}

/// Keys that identify objects, made from whatever is known of them. Two things with the same key are the same object.
pub trait ObjectKeys {
    /// Key from the type of a resource and the id of its import.
    fn of_import(&self, resource_type: &str, import_id: &str) -> String;

    /// Key from the attributes in a state; `None` if they do not identify the object.
    fn of_state(&self, resource_type: &str, attributes: &BTreeMap<String, String>) -> Option<String>;

    /// Key from the attributes that are written in a block.
    fn of_block(&self, resource_type: &str, attribute: &dyn Fn(&str) -> WrittenId) -> WrittenId;
}

/// An identifying attribute of a block, or the key made of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WrittenId {
    /// The evaluated text.
    Known(String),
    /// It is written, and cannot be evaluated.
    Unknown,
    /// It is not written.
    Absent,
}

/// Places of all objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placements {
    /// By identity.
    pub objects: BTreeMap<String, Placement>,
    /// Blocks of the generated types of which nobody can say which object they are.
    pub unidentified: Vec<Unidentified>,
}

/// Place of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Reason why the object is there.
    pub found: FoundBy,
    /// The address of its block; `None` where it has none.
    pub address: Option<Address>,
    /// Further blocks that claim to be the same object.
    pub duplicates: Vec<Address>,
}

/// Reason why an object is said to live at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FoundBy {
    /// It is at its generated address.
    Generated,
    /// A chain of `moved` blocks leads there.
    Moved,
    /// An `import` block with its id points there.
    Imported,
    /// The ids that are written in the block are the object's.
    ByIds,
    /// A Terraform state has it there.
    ByState,
    /// No block is known to be the object.
    Absent,
}

/// A block that may be any object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unidentified {
    /// The address.
    pub address: Address,
    /// Reason.
    pub why: NotIdentified,
}

/// Reason why a block cannot be identified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotIdentified {
    /// Its `count` or `for_each`, or that of a module around it, cannot be evaluated.
    UnknownInstances,
    /// An id is written as an expression that cannot be evaluated.
    UnknownIds,
    /// No id is written: Proxmox or the provider chooses it.
    NoIds,
}

impl Configuration<'_> {
    /// Finds the code of each object. `keys` makes keys of the ids; `state` has the instances of a Terraform state, if there is
    /// one.
    pub fn locate(&self, objects: &[GeneratedObject], keys: &dyn ObjectKeys, state: &[StateInstance]) -> Placements {
        let _ = (keys, state);
        let placement = |object: &GeneratedObject| {
            let address = self.instance(&object.address).map(|instance| instance.address.clone());
            let found = if address.is_some() { FoundBy::Generated } else { FoundBy::Absent };
            (object.identity.clone(), Placement { found, address, duplicates: Vec::new() })
        };
        Placements { objects: objects.iter().map(placement).collect(), unidentified: Vec::new() }
    }
}
