//! Every fixture keeps the last proof of its code, so that no change of either goes unproved.

use std::path::Path;
use std::sync::Arc;

use proxmox_mpc_engine::toolchain::terraform::{TerraformError, ToolError, find};
use proxmox_mpc_engine::verify::{self, ProofRecord, VerifyError};
use proxmox_mpc_engine::workspace::Workspace;
use proxmox_mpc_twin::Recording;

use crate::support;
use crate::support::clusters::{FIXTURES, place};
use crate::support::program::ran;
use crate::support::skip;

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
    let tool = match find(None, &support::context()) {
        Ok(tool) => tool,
        Err(error @ ToolError::Missing) => skip!("{error}"),
        Err(error) => panic!("{error}"),
    };
    let folder = tempfile::tempdir().unwrap();
    for (name, file) in FIXTURES {
        let workspace = Workspace::at(folder.path().join(name));
        imported(file, workspace.root());
        let recording = Arc::new(Recording::open(&workspace.recording()).unwrap());
        let proof = match verify::against_twin(&workspace, recording, &tool, &support::context()) {
            Ok(proof) => proof,
            Err(error @ VerifyError::Terraform(TerraformError::Provider { .. })) => skip!("{error}"),
            Err(error) => panic!("{name}: {error}"),
        };
        let kept = ProofRecord::read(&place(&format!("{name}.proof.json"))).unwrap();
        assert!(proof.clean, "{name}: {:?} {:?}", proof.differences, proof.errors);
        assert_eq!(proof.counts, Some(kept.counts), "{name}");
        assert_eq!(proof.answers.unwrap().unknown, 0, "{name}");
    }
}
