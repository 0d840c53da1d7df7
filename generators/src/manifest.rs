//! Manifest of a workspace: the Terraform address of each object, and fingerprints of what was generated.

use std::collections::BTreeMap;

use proxmox_mpc_code::merge::ObjectPlace;
use proxmox_mpc_model::Identity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Version of the manifest's format.
pub const FORMAT: u32 = 1;

/// `manifest.json`. It is committed, so that an address never changes by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of the format: 1.
    pub format: u32,
    /// Provider and version that the code was generated for: `bpg/proxmox 0.111.1`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub provider: String,
    /// Objects that have code, or that the user excludes.
    pub objects: BTreeMap<Identity, ManifestEntry>,
    /// Renames, oldest first. Each is a `moved` block.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moved: Vec<Move>,
    /// Fingerprints of the Ansible tasks of each object, as they were generated.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tasks: BTreeMap<Identity, Fingerprint>,
    /// SHA-256 of every generated file, by path relative to the workspace.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
}

/// Entry of an object: its address in the code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ManifestEntry {
    /// The Terraform address: `proxmox_virtual_environment_vm.web`.
    pub address: String,
    /// Id for its `import` block: `pve1/100`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub import_id: String,
    /// Its name in Proxmox, for people who edit the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// True if the user excludes it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skip: bool,
    /// Fingerprint of its block, as it was generated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<Fingerprint>,
    /// Place of its code, where a merge found it elsewhere than generated, or deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<ObjectPlace>,
}

/// Fingerprint of a generated text, to see whether somebody has edited it since: the first 64 bits of its SHA-256, in
/// hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// Fingerprint of a text.
    pub fn of(text: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        Self(digest.iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte)))
    }
}

impl From<Fingerprint> for String {
    fn from(Fingerprint(bits): Fingerprint) -> Self {
        format!("{bits:016x}")
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u64::from_str_radix(&text, 16).map(Self)
    }
}

/// Rename of an object's address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Move {
    /// The address that the object had.
    pub from: String,
    /// The address that it has now.
    pub to: String,
}

impl Default for Manifest {
    fn default() -> Self {
        Self {
            format: FORMAT,
            provider: String::new(),
            objects: BTreeMap::new(),
            moved: Vec::new(),
            tasks: BTreeMap::new(),
            files: BTreeMap::new(),
        }
    }
}

/// Error in a manifest or a mapping.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not JSON of the right form.
    #[error("it is not a manifest")]
    Form(#[from] serde_json::Error),
    /// Written by a newer version of this program.
    #[error("its format is {0}, and this program knows format {FORMAT}")]
    Newer(u32),
    /// An address that Terraform would not accept.
    #[error("`{address}` of {identity} is not an address of the form `type.name`")]
    Address {
        /// The object.
        identity: Identity,
        /// The text.
        address: String,
    },
    /// An address of another type of resource.
    #[error("{identity} cannot be `{address}`: it is a `{resource}`")]
    Resource {
        /// The object.
        identity: Identity,
        /// The text.
        address: String,
        /// The type that the address should begin with.
        resource: String,
    },
    /// An address that belongs, or belonged, to another object.
    #[error("`{address}` of {identity} is, or was, the address of {other}")]
    Taken {
        /// The object.
        identity: Identity,
        /// The address.
        address: String,
        /// The other object, or the address that it has now.
        other: String,
    },
    /// Two objects at one address.
    #[error("{first} and {second} have the same address `{address}`")]
    Twice {
        /// The address.
        address: String,
        /// One object.
        first: Identity,
        /// The other.
        second: Identity,
    },
}

impl Manifest {
    /// Parses a manifest or a mapping, and checks that its addresses are well-formed and unique.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format } = serde_json::from_str(text)?;
        if format > FORMAT {
            return Err(ManifestError::Newer(format));
        }
        let manifest: Self = serde_json::from_str(text)?;
        let mut seen: BTreeMap<&str, &Identity> = BTreeMap::new();
        for (identity, place) in manifest.objects.iter().filter(|(_, place)| !place.skip) {
            let label = place.address.split_once('.').map(|(_, label)| label);
            if !label.is_some_and(crate::hcl::identifier) {
                return Err(ManifestError::Address { identity: identity.clone(), address: place.address.clone() });
            }
            if let Some(first) = seen.insert(&place.address, identity) {
                let (address, second) = (place.address.clone(), identity.clone());
                return Err(ManifestError::Twice { address, first: first.clone(), second });
            }
        }
        Ok(manifest)
    }

    /// Checks that this mapping can be applied to a workspace whose manifest was `before` and would become `after`.
    ///
    /// Terraform follows moves from address to address and knows no identities: it would take an address that another object
    /// has or had for that object.
    pub fn check(&self, before: &Self, after: &Self) -> Result<(), ManifestError> {
        let owners: BTreeMap<&str, &Identity> =
            before.objects.iter().map(|(identity, place)| (&*place.address, identity)).collect();
        for (identity, place) in self.objects.iter().filter(|(_, place)| !place.skip) {
            let address = &place.address;
            let taken =
                |other: String| ManifestError::Taken { identity: identity.clone(), address: address.clone(), other };
            if let Some(owner) = owners.get(&**address).filter(|owner| **owner != identity) {
                return Err(taken(owner.to_string()));
            }
            let now = before.successor(address);
            if now != address && owners.get(now).is_none_or(|owner| *owner != identity) {
                return Err(taken(format!("what is now `{now}`")));
            }
            let Some(made) = after.objects.get(identity) else { continue };
            let resource = |address: &str| address.split_once('.').map(|(resource, _)| resource.to_owned());
            if resource(&made.address) != resource(address) {
                let resource = resource(&made.address).unwrap_or_default();
                return Err(ManifestError::Resource { identity: identity.clone(), address: address.clone(), resource });
            }
        }
        Ok(())
    }

    /// Current address of the object that was at this address.
    fn successor<'a>(&'a self, address: &'a str) -> &'a str {
        self.moved.iter().fold(address, |at, step| if step.from == at { &step.to } else { at })
    }

    /// The text of `manifest.json`.
    ///
    /// # Panics
    /// Never: a manifest is plain text and numbers.
    pub fn render(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a manifest is plain text and numbers");
        text.push('\n');
        text
    }

    /// The objects that have code now, each with the address of its code: where somebody has moved it, the address there. What
    /// somebody has deleted has none.
    pub fn in_code(&self) -> impl Iterator<Item = (&Identity, &str, &ManifestEntry)> {
        let objects = self.objects.iter().filter(|(_, entry)| !entry.skip);
        let objects = objects.map(|(identity, entry)| {
            let address = entry.code.as_ref().map_or(&entry.address, |place| &place.address);
            (identity, address.as_str(), entry)
        });
        objects.filter(|(_, address, _)| !address.is_empty())
    }

    /// Label of an object's address: `web` of `proxmox_virtual_environment_vm.web`.
    pub fn label(&self, identity: &Identity) -> Option<&str> {
        Some(self.objects.get(identity)?.address.split_once('.')?.1)
    }
}
