//! `--mapping`: the user's own addresses and exclusions.

use std::fs;

use proxmox_mpc_model::{Answer, ApiPath};
use serde_json::{Value, json};

use super::{APP, Lab, WEB, files};
use crate::support::clusters::terraform;

const POOL: &str = "proxmox_virtual_environment_pool.prod";
const PRODUCTION: &str = "proxmox_virtual_environment_pool.production";

/// The list of addresses that a dry run prints.
fn list(lab: &Lab) -> Value {
    let report: Value = serde_json::from_str(&lab.import(&["--dry-run", "--output", "json"]).done()).unwrap();
    report["manifest"].clone()
}

fn import(lab: &Lab, mapping: &str) -> crate::support::program::Ran {
    fs::write(lab.at("mapping.json"), mapping).unwrap();
    lab.import(&["--mapping", &lab.word("mapping.json")])
}

#[test]
fn a_dry_run_writes_nothing_and_its_list_is_a_mapping() {
    let lab = Lab::new();
    let output = lab.import(&["--dry-run"]).done();
    assert!(output.contains(WEB) && output.contains("nothing was written"), "{output}");
    let printed = lab.import(&["--dry-run", "--output", "json"]).done();
    let mut there: Vec<_> = fs::read_dir(lab.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    there.sort();
    assert_eq!(there, ["answers"]);
    import(&lab, &printed).done();
    assert_eq!(lab.files(), Lab::imported().files());
    let all = files(&lab.at("lab"));
    lab.import(&["--dry-run"]).done();
    assert_eq!(files(&lab.at("lab")), all);
    assert_eq!(list(&lab)["objects"], serde_json::from_str::<Value>(&printed).unwrap()["manifest"]["objects"]);
}

/// Blocks, references, variables and imports use the new address, and a `moved` block tells Terraform.
#[test]
fn a_changed_address_moves_everything_that_names_it() {
    let lab = Lab::imported();
    let before = lab.files();
    let mut mapping = list(&lab);
    mapping["objects"]["pool/prod"]["address"] = PRODUCTION.into();
    mapping["objects"]["lxc/200"]["address"] = "proxmox_virtual_environment_container.app".into();
    let output = import(&lab, &mapping.to_string()).done();
    assert!(output.contains(&format!("{POOL} is now {PRODUCTION}")), "{output}");
    let after = lab.files();
    assert_eq!(super::code(&after, POOL), "");
    for (path, text) in terraform(&after).filter(|(path, _)| !path.ends_with("moved.tf")) {
        assert!(!text.contains(&format!("{POOL}.")) && !text.contains("ct_app_template"), "{path}");
    }
    let moved = "moved {\n  from = proxmox_virtual_environment_pool.prod\n  to   = proxmox_virtual_environment_pool.production\n}\n";
    assert!(after["terraform/moved.tf"].contains(moved), "{}", after["terraform/moved.tf"]);
    let members = |files: &super::Files, pool: &str| files["terraform/pool_memberships.tf"].matches(pool).count();
    assert_eq!(members(&before, &format!("{POOL}.pool_id")), members(&after, &format!("{PRODUCTION}.pool_id")));
    // It stays without the mapping, and so does the move.
    lab.import(&[]).done();
    assert_eq!(lab.files(), after);
    // And back: two moves that cancel each other are none.
    mapping["objects"]["pool/prod"]["address"] = POOL.into();
    import(&lab, &mapping.to_string()).done();
    let back = lab.read("terraform/moved.tf");
    assert!(back.contains("to   = proxmox_virtual_environment_pool.prod\n") && !back.contains(moved), "{back}");
}

/// A new object never gets the former address of another one: Terraform regards the move as done.
#[test]
fn an_address_that_was_moved_from_is_not_given_again() {
    let mut lab = Lab::imported();
    let mut mapping = list(&lab);
    mapping["objects"]["qemu/100"]["address"] = "proxmox_virtual_environment_vm.shop".into();
    import(&lab, &mapping.to_string()).done();
    let rows = lab.data("cluster/resources").as_array_mut().unwrap();
    let mut newcomer = rows.iter().find(|row| row["vmid"] == 100).unwrap().clone();
    newcomer["vmid"] = 300.into();
    rows.push(newcomer);
    let config = lab.data("nodes/pve1/qemu/100/config").clone();
    lab.answers.insert(ApiPath::parse("nodes/pve1/qemu/300/config"), Answer::ok(config));
    lab.import(&[]).done();
    assert_eq!(lab.code(WEB), "");
    assert!(!lab.code("proxmox_virtual_environment_vm.web_frontend_300").is_empty());
}

/// Kept code refers to the new addresses of the objects that it refers to.
#[test]
fn kept_code_follows_a_move() {
    let lab = Lab::imported();
    let mut mapping = list(&lab);
    mapping["objects"]["pool/prod"]["address"] = PRODUCTION.into();
    fs::write(lab.at("mapping.json"), mapping.to_string()).unwrap();
    lab.import(&["--mapping", &lab.word("mapping.json"), "--exclude", "kind=pool_membership"]).done();
    let text = lab.read("terraform/pool_memberships.tf");
    assert!(text.contains(&format!("{PRODUCTION}.pool_id\n")) && !text.contains(&format!("{POOL}.")), "{text}");
}

#[test]
fn what_is_skipped_is_left_out() {
    let lab = Lab::new();
    let mut mapping = list(&lab);
    mapping["objects"]["lxc/200"]["skip"] = true.into();
    import(&lab, &mapping.to_string()).done();
    assert_eq!(lab.code(APP), "");
    // For good, until a mapping says otherwise.
    lab.import(&[]).done();
    assert_eq!(lab.code(APP), "");
    mapping["objects"]["lxc/200"]["skip"] = false.into();
    import(&lab, &mapping.to_string()).done();
    assert_eq!(lab.code(APP), Lab::imported().code(APP));
    // Code that is there already stays: taking it out would destroy the guest.
    let app = lab.code(APP);
    mapping["objects"]["lxc/200"]["skip"] = true.into();
    import(&lab, &mapping.to_string()).done();
    assert_eq!(lab.code(APP), app);
    lab.import(&[]).done();
    assert_eq!(lab.code(APP), app);
    // Taken in again under another name, it has moved from where it stood all the while.
    mapping["objects"]["lxc/200"] = json!({"address": "proxmox_virtual_environment_container.app"});
    import(&lab, &mapping.to_string()).done();
    assert!(lab.read("terraform/moved.tf").contains(&format!("from = {APP}\n")));
}

#[test]
fn a_mapping_that_cannot_be_used_is_refused_before_anything_is_written() {
    let lab = Lab::imported();
    let all = files(&lab.at("lab"));
    let web = |address: &str| json!({"format": 1, "objects": {"qemu/100": {"address": address}}}).to_string();
    let check = |mapping: &str, expected: &str| {
        let output = import(&lab, mapping).failed();
        assert!(output.contains(expected), "{mapping}: {output}");
        assert!(output.contains("hint: "), "{output}");
        assert_eq!(files(&lab.at("lab")), all, "{mapping}");
    };
    check("no JSON", "mapping.json` cannot be used");
    check("{}", "it is not a manifest");
    check(r#"{"format": 2, "objects": {}, "more": 1}"#, "its format is 2, and this program knows format 1");
    check(&web("web"), "`web` of qemu/100 is not an address of the form `type.name`");
    check(&web("proxmox_virtual_environment_vm.1web"), "is not an address");
    check(&web("proxmox_virtual_environment_vm.we b"), "is not an address");
    check(&web("proxmox_virtual_environment_vm.a.b"), "is not an address");
    check(&web(""), "is not an address");
    let twice = json!({"format": 1, "objects": {
        "qemu/100": {"address": "proxmox_virtual_environment_vm.a"},
        "qemu/101": {"address": "proxmox_virtual_environment_vm.a"},
    }});
    check(&twice.to_string(), "qemu/100 and qemu/101 have the same address `proxmox_virtual_environment_vm.a`");
    // Of what only the workspace knows.
    check(&web("proxmox_virtual_environment_vm.ci_ubuntu"), "`proxmox_virtual_environment_vm.ci_ubuntu`");
    // A swap cannot be said to Terraform in one step.
    let swap = json!({"format": 1, "objects": {
        "qemu/100": {"address": "proxmox_virtual_environment_vm.ci_ubuntu"},
        "qemu/101": {"address": "proxmox_virtual_environment_vm.web_frontend"},
    }});
    check(&swap.to_string(), "`proxmox_virtual_environment_vm.ci_ubuntu`");
    // Another type is another thing.
    check(&web("proxmox_virtual_environment_container.web"), "proxmox_virtual_environment_container");
    let missing = lab.import(&["--mapping", &lab.word("nothing.json")]).failed();
    assert!(missing.contains("nothing.json"), "{missing}");
}
