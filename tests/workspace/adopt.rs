//! `--adopt-state`: takes over the addresses of an existing Terraform state.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proxmox_mpc_engine::toolchain::invocation::Invocation;
use proxmox_mpc_engine::toolchain::process::run;
use proxmox_mpc_engine::toolchain::terraform::{Product, Version};
use proxmox_mpc_judges::tools::{Missing, Tool};
use serde_json::{Value, json};

use super::{Lab, files};
use crate::support;
use crate::support::clusters::place;
use crate::support::tools::{or_skip, skip, terraform};

const VM: &str = "proxmox_virtual_environment_vm";
const CONTAINER: &str = "proxmox_virtual_environment_container";

/// A state that ships with the project.
fn state(name: &str) -> String {
    place("states").join(name).to_str().unwrap().to_owned()
}

/// Action of the adoption for each address of a state, with its new address.
fn adopted(lab: &Lab, state: &str) -> BTreeMap<String, (String, String)> {
    let report: Value =
        serde_json::from_str(&lab.import(&["--adopt-state", state, "--output", "json"]).done()).unwrap();
    let one = |one: &Value| {
        let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
        (text("from"), (text("to"), text("result")))
    };
    report["adopted"].as_array().unwrap().iter().map(one).collect()
}

/// A real state, read both as `terraform show -json` prints it and as Terraform stores it: an import of this cluster, with
/// some objects moved into modules and keys by `terraform state mv`.
#[test]
fn the_addresses_of_a_real_state_are_adopted() {
    for (name, same) in [("bpg.json", 26), ("bpg.tfstate", 6)] {
        let lab = Lab::new();
        let adopted = adopted(&lab, &state(name));
        let check = |from: &str, to: &str, done: &str| {
            assert_eq!(adopted[from], (to.to_owned(), done.to_owned()), "{name}: {from}");
            assert!(to.is_empty() || !lab.code(to).is_empty(), "{name}: {to}");
        };
        assert_eq!(adopted.values().filter(|(_, done)| done == "same_address").count(), same, "{name}");
        let pool = "proxmox_virtual_environment_pool.Team-A";
        check(pool, pool, "same_address");
        let nas = ("proxmox_virtual_environment_storage_nfs.nas", "proxmox_storage_nfs.nas");
        check(nas.0, nas.1, "same_label");
        check(&format!("{CONTAINER}.app[0]"), &format!("{CONTAINER}.app_0"), "derived_label");
        check(&format!("{VM}.node[\"x\"]"), &format!("{VM}.node_x"), "derived_label");
        check(&format!("{VM}.node[\"$${{y}}\"]"), &format!("{VM}.node_y"), "derived_label");
        check(&format!("{VM}.node[\"gone\"]"), "", "not_found");
        check(&format!("module.web[\"a.b\"].{VM}.this[0]"), &format!("{VM}.web_a_b_this_0"), "derived_label");
        // What refers to an adopted address follows it.
        assert!(lab.read("terraform/pool_memberships.tf").contains(&format!("= {pool}.pool_id\n")));
        let removed = lab.read("adopted/removed.tf");
        assert!(removed.contains(&format!("removed {{\n  from = module.web.{VM}.this\n")), "{removed}");
        assert!(!removed.contains(&format!("from = {VM}.node\n")), "{removed}");
        assert!(removed.contains(&format!("#   terraform state rm '{VM}.node[\"x\"]'\n")), "{removed}");
        let moved = lab.read("adopted/moved.tf");
        assert!(moved.contains(&format!("  from = {}\n  to   = {}\n", nas.0, nas.1)), "{moved}");
        assert!(!moved.contains("Team-A"), "{moved}");
    }
}

