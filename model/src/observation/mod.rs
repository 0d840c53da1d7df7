//! Observations: what Proxmox says of every object of a cluster at one time, and what changed between two of them.

mod attributes;
mod changes;
mod files;
mod harmless;
mod names;
mod object;
mod read;
mod sentences;
mod task_log;
mod task_rules;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use changes::{AttributeChange, Changes, Event, FirstObservation, ObjectChange, Step};
pub use files::{FOLDER, FileError, path};
pub use object::ObjectState;
pub use task_log::{Origin, Task, TaskLog, Window};

use crate::{Identity, Unread};

/// Every object of a cluster at one time, with its configuration as Proxmox says it.
///
/// It holds no time and no measurement, so that a cluster in which nobody changed anything gives the same observation
/// again, byte for byte.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The name of the cluster; of a single node, the node's. `None` where `cluster/status` is not on record.
    pub cluster: Option<String>,
    /// The version of Proxmox VE: `9.1.9`.
    pub version: Option<String>,
    /// The objects.
    pub objects: BTreeMap<Identity, ObjectState>,
    /// Objects that exist but were not read, and lists that may lack objects: nothing can be said of these.
    pub not_read: Vec<Unread>,
}

impl Observation {
    /// The observation, with the `earlier` state of each object that could not be read or listed this time.
    #[must_use]
    pub fn or_earlier(mut self, earlier: &Self) -> Self {
        for (identity, state) in &earlier.objects {
            if !self.objects.contains_key(identity) && self.is_unknown(identity) {
                self.objects.insert(identity.clone(), state.clone());
            }
        }
        self
    }

    /// Reports whether nothing can be said of the object, should it not be among the objects: it was not read, or the
    /// list of its kind may lack it.
    pub fn is_unknown(&self, identity: &Identity) -> bool {
        self.not_read.iter().any(|unread| {
            unread.identity == *identity || (unread.is_list() && unread.identity.prefix() == identity.prefix())
        })
    }

    /// The objects with this identity (`qemu/101`), this id of a guest (`101`) or this name.
    pub fn named(&self, word: &str) -> Vec<&ObjectState> {
        let exact = self.objects.values().find(|object| object.identity.as_str() == word);
        if let Some(object) = exact {
            return vec![object];
        }
        let is_named = |object: &&ObjectState| {
            object.name.as_deref() == Some(word) || (names::is_guest(&object.identity) && object.identity.id() == word)
        };
        self.objects.values().filter(is_named).collect()
    }
}
