//! Proofs of the fixtures: each fixture keeps the last proof of its code, so that no change of either goes unproved.

use std::path::Path;
use std::sync::Arc;

use proxmox_mpc_engine::verify::{self, ProofRecord};
use proxmox_mpc_engine::workspace::Workspace;
use proxmox_mpc_twin::Recording;

use crate::support::clusters::{FIXTURES, place};
use crate::support::program::ran;
use crate::support::tools::{or_skip, proof, terraform};

/// Imports a fixture as people would.
fn imported(file: &str, out: &Path) {
    let from = place(file);
    let ran = ran(&["import", "--from", from.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    assert_eq!(ran.code, Some(0), "{file}: {}", ran.errors);
}

/// `scripts/prove` renews them with the real provider.
#[test]
fn the_last_proof_is_one_of_what_is_generated_now() {
    let folder = tempfile::tempdir().unwrap();
    for (name, file) in FIXTURES {
        let workspace = Workspace::at(folder.path().join(name));
        imported(file, workspace.root());
        let proof = ProofRecord::read(&place(&format!("{name}.proof.json"))).unwrap();
        let manifest = verify::manifest(&workspace).unwrap();
        assert!(proof.clean && proof.counts.changes_nothing(), "{name}: {:?}", proof.counts);
        assert_eq!(proof.counts.import, u64::try_from(manifest.objects.len()).unwrap(), "{name}");
        let recording = verify::digest(&Recording::open(&workspace.recording()).unwrap()).unwrap();
        let files = verify::generated(&workspace, &manifest).unwrap();
        let mismatches = proof.mismatches(&recording, &files);
        assert!(mismatches.is_empty(), "{name}: run `scripts/prove {name}`: {mismatches:?}");
    }
}

#[test]
fn the_real_provider_agrees_with_every_proof() {
    let tool = or_skip!(terraform());
    let folder = tempfile::tempdir().unwrap();
    for (name, file) in FIXTURES {
        let workspace = Workspace::at(folder.path().join(name));
        imported(file, workspace.root());
        let recording = Arc::new(Recording::open(&workspace.recording()).unwrap());
        let proof = or_skip!(proof(workspace.root(), &recording, &tool));
        let kept = ProofRecord::read(&place(&format!("{name}.proof.json"))).unwrap();
        assert!(proof.clean, "{name}: {:?} {:?}", proof.differences, proof.errors);
        assert_eq!(proof.counts, Some(kept.counts), "{name}");
        assert_eq!(proof.answers.unwrap().unknown, 0, "{name}");
    }
}
