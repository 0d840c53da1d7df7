//! Search for the code of objects: where each generated object lives in people's code now.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Address, Configuration, Instance, Key};

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

/// A block, or an address in a module that nobody can look into, that is an object.
struct Claim {
    address: Address,
    found: FoundBy,
}

/// Claims by the key of their object.
type Claims = BTreeMap<String, Vec<Claim>>;

impl Configuration<'_> {
    /// Finds the code of each object. `keys` makes keys of the ids; `state` has the instances of a Terraform state, if there is
    /// one.
    ///
    /// An `import` block says most reliably what a block is, then the ids that are written, then the state, then the generated
    /// address. So a block that took over the address of another object is not taken for it.
    pub fn locate(&self, objects: &[GeneratedObject], keys: &dyn ObjectKeys, state: &[StateInstance]) -> Placements {
        let key = |object: &GeneratedObject| keys.of_import(&object.address.resource_type, &object.import_id);
        let mut addresses = BTreeMap::new();
        for object in objects {
            for address in [&object.address, &self.present(&object.address)] {
                addresses.entry(address.clone()).or_insert_with(|| key(object));
            }
        }
        let types: BTreeSet<&str> = objects.iter().map(|object| object.address.resource_type.as_str()).collect();
        let (mut claims, mut unidentified) = self.claims(&addresses, keys, state);
        unidentified.retain(|block| types.contains(block.address.resource_type.as_str()));
        let placement = |object: &GeneratedObject| {
            let present = self.present(&object.address);
            let mut own = claims.remove(&key(object)).unwrap_or_default();
            let rank = |claim: &Claim| {
                let place = if claim.address == object.address {
                    0
                } else if claim.address == present {
                    1
                } else {
                    2
                };
                (place, claim.found)
            };
            own.sort_by_key(|claim| (rank(claim), claim.address.clone()));
            let mut own = own.into_iter();
            let first = own.next();
            let found = first.as_ref().map_or(FoundBy::Absent, |claim| match rank(claim).0 {
                0 => FoundBy::Generated,
                1 => FoundBy::Moved,
                _ => claim.found,
            });
            let placement = Placement {
                found,
                address: first.map(|claim| claim.address),
                duplicates: own.map(|claim| claim.address).collect(),
            };
            (object.identity.clone(), placement)
        };
        Placements { objects: objects.iter().map(placement).collect(), unidentified }
    }

    /// The address that the block of an address has now: behind all moves, and with the key that Terraform gives to the only
    /// instance when a resource gets a `count`, or without it when the `count` goes.
    fn present(&self, address: &Address) -> Address {
        let moved = self.follow(address);
        let implied = match moved.key {
            None => Address { key: Some(Key::Number(0)), ..moved.clone() },
            Some(Key::Number(0)) => moved.without_key(),
            Some(_) => return moved,
        };
        if self.instance(&moved).is_none() && self.instance(&implied).is_some() { implied } else { moved }
    }

    fn claims(
        &self,
        addresses: &BTreeMap<Address, String>,
        keys: &dyn ObjectKeys,
        state: &[StateInstance],
    ) -> (Claims, Vec<Unidentified>) {
        let (mut claims, mut unidentified) = (Claims::new(), Vec::new());
        let mut imports = BTreeMap::new();
        for import in &self.imports {
            let Some(id) = &import.id else { continue };
            let key = keys.of_import(&import.to.resource_type, id);
            for address in [import.to.clone(), self.present(&import.to)] {
                imports.insert(address, key.clone());
            }
        }
        let mut states = BTreeMap::new();
        for instance in state {
            if let Some(key) = keys.of_state(&instance.address.resource_type, &instance.attributes) {
                for address in [instance.address.clone(), self.present(&instance.address)] {
                    states.insert(address, key.clone());
                }
            }
        }
        let mut claim = |key: &str, address: &Address, found: FoundBy| {
            claims.entry(key.to_owned()).or_default().push(Claim { address: address.clone(), found });
        };
        for instance in self.instances.iter().filter(|instance| instance.address.is_known()) {
            let address = &instance.address;
            if let Some(key) = imports.get(address) {
                claim(key, address, FoundBy::Imported);
                continue;
            }
            let written = keys.of_block(&address.resource_type, &|attribute| self.written_id(instance, attribute));
            match written {
                WrittenId::Known(key) => claim(&key, address, FoundBy::ByIds),
                written => match (states.get(address), addresses.get(address)) {
                    (Some(key), _) => claim(key, address, FoundBy::ByState),
                    (None, Some(key)) => claim(key, address, FoundBy::Generated),
                    (None, None) => {
                        let is_unknown = written == WrittenId::Unknown;
                        let why = if is_unknown { NotIdentified::UnknownIds } else { NotIdentified::NoIds };
                        unidentified.push(Unidentified { address: address.clone(), why });
                    }
                },
            }
        }
        let hidden = |address: &&Address| self.instance(address).is_none() && self.may_have(address);
        for (address, key) in imports.iter().filter(|(address, _)| hidden(address)) {
            claim(key, address, FoundBy::Imported);
        }
        let by_state = states.iter().filter(|(address, _)| !imports.contains_key(*address) && hidden(address));
        for (address, key) in by_state {
            claim(key, address, FoundBy::ByState);
        }
        let unknown = self.instances.iter().filter(|instance| !instance.address.is_known());
        unidentified.extend(
            unknown.map(|instance| Unidentified {
                address: instance.address.clone(),
                why: NotIdentified::UnknownInstances,
            }),
        );
        (claims, unidentified)
    }

    /// Reports whether the code may have a block at an address although nobody can see it: in a module that is not among the
    /// files, or as an instance whose key cannot be evaluated.
    fn may_have(&self, address: &Address) -> bool {
        let calls: Vec<&str> = address.modules.iter().map(|step| step.name.as_str()).collect();
        let is_opaque = |module: &super::OpaqueModule| {
            // An address of a module without keys is enough to compare: a call is opaque with all its instances.
            let opaque: Option<Address> = module.address.parse().ok();
            let opaque = opaque.map(|opaque| opaque.modules.into_iter().map(|step| step.name).collect::<Vec<_>>());
            opaque.is_some_and(|opaque| opaque.len() <= calls.len() && opaque.iter().zip(&calls).all(|(a, b)| a == b))
        };
        let is_like = |instance: &Instance| {
            let own = &instance.address;
            let same = |own: &Option<Key>, other: &Option<Key>| *own == Some(Key::Unknown) || own == other;
            own.resource_type == address.resource_type
                && own.name == address.name
                && same(&own.key, &address.key)
                && own.modules.len() == address.modules.len()
                && own.modules.iter().zip(&address.modules).all(|(a, b)| a.name == b.name && same(&a.key, &b.key))
        };
        self.opaque.iter().any(is_opaque)
            || self.instances.iter().any(|instance| !instance.address.is_known() && is_like(instance))
    }
}
