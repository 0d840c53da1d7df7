//! Changes between two observations of a cluster.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::attributes;
use super::names;
use super::task_log::Origin;
use super::{ObjectState, Observation};
use crate::Identity;

/// Changes between two observations of a cluster, in Proxmox's words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Changes {
    /// The name of the cluster.
    pub cluster: Option<String>,
    /// The counts of the first observation, before which there was none; `None` where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<FirstObservation>,
    /// The objects that changed, in the order of their identities; none of a first observation.
    pub objects: Vec<ObjectChange>,
}

/// Counts of a first observation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FirstObservation {
    /// The number of guests.
    pub guests: usize,
    /// The number of other objects.
    pub others: usize,
}

/// Change of one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectChange {
    /// The object: `qemu/101`.
    pub identity: Identity,
    /// Its name now, of a guest; the last one of a guest that is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The node that it is on now, or was on last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The event.
    pub event: Event,
    /// The former name and the present one, of a guest that was renamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed: Option<Step>,
    /// The former node and the present one, where it moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<Step>,
    /// The settings that changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<AttributeChange>,
    /// Who changed it, as far as the cluster's task log tells; `None` where no task log was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// Event in the life of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// It is gone from a list that is complete.
    Gone,
    /// It is there as before, with other settings, another name or on another node.
    Changed,
    /// It was not there before.
    New,
    /// It is read for the first time: before, the login could not see it, or its node did not answer.
    FirstRead,
}

/// A name or a node, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Before; `None` where there was none.
    pub before: Option<String>,
    /// After; `None` where there is none any more.
    pub after: Option<String>,
}

/// Change of one setting.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct AttributeChange {
    /// The key: `net0`.
    pub key: String,
    /// The property within the value of the key: `bridge`; `None` for the value as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub property: Option<String>,
    /// The value before; `None` where it was not set. Of a secret, a placeholder.
    pub before: Option<String>,
    /// The value after; `None` where it is not set any more. Of a secret, a placeholder.
    pub after: Option<String>,
}

impl Changes {
    /// The changes of a first observation: counts, no list.
    pub fn first(observation: &Observation) -> Self {
        let guests = observation.objects.keys().filter(|identity| names::is_guest(identity)).count();
        let first = FirstObservation { guests, others: observation.objects.len() - guests };
        Self { cluster: observation.cluster.clone(), first: Some(first), objects: Vec::new() }
    }

    /// The changes between two observations. An object that could not be read in one of them has not changed.
    pub fn between(before: &Observation, after: &Observation) -> Self {
        Self::of(before, after, &before.objects, &after.objects)
    }

    /// The same for some of the objects: those whose files differ. The observations say what was not read.
    pub fn of(
        before: &Observation,
        after: &Observation,
        objects_before: &BTreeMap<Identity, ObjectState>,
        objects_after: &BTreeMap<Identity, ObjectState>,
    ) -> Self {
        let mut objects = Vec::new();
        for (identity, state) in objects_before {
            match objects_after.get(identity) {
                Some(now) => objects.extend(ObjectChange::between(state, now)),
                None if after.is_unknown(identity) => {}
                None => objects.push(ObjectChange::of_event(state, Event::Gone)),
            }
        }
        for (identity, state) in objects_after.iter().filter(|(identity, _)| !objects_before.contains_key(*identity)) {
            let event = if before.is_unknown(identity) { Event::FirstRead } else { Event::New };
            objects.push(ObjectChange::of_event(state, event));
        }
        objects.sort_by(|one, other| one.identity.cmp(&other.identity));
        Self { cluster: after.cluster.clone(), first: None, objects }
    }

    /// Reports whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.first.is_none() && self.objects.is_empty()
    }
}

impl ObjectChange {
    /// An event in the life of an object, of which this is the state.
    pub fn of_event(state: &ObjectState, event: Event) -> Self {
        Self {
            identity: state.identity.clone(),
            name: state.name.clone(),
            node: state.node.clone(),
            event,
            renamed: None,
            moved: None,
            attributes: Vec::new(),
            origin: None,
        }
    }

    /// The change between two states of an object; `None` where nothing changed that means anything.
    pub fn between(before: &ObjectState, after: &ObjectState) -> Option<Self> {
        if before == after {
            return None;
        }
        let step = |before: &Option<String>, after: &Option<String>| {
            (before != after).then(|| Step { before: before.clone(), after: after.clone() })
        };
        let change = Self {
            renamed: step(&before.name, &after.name),
            moved: step(&before.node, &after.node),
            attributes: attributes::changes(before, after),
            ..Self::of_event(after, Event::Changed)
        };
        let changed = change.renamed.is_some() || change.moved.is_some() || !change.attributes.is_empty();
        changed.then_some(change)
    }
}
