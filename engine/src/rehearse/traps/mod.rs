//! The known traps of the provider: what a plan steps into, what that does, and what to do instead.
//!
//! One row each; where it was seen stands behind it, most often a step that was recorded with the real provider 0.111.1 and
//! Proxmox VE 9.1 (docs/rehearse.md). A new trap is a new row.

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
use crate::toolchain::terraform::{Action, Difference, Planned};

/// A trap that the rehearsal stepped into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trap {
    /// Its name.
    pub id: Cow<'static, str>,
    /// Where: addresses, or Proxmox's identities.
    pub at: Vec<String>,
    /// What happens, as a sentence.
    pub what: Cow<'static, str>,
    /// What to do instead, as a sentence.
    pub instead: Cow<'static, str>,
    /// Where it was seen.
    pub source: Cow<'static, str>,
}

/// Everything that a rehearsal knows.
pub(super) struct Evidence<'a> {
    /// What Terraform means to do.
    pub(super) planned: &'a [Planned],
    /// What came in at the twin.
    pub(super) writes: &'a [LoggedWrite],
    /// The cluster before.
    pub(super) before: &'a Snapshot,
    /// The cluster after.
    pub(super) after: &'a Snapshot,
    /// What differs between the two.
    pub(super) objects: &'a [ObjectChange],
    /// What Terraform would change once more.
    pub(super) again: &'a [Difference],
    /// What went wrong.
    pub(super) errors: &'a [Diagnostic],
    /// The Terraform addresses of objects.
    pub(super) addresses: &'a BTreeMap<Identity, String>,
    /// The guests whose agent did not answer when the cluster was recorded.
    pub(super) silent: &'a BTreeSet<Identity>,
}

/// A row of the tables: a trap, and how it is noticed.
struct Row {
    id: &'static str,
    what: &'static str,
    instead: &'static str,
    source: &'static str,
    find: fn(&Evidence<'_>) -> Vec<String>,
}

/// Every trap that was stepped into, in the order of the tables.
pub(super) fn find(evidence: &Evidence<'_>) -> Vec<Trap> {
    let rows = written::ROWS.iter().chain(planned::ROWS);
    let found = rows.filter_map(|row| {
        let mut at = (row.find)(evidence);
        at.sort();
        at.dedup();
        let Row { id, what, instead, source, .. } = *row;
        let (id, what, instead, source) = (id.into(), what.into(), instead.into(), source.into());
        (!at.is_empty()).then_some(Trap { id, at, what, instead, source })
    });
    found.collect()
}

/// The type without what all types of the provider begin with: `vm` of `proxmox_virtual_environment_vm`.
fn short(resource: &str) -> &str {
    let rest = resource.strip_prefix("proxmox_").unwrap_or(resource);
    rest.strip_prefix("virtual_environment_").unwrap_or(rest)
}

const GUESTS: [&str; 4] = ["vm", "vm2", "cloned_vm", "container"];

impl Evidence<'_> {
    /// The addresses of the objects of these types of which the plan means something that fits.
    fn meant(&self, types: &[&str], fits: impl Fn(&Planned) -> bool) -> Vec<String> {
        let all = self.planned.iter().filter(|planned| types.contains(&short(&planned.resource)) && fits(planned));
        all.map(|planned| planned.address.clone()).collect()
    }

    /// The addresses of the objects of these types that are changed in place.
    fn updated(&self, types: &[&str], fits: impl Fn(&Planned) -> bool) -> Vec<String> {
        self.meant(types, |planned| planned.action == Some(Action::Update) && fits(planned))
    }

    /// The addresses of the objects of these types that are replaced.
    fn replaced(&self, types: &[&str]) -> Vec<String> {
        self.meant(types, |planned| planned.action == Some(Action::Replace))
    }

    /// How an object is told to people: by its address, where it has one.
    fn told(&self, identity: &Identity) -> String {
        // What was to be made and was not is in no state.
        let is_it = |planned: &&Planned| planned.creates() && guests::planned(planned).as_ref() == Some(identity);
        let maker = || self.planned.iter().find(is_it).map(|planned| planned.address.clone());
        self.addresses.get(identity).cloned().or_else(maker).unwrap_or_else(|| identity.to_string())
    }

    /// Where errors say this, in this order.
    fn errors(&self, texts: &[&str]) -> Vec<String> {
        let says =
            |error: &&Diagnostic| texts.iter().all(|text| error.summary.contains(text) || error.detail.contains(text));
        let at = |error: &Diagnostic| error.address.clone().unwrap_or_else(|| error.summary.trim().to_owned());
        self.errors.iter().filter(says).map(at).collect()
    }
}

/// How many blocks of this name an object has.
fn blocks(side: &Value, name: &str) -> usize {
    side.get(name).and_then(Value::as_array).map_or(0, Vec::len)
}
