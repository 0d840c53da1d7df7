//! Plans of random guests: none stops, and none changes anything, with the real Terraform and the real provider.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;
use proxmox_mpc_engine::toolchain::terraform::Tool;
use proxmox_mpc_generators::coverage::Outcome;
use proxmox_mpc_judges::tools::Missing;
use proxmox_mpc_model::Identity;
use proxmox_mpc_twin::Recording;
use tempfile::TempDir;

use super::guests::{Guest, Sort, guest, loaded, smallest};
use super::samples;
use crate::support::clusters::{Memory, generated, record};
use crate::support::tools::{or_skip, proof, terraform};
use crate::support::workspaces::imported;

/// Number of guests in one plan.
const IN_ONE_PLAN: u32 = 24;

/// Answers that a twin of these guests gives.
pub(super) fn answers(guests: &[Guest]) -> Memory {
    let answers = loaded(guests).answers;
    answers.into_iter().map(|(path, text)| (path, text.parsed().unwrap())).collect()
}

/// A recording of a cluster with these guests.
pub(super) fn recorded(guests: &[Guest]) -> (TempDir, Arc<Recording>) {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("recording");
    record(&answers(guests), &place);
    (folder, Arc::new(Recording::open(&place).unwrap()))
}

/// Faults of the plan of these guests, by address; `Err` if the provider is missing.
fn faults_of(tool: &Tool, guests: &[Guest]) -> Result<BTreeMap<String, String>, Missing> {
    let (_folder, recording) = recorded(guests);
    let workspace = imported(&recording);
    let proof = proof(workspace.path(), &recording, tool)?;
    let mut faults = BTreeMap::new();
    for error in &proof.errors {
        let address = error.diagnostic.address.clone().unwrap_or_default();
        faults.insert(address, format!("{} {}", error.diagnostic.summary, error.diagnostic.detail));
    }
    for one in &proof.differences {
        let names: Vec<&str> = one.difference.attributes.iter().map(|attribute| attribute.path.as_str()).collect();
        faults.insert(one.difference.address.clone(), format!("{:?} {}", one.difference.action, names.join(", ")));
    }
    if faults.is_empty() && !proof.clean {
        faults.insert(String::new(), format!("{proof:?}"));
    }
    Ok(faults)
}

/// Guests with a fault: those whose blocks are named, or one that is searched for.
fn culprits<'g>(tool: &Tool, guests: &'g [Guest], found: &BTreeMap<String, String>) -> Vec<&'g Guest> {
    let objects = generated(&answers(guests)).coverage.objects;
    let is_named = |guest: &&Guest| match &objects[&Identity::new(guest.sort.word(), guest.id)].outcome {
        Outcome::Terraform { address } => found.contains_key(address),
        _ => false,
    };
    let named: Vec<&Guest> = guests.iter().filter(is_named).collect();
    if !named.is_empty() {
        return named;
    }
    let mut rest = guests;
    while rest.len() > 1 {
        let (first, second) = rest.split_at(rest.len() / 2);
        rest = if faults_of(tool, first).is_ok_and(|found| !found.is_empty()) { first } else { second };
    }
    rest.iter().collect()
}

/// Fault of the plan of one guest, in a form that is the same for all guests with this fault.
fn fault(tool: &Tool, guest: &Guest) -> Option<String> {
    let found = faults_of(tool, std::slice::from_ref(guest)).ok()?;
    let lines: Vec<String> =
        found.into_values().map(|why| why.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    (!lines.is_empty()).then(|| lines.join("; "))
}

#[test]
fn a_plan_of_any_guests_changes_nothing() {
    let tool = or_skip!(terraform());
    let mut faults: BTreeMap<String, Guest> = BTreeMap::new();
    for guests in samples(guests(IN_ONE_PLAN), 2) {
        let found = or_skip!(faults_of(&tool, &guests));
        if found.is_empty() {
            continue;
        }
        for guest in culprits(&tool, &guests, &found) {
            let Some(why) = fault(&tool, guest) else { continue };
            faults
                .entry(why.clone())
                .or_insert_with(|| smallest(guest, |less| fault(&tool, less) == Some(why.clone())));
        }
    }
    let lines = faults.iter().map(|(why, guest)| format!("{why}\n{guest:?}"));
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), lines.collect::<Vec<_>>().join("\n"));
}

/// Guests of both sorts.
pub(super) fn guests(count: u32) -> BoxedStrategy<Vec<Guest>> {
    let one = |id| select(&[Sort::Qemu, Sort::Qemu, Sort::Lxc][..]).prop_flat_map(move |sort| guest(sort, id));
    (777_000..777_000 + count).map(one).collect::<Vec<_>>().boxed()
}
