//! Proofs of merged code with the real provider: what a sync leaves is the cluster, whatever shape people gave it.

use std::sync::Arc;

use proxmox_mpc_engine::toolchain::terraform::Tool;
use proxmox_mpc_engine::workspace::Workspace;
use proxmox_mpc_judges::tools::Missing;
use proxmox_mpc_twin::Recording;

use super::clusters::{into_for_each, into_module, renamed, with_comment};
use super::{Lab, cluster, move_out, with_memory};
use crate::support::clusters::fixture;
use crate::support::tools::{or_skip, proof, terraform};

/// Proves the code that the last sync left, against what it read.
fn prove(lab: &Lab, name: &str, tool: &Tool) -> Result<(), Missing> {
    let recording = Arc::new(Recording::open(&Workspace::at(lab.workspace()).recording()).unwrap());
    let proof = proof(&lab.workspace(), &recording, tool)?;
    assert!(proof.clean, "{name}: {:?} {:?} {:?}", proof.missing, proof.differences, proof.errors);
    let counts = proof.counts.unwrap();
    assert!(counts.changes_nothing() && counts.import > 0, "{name}: {counts:?}");
    Ok(())
}

#[test]
fn a_synced_cluster_is_proved() {
    let tool = or_skip!(terraform());
    for name in ["pve-9.1", "homelab", "odd-corners"] {
        let lab = Lab::new("");
        let ran = lab.sync(&fixture(name), &[]);
        assert_eq!(ran.code, Some(0), "{name}: {}{}", ran.output, ran.errors);
        or_skip!(prove(&lab, name, &tool));
    }
}

/// Memory, name and comment change, and the label follows the name; the code is split into files, a map and a module.
#[test]
fn a_changed_cluster_is_proved_in_reshaped_code() {
    let tool = or_skip!(terraform());
    let changed = renamed(with_comment(with_memory(6144), "Never off"), "home");
    for reshape in [into_for_each, into_module] {
        let lab = Lab::new("");
        assert_eq!(lab.sync(&cluster(), &[]).code, Some(0));
        reshape(&lab);
        move_out(&lab);
        let ran = lab.sync(&changed, &["--rename"]);
        assert_eq!(ran.code, Some(0), "{}{}", ran.output, ran.errors);
        let code = lab.git(&["diff", "HEAD~1", "HEAD", "--", "terraform"]);
        for line in ["memory = 6144", "\"Never off\"", "= \"home\"", "_vm\" \"home\" {", "moved {"] {
            assert!(code.lines().any(|changed| changed.starts_with('+') && changed.contains(line)), "{line}: {code}");
        }
        or_skip!(prove(&lab, "reshaped", &tool));
    }
}