#[test]
fn the_labels_of_telmates_resources_are_adopted() {
    let lab = Lab::new();
    let adopted = adopted(&lab, &state("telmate.json"));
    let check = |from: &str, to: &str, done: &str| {
        assert_eq!(adopted[from], (to.to_owned(), done.to_owned()), "{from}");
        assert!(to.is_empty() || !lab.code(to).is_empty(), "{to}");
    };
    assert_eq!(adopted.len(), 10, "{adopted:?}");
    check("proxmox_vm_qemu.web", &format!("{VM}.web"), "same_label");
    // A machine and a container cannot have the same label here.
    check("proxmox_lxc.web", &format!("{CONTAINER}.web_200"), "derived_label");
    // It was moved to another node since.
    check("proxmox_lxc.moved", &format!("{CONTAINER}.moved"), "same_label");
    check("proxmox_pool.production", "proxmox_virtual_environment_pool.production", "same_label");
    check("module.ci.module.runner[\"a\"].proxmox_vm_qemu.this", &format!("{VM}.ci_runner_a_this"), "derived_label");
    check("proxmox_vm_qemu.worker[1]", &format!("{VM}.worker_1"), "derived_label");
    check("proxmox_vm_qemu.worker[0]", "", "not_found");
    check("proxmox_cloud_init_disk.web", "", "not_found");
    // Another provider's objects are not moved but let go.
    assert!(!lab.files().contains_key("adopted/moved.tf"));
    let removed = lab.read("adopted/removed.tf");
    for (address, there) in [
        ("proxmox_vm_qemu.web", true),
        ("proxmox_vm_qemu.node", true),
        ("module.ci.module.runner.proxmox_vm_qemu.this", true),
        ("proxmox_vm_qemu.worker", false),
        ("proxmox_cloud_init_disk.web", false),
    ] {
        let block = format!("removed {{\n  from = {address}\n\n  lifecycle {{\n    destroy = false\n  }}\n}}\n");
        assert_eq!(removed.contains(&block), there, "{address}: {removed}");
    }
    let all = files(&lab.at("lab"));
    let leak = all.iter().find(|(_, text)| text.contains("CANARY"));
    assert!(leak.is_none(), "{leak:?}");
}

/// Only addresses and ids of a state are printed, in every output.
#[test]
fn no_secret_of_a_state_is_told() {
    let lab = Lab::new();
    let telmate = state("telmate.json");
    for more in [&["-vv"][..], &["--output", "yaml", "--events", "json"], &["--dry-run"]] {
        let ran = lab.import(&[&["--adopt-state", &telmate], more].concat());
        assert!(!format!("{}{}", ran.output, ran.errors).contains("CANARY"), "{more:?}");
    }
    let check = |text: &str, expected: &str| {
        fs::write(lab.at("broken.json"), text).unwrap();
        let output = lab.import(&["--adopt-state", &lab.word("broken.json")]).failed();
        assert!(output.contains("cannot adopt addresses from") && output.contains(expected), "{output}");
        assert!(output.contains("hint: ") && !output.contains("CANARY"), "{output}");
    };
    let good = fs::read_to_string(&telmate).unwrap();
    check(&good[..good.len() / 2], "this is not JSON as Terraform writes it");
    check("resource \"CANARY\"", "line 1, column 1");
    check("{\"format_version\": \"1.0\", \"values\": \"CANARY\"}", "neither what `terraform show -json` prints");
    check(&good.replace("\"managed\"", "\"data\""), "there is no resource in it");
    check(&good.replace("\"proxmox_", "\"CANARY_"), "none of its 11 resources is of a Proxmox provider");
    check(&good.replacen("\"1.0\"", "\"2.0\"", 1), "newer");
    let missing = lab.import(&["--adopt-state", &lab.word("nothing.json")]).failed();
    assert!(missing.contains("nothing.json"), "{missing}");
}

