//! Serialised forms of a Terraform state: the state file, and the output of `terraform show -json`.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::Key;

/// Attributes that identify objects. All others are skipped.
const IDENTIFYING: &[&str] = &[
    "container_id",
    "file_path",
    "guest_id",
    "handle",
    "id",
    "index",
    "name",
    "node",
    "node_name",
    "plugin",
    "poolid",
    "vm_id",
    "vmid",
    "vnet",
];

/// Either form of a state.
#[derive(Deserialize)]
pub(super) struct Document {
    /// Version of a state file.
    pub(super) version: Option<u64>,
    #[serde(default)]
    pub(super) resources: Vec<StoredResource>,
    /// Version of the output of `terraform show -json`.
    pub(super) format_version: Option<String>,
    pub(super) values: Option<Values>,
    /// In a plan: the state before it.
    pub(super) prior_state: Option<PriorState>,
}

#[derive(Deserialize)]
pub(super) struct PriorState {
    pub(super) values: Option<Values>,
}

#[derive(Deserialize)]
pub(super) struct Values {
    pub(super) root_module: Option<Module>,
}

#[derive(Deserialize)]
pub(super) struct Module {
    pub(super) address: Option<String>,
    #[serde(default)]
    pub(super) resources: Vec<ShownResource>,
    #[serde(default)]
    pub(super) child_modules: Vec<Self>,
}

/// A resource in the output of `show -json`.
#[derive(Deserialize)]
pub(super) struct ShownResource {
    pub(super) mode: String,
    #[serde(rename = "type")]
    pub(super) resource: String,
    pub(super) name: String,
    pub(super) index: Option<Key>,
    /// Present for an object that has been replaced and is about to be destroyed.
    pub(super) deposed_key: Option<String>,
    #[serde(default)]
    pub(super) values: Option<Attributes>,
}

/// A resource in a state file.
#[derive(Deserialize)]
pub(super) struct StoredResource {
    pub(super) module: Option<String>,
    pub(super) mode: String,
    #[serde(rename = "type")]
    pub(super) resource: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) instances: Vec<StoredInstance>,
}

#[derive(Deserialize)]
pub(super) struct StoredInstance {
    pub(super) index_key: Option<Key>,
    pub(super) deposed: Option<String>,
    #[serde(default)]
    pub(super) attributes: Option<Attributes>,
}

/// The identifying attributes of a resource.
#[derive(Default)]
pub(super) struct Attributes(pub(super) BTreeMap<&'static str, String>);

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Identifying)
    }
}

struct Identifying;

impl<'de> Visitor<'de> for Identifying {
    type Value = Attributes;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the attributes of a resource")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Attributes, A::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Scalar {
            Text(String),
            Number(u64),
            Other(IgnoredAny),
        }
        let mut attributes = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            let Some(known) = IDENTIFYING.iter().find(|known| **known == name) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let text = match map.next_value()? {
                Scalar::Text(text) => text,
                Scalar::Number(number) => number.to_string(),
                Scalar::Other(_) => continue,
            };
            attributes.insert(*known, text);
        }
        Ok(Attributes(attributes))
    }
}
