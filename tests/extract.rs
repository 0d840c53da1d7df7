//! Extractions of a real cluster's code, proved with the real provider before they are written.

use std::fs;
use std::path::Path;

use proxmox_mpc_engine::toolchain::invocation::Invocation;
use proxmox_mpc_judges::tools::{Missing, Tool};
use proxmox_mpc_twin::Recording;

use crate::support::program::{PROGRAM, Ran, ran_in};
use crate::support::tools;
use crate::support::workspaces::{bytes, edit, imported};

const RECORDING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/homelab.tar.zst");

/// Runs an extraction with a proof; `None` where the tools are missing.
fn extract(workspace: &Path, line: &str) -> Option<Ran> {
    let line = format!("extract {line} --recording {RECORDING} --workspace {}", workspace.display());
    let program = Invocation::new(PROGRAM).keep("TF_CLI_CONFIG_FILE");
    let ran = ran_in(program, &line.split(' ').collect::<Vec<_>>());
    let missing = ["the provider cannot be installed here", "is installed here"];
    if missing.iter().any(|text| ran.errors.contains(text)) {
        tools::skip(&line, &Missing::new(Tool::Provider, ran.errors.lines().next().unwrap_or_default()));
        return None;
    }
    Some(ran)
}

#[test]
fn extractions_are_proved() {
    let folder = imported(&Recording::open(Path::new(RECORDING)).unwrap());
    let read = |file: &str| fs::read_to_string(folder.path().join(file)).unwrap();
    let check = |line: &str, file: &str, expected: &str| {
        let Some(ran) = extract(folder.path(), line) else { return };
        assert_eq!(ran.code, Some(0), "{line}: {}", ran.errors);
        assert!(ran.output.contains("70 to import, 0 to add, 0 to change, 0 to destroy, as before"), "{}", ran.output);
        assert!(read(file).contains(expected), "{}", read(file));
    };
    check("local domain --attribute initialization.dns.domain", "terraform/containers.tf", "domain  = local.domain\n");
    check("for-each pool --resource pool", "terraform/imports.tf", "proxmox_virtual_environment_pool.pool[\"media\"]");
    check("for-each user --resource user", "terraform/users.tf", "comment    = each.value.comment\n");
    let module = "module monitoring --resource lxc/201";
    check(module, "terraform/modules/monitoring/main.tf", "bridge      = var.pve_vmbr0_name\n");
    check(module.replace("201", "200").replace("monitoring", "dns").as_str(), "manifest.json", "module.dns.");
}

#[test]
fn what_would_change_the_cluster_is_not_written() {
    let folder = imported(&Recording::open(Path::new(RECORDING)).unwrap());
    // The provider's schema has no such attribute: nothing can be planned.
    edit(folder.path(), "terraform/pools.tf", &[("comment = \"Always on\"", "comment = \"Always on\"\n  no_such = 1")]);
    let before = bytes(&folder.path().join("terraform"));
    let Some(ran) = extract(folder.path(), "local on --attribute comment --resource pool --value Always") else {
        return;
    };
    assert_eq!(ran.code, Some(2), "{}", ran.errors);
    let Some(ran) = extract(folder.path(), "local one --attribute no_such --resource pool") else { return };
    assert_eq!(ran.code, Some(1), "{}", ran.errors);
    assert!(ran.errors.contains("the refactored code would not be the same: Terraform says"), "{}", ran.errors);
    assert_eq!(bytes(&folder.path().join("terraform")), before);
}