/// Addresses stay, and so does the file for the old root, until its user deletes it.
#[test]
fn adopted_addresses_stay_and_given_ones_win() {
    let lab = Lab::new();
    let mapped = json!({"format": 1, "objects": {"qemu/103": {"address": format!("{VM}.mapped")}}});
    fs::write(lab.at("mapping.json"), mapped.to_string()).unwrap();
    let telmate = state("telmate.json");
    let output = lab.import(&["--adopt-state", &telmate, "--mapping", &lab.word("mapping.json")]).done();
    assert!(output.contains(&format!("proxmox_vm_qemu.node[\"db\"] is {VM}.mapped: the workspace")), "{output}");
    let before = lab.files();
    assert!(!lab.code(&format!("{VM}.mapped")).is_empty());
    lab.import(&[]).done();
    assert_eq!(lab.files(), before);
    // The same state again changes nothing.
    lab.import(&["--adopt-state", &telmate]).done();
    let again = lab.files();
    let code = |files: &super::Files| -> super::Files {
        files.iter().filter(|(path, _)| path.starts_with("terraform/")).map(|(p, t)| (p.clone(), t.clone())).collect()
    };
    assert_eq!(code(&again), code(&before));
    // An edit of what is there is not lost, nor does it stop an import that has nothing to say of it.
    lab.write("adopted/removed.tf", "# mine\n");
    lab.import(&[]).done();
    assert_eq!(lab.read("adopted/removed.tf"), "# mine\n");
    lab.import(&["--adopt-state", &telmate]).failed();
    assert_eq!(lab.read("adopted/removed.tf"), "# mine\n");
    fs::remove_dir_all(lab.at("lab/adopted")).unwrap();
    lab.import(&[]).done();
    assert!(!lab.at("lab/adopted").exists());
    assert_eq!(code(&lab.files()), code(&before));
    // A workspace that has its addresses keeps them.
    let lab = Lab::imported();
    let before = lab.files();
    let other = adopted(&lab, &telmate);
    assert_eq!(other["proxmox_vm_qemu.web"], (super::WEB.to_owned(), "other_address".to_owned()));
    assert_eq!(code(&lab.files()), code(&before));
}

/// The blocks as Terraform itself reads them, with the provider of this project in the place of Telmate's: a `removed`
/// block needs no schema.
#[test]
fn terraform_takes_the_blocks_for_the_old_root() {
    let tool = or_skip!(terraform());
    if tool.product != Product::Terraform || tool.version < Version(1, 7, 0) {
        let why = "only Terraform 1.7 or newer reads these blocks";
        return skip(module_path!(), &Missing::new(Tool::Terraform, why));
    }
    let run_in = |folder: &Path, words: &[&str]| {
        let invocation = words.iter().fold(Invocation::new(&tool.program), |invocation, word| invocation.arg(*word));
        let invocation = invocation.env("CHECKPOINT_DISABLE", "1").folder(folder);
        let mut output = String::new();
        let ended = run(&invocation, &support::context(), |_, line| output.extend([line.as_str(), "\n"])).unwrap();
        (ended.code, output)
    };
    for name in ["telmate.json", "bpg.json"] {
        let lab = Lab::new();
        lab.import(&["--adopt-state", &state(name)]).done();
        let old = lab.at("old");
        fs::create_dir(&old).unwrap();
        fs::copy(lab.at("lab/terraform/versions.tf"), old.join("versions.tf")).unwrap();
        fs::copy(lab.at("lab/adopted/removed.tf"), old.join("removed.tf")).unwrap();
        let (code, output) = run_in(&lab.at("lab/adopted"), &["fmt", "-check", "-diff", "-no-color"]);
        assert_eq!(code, Some(0), "{name}: {output}");
        let (code, output) = run_in(&old, &["init", "-backend=false", "-input=false", "-no-color"]);
        if code != Some(0) {
            let why = format!("the provider cannot be installed: {output}");
            return skip(module_path!(), &Missing::new(Tool::Provider, why));
        }
        let (code, output) = run_in(&old, &["validate", "-no-color"]);
        assert_eq!(code, Some(0), "{name}: {output}");
    }
}
