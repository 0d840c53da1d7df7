//! Traps: known surprises of the provider, with what happens and what to do instead.
//!
//! Each is a row of a table with its source, most often a step that was recorded with the real provider 0.111.1 and Proxmox
//! VE 9.1 (docs/rehearse.md). To add a trap, add a row.

mod planned;
#[cfg(test)]
mod tests;
mod written;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_model::Identity;
use proxmox_mpc_twin::server::LoggedWrite;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::operation::event::Diagnostic;
use crate::rehearse::guests;
use crate::rehearse::objects::{ObjectChange, Snapshot};
use crate::toolchain::terraform::{Action, Difference, PlannedResource};

/// A trap that the rehearsal stepped into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trap {
    /// The name of the trap.
    pub id: Cow<'static, str>,
    /// The objects that are affected: Terraform addresses, or Proxmox's identities.
    pub at: Vec<String>,
    /// The consequence, as a sentence.
    pub what: Cow<'static, str>,
    /// The alternative, as a sentence.
    pub instead: Cow<'static, str>,
    /// The source: where the trap was observed.
    pub source: Cow<'static, str>,
}

/// Evidence of a rehearsal that traps are recognized by.
pub(super) struct Evidence<'a> {
    /// The plan.
    pub(super) planned: &'a [PlannedResource],
    /// The writing calls to the twin.
    pub(super) writes: &'a [LoggedWrite],
    /// The twin before.
    pub(super) before: &'a Snapshot,
    /// The twin after.
    pub(super) after: &'a Snapshot,
    /// The differences between the two.
    pub(super) objects: &'a [ObjectChange],
    /// The differences of a second plan.
    pub(super) again: &'a [Difference],
    /// The errors.
    pub(super) errors: &'a [Diagnostic],
    /// The Terraform addresses of objects.
    pub(super) addresses: &'a BTreeMap<Identity, String>,
    /// The guests whose agent did not answer when the cluster was recorded.
    pub(super) silent: &'a BTreeSet<Identity>,
}

/// Row of the tables: a trap, and the function that finds the affected objects.
struct TrapRule {
    id: &'static str,
    what: &'static str,
    instead: &'static str,
    source: &'static str,
    find: fn(&Evidence<'_>) -> Vec<String>,
}

/// Every trap that was stepped into, in the order of the tables.
pub(super) fn find(evidence: &Evidence<'_>) -> Vec<Trap> {
    let rows = written::RULES.iter().chain(planned::RULES);
    let traps = rows.filter_map(|row| {
        let mut at = (row.find)(evidence);
        at.sort();
        at.dedup();
        let TrapRule { id, what, instead, source, .. } = *row;
        let (id, what, instead, source) = (id.into(), what.into(), instead.into(), source.into());
        (!at.is_empty()).then_some(Trap { id, at, what, instead, source })
    });
    traps.collect()
}

/// The resource type without its common prefix: `vm` of `proxmox_virtual_environment_vm`.
fn short(resource: &str) -> &str {
    let rest = resource.strip_prefix("proxmox_").unwrap_or(resource);
    rest.strip_prefix("virtual_environment_").unwrap_or(rest)
}

const GUESTS: [&str; 4] = ["vm", "vm2", "cloned_vm", "container"];

impl Evidence<'_> {
    /// The addresses of planned resources of these types that fit.
    fn in_plan(&self, types: &[&str], fits: impl Fn(&PlannedResource) -> bool) -> Vec<String> {
        let all = self.planned.iter().filter(|planned| types.contains(&short(&planned.resource)) && fits(planned));
        all.map(|planned| planned.address.clone()).collect()
    }

    /// The addresses of resources of these types that fit and are changed in place.
    fn updated(&self, types: &[&str], fits: impl Fn(&PlannedResource) -> bool) -> Vec<String> {
        self.in_plan(types, |planned| planned.action == Some(Action::Update) && fits(planned))
    }

    /// The addresses of resources of these types that are replaced.
    fn replaced(&self, types: &[&str]) -> Vec<String> {
        self.in_plan(types, |planned| planned.action == Some(Action::Replace))
    }

    /// The label of an object for people: its address if it has one, otherwise its identity.
    fn label(&self, identity: &Identity) -> String {
        // A guest that could not be created is in no state, but the plan has its address.
        let is_it =
            |planned: &&PlannedResource| planned.creates() && guests::planned(planned).as_ref() == Some(identity);
        let planned = || self.planned.iter().find(is_it).map(|planned| planned.address.clone());
        self.addresses.get(identity).cloned().or_else(planned).unwrap_or_else(|| identity.to_string())
    }

    /// The addresses of errors whose text has all of these parts.
    fn errors(&self, texts: &[&str]) -> Vec<String> {
        let says =
            |error: &&Diagnostic| texts.iter().all(|text| error.summary.contains(text) || error.detail.contains(text));
        let at = |error: &Diagnostic| error.address.clone().unwrap_or_else(|| error.summary.trim().to_owned());
        self.errors.iter().filter(says).map(at).collect()
    }
}

/// The number of blocks of this name that an object has.
fn blocks(side: &Value, name: &str) -> usize {
    side.get(name).and_then(Value::as_array).map_or(0, Vec::len)
}
