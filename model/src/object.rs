//! One thing of a cluster: who it is, what Proxmox says of it, and what could not be read.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Who an object is for as long as it lives, whatever it is called: `qemu/101`, `storage/local`, `pool/prod`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Identity(String);

impl Identity {
    /// The identity of the object `id` among the objects called `prefix` (`qemu`, `101`).
    pub fn new(prefix: &str, id: impl fmt::Display) -> Self {
        Self(format!("{prefix}/{id}"))
    }

    /// The whole text: `qemu/101`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the first slash: `qemu`.
    pub fn prefix(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(prefix, _)| prefix)
    }

    /// What stands after the first slash: `101`, and `prod/web` of a nested pool.
    pub fn id(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, id)| id)
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// An object as the lists show it: enough to choose it, to name it and to ask for the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Who it is.
    pub identity: Identity,
    /// The name that people gave it; `None` where it has none and Proxmox invents one (`VM 105`).
    pub name: Option<String>,
    /// The node that it is on, where it is on one.
    pub node: Option<String>,
    /// The pool that it is a member of.
    pub pool: Option<String>,
    /// Its tags, in Proxmox's order.
    pub tags: Vec<String>,
}

/// An object with every key that Proxmox shows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Who it is and where.
    pub entry: Entry,
    /// Proxmox's keys and values, unchanged.
    pub keys: Map<String, Value>,
}

impl Object {
    /// The value of a key as text: strings as they are, numbers as Proxmox prints them, `None` where absent.
    pub fn text(&self, key: &str) -> Option<String> {
        self.keys.get(key).and_then(text)
    }
}

/// A JSON scalar as the text that Proxmox's configuration has; `None` for null, lists and objects.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(if *flag { "1" } else { "0" }.to_owned()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// An object that is there but could not be read, or whose kind could not be listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unread {
    /// Who it is; the kind's id followed by `/*` where the list itself was refused.
    pub identity: Identity,
    /// Proxmox's reason, or what is missing.
    pub reason: String,
}

/// The objects of one kind, as far as this login sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// What is there, in the order of identities.
    pub entries: Vec<Entry>,
    /// `None` when the list is complete and was read with sufficient privilege: what it lacks is gone.
    /// Otherwise why that cannot be said.
    pub incomplete: Option<String>,
}
