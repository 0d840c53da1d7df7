//! Importing again: addresses and code stay, and only the code of deleted objects goes.

use std::collections::BTreeMap;

use proxmox_mpc_engine::toolchain::invocation::Invocation;
use proxmox_mpc_model::{Answer, ApiPath};
use serde_json::json;

use super::{APP, Lab, PROD, WEB, cluster};
use crate::support::program::{PROGRAM, ran_in};
use crate::support::workspaces::bytes;

const CONFIG: &str = "nodes/pve1/qemu/100/config";

#[test]
fn a_second_run_changes_nothing_and_says_so() {
    let lab = Lab::imported();
    let (files, times) = (lab.files(), lab.times());
    let output = lab.import(&[]).done();
    assert!(output.contains("no file was changed"), "{output}");
    assert_eq!(lab.files(), files);
    assert_eq!(lab.times(), times);
    lab.import(&["--force"]).done();
    assert_eq!(lab.times(), times);
}

/// The version of the provider is chosen once, and must be a known one.
#[test]
fn a_chosen_version_of_the_provider_is_kept() {
    let lab = Lab::imported();
    let pins = |version: &str| {
        let pinned = lab.read("terraform/versions.tf").contains(&format!("\"{version}\""));
        pinned && lab.read("manifest.json").contains(&format!("\"bpg/proxmox {version}\""))
    };
    assert!(pins("0.111.1"));
    lab.import(&["--provider-version", "0.112.0"]).done();
    assert!(pins("0.112.0"));
    lab.import(&[]).done();
    assert!(pins("0.112.0"));
    let refused = lab.import(&["--provider-version", "0.9.0"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.errors.contains("0.111.1, 0.112.0, 0.113.1"), "{}", refused.errors);
    lab.import(&["--provider-version", "0.111.1"]).done();
    assert!(pins("0.111.1"));
}

#[test]
fn a_change_of_the_cluster_changes_its_block_only() {
    let mut lab = Lab::imported();
    let before = lab.files();
    lab.data(CONFIG)["memory"] = "8192".into();
    let output = lab.import(&[]).done();
    assert!(output.contains("1 file changed"), "{output}");
    let after = lab.files();
    let changed: Vec<&String> = after.keys().filter(|path| before.get(*path) != after.get(*path)).collect();
    assert_eq!(changed, ["manifest.json", "terraform/virtual_machines.tf"]);
    assert_ne!(super::code(&before, WEB), super::code(&after, WEB));
    let other = "proxmox_virtual_environment_vm.ci_ubuntu";
    assert_eq!(super::code(&before, other), super::code(&after, other));
}

/// A new name in Proxmox, or a newcomer of the same name, changes no address.
#[test]
fn an_address_once_given_stays() {
    let mut lab = Lab::imported();
    let before = lab.read("terraform/imports.tf");
    for row in lab.data("cluster/resources").as_array_mut().unwrap() {
        if row["vmid"] == 100 {
            row["name"] = "renamed".into();
        }
        if row["vmid"] == 105 {
            row["name"] = "ci-ubuntu".into();
        }
    }
    lab.data(CONFIG)["name"] = "renamed".into();
    lab.import(&[]).done();
    assert_eq!(lab.read("terraform/imports.tf"), before);
    assert!(lab.code(WEB).contains("= \"renamed\""), "{}", lab.code(WEB));
    assert!(!lab.files().contains_key("terraform/moved.tf"));
}

/// Objects that could not be read keep their code, whatever the reason.
#[test]
fn code_of_what_is_unread_stays() {
    let check = |change: &dyn Fn(&mut Lab), reason: &str| {
        let mut lab = Lab::imported();
        let (web, prod, imports) = (lab.code(WEB), lab.code(PROD), lab.read("terraform/imports.tf"));
        assert!(!web.is_empty());
        change(&mut lab);
        let output = lab.import(&["--output", "json"]).done();
        let report: serde_json::Value = serde_json::from_str(&output).unwrap();
        assert_eq!(lab.code(WEB), web, "{reason}");
        assert_eq!(lab.code(PROD), prod, "{reason}");
        assert_eq!(lab.read("terraform/imports.tf"), imports, "{reason}");
        assert_eq!(report["gone"], json!([]), "{reason}");
        let kept = report["kept"].as_array().unwrap();
        let kept = kept.iter().find(|kept| kept["identity"] == "qemu/100").unwrap();
        assert!(kept["reason"].as_str().unwrap().contains(reason), "{kept}");
        // Once it can be read again, it is as it was.
        let read = lab.files();
        lab.answers = cluster();
        lab.import(&[]).done();
        assert_eq!(lab.code(WEB), web);
        assert_eq!(read["terraform/virtual_machines.tf"], lab.read("terraform/virtual_machines.tf"));
    };
    let refuse = |lab: &mut Lab, status: u16, reason: &str| {
        lab.answers.insert(ApiPath::parse(CONFIG), Answer::refusal(status, reason));
    };
    check(&|lab| refuse(lab, 403, "Permission check failed (/vms/100, VM.Audit)"), "403 Permission check failed");
    check(&|lab| refuse(lab, 595, "No route to host"), "595 No route to host");
    check(&|lab| drop(lab.answers.remove(&ApiPath::parse(CONFIG))), "not on record");
    check(&|lab| *lab.data(CONFIG) = json!(["another type"]), "");
    check(
        &|lab| {
            for row in lab.data("nodes").as_array_mut().unwrap() {
                if row["node"] == "pve1" {
                    row["status"] = "offline".into();
                }
            }
        },
        "node pve1 is offline",
    );
}

/// An object that the provider could import before, and cannot any more.
#[test]
fn code_of_what_cannot_be_imported_any_more_stays() {
    let mut lab = Lab::imported();
    let web = lab.code(WEB);
    lab.data(CONFIG)["migrate_downtime"] = "0.5".into();
    let output = lab.import(&[]).done();
    assert!(output.contains("qm set 100 --delete migrate_downtime"), "{output}");
    assert!(output.contains("kept as it is"), "{output}");
    assert_eq!(lab.code(WEB), web);
    lab.import(&["--strict"]).failed();
}

/// Objects that Terraform never managed are not reported as kept.
#[test]
fn what_ansible_has_from_the_beginning_is_not_kept() {
    let mut lab = Lab::new();
    lab.data(CONFIG)["migrate_downtime"] = "0.5".into();
    lab.import(&[]).done();
    let output = lab.import(&[]).done();
    assert!(output.contains("no file was changed"), "{output}");
    assert!(!output.contains("kept as it is") && !output.contains("cannot import it now"), "{output}");
}

/// The block, the import, the variable and the membership of a deleted guest go together, and the report names it.
#[test]
fn what_a_complete_list_lacks_goes_and_is_named() {
    let mut lab = Lab::imported();
    let before = lab.files();
    assert!(lab.read("terraform/variables.tf").contains("\"ci_ubuntu_cloud_init_password\""));
    lab.remove_guest(101);
    let output = lab.import(&["--removal-limit", "20"]).done();
    assert!(output.contains("proxmox_virtual_environment_vm.ci_ubuntu (qemu/101)"), "{output}");
    let after = lab.files();
    for (path, text) in &after {
        assert!(!text.contains("ci_ubuntu"), "{path}");
    }
    for address in [WEB, APP] {
        assert_eq!(super::code(&before, address), super::code(&after, address));
    }
    let output = lab.import(&[]).done();
    assert!(output.contains("no file was changed") && !output.contains("gone"), "{output}");
}

/// Kept code does not refer to deleted objects.
#[test]
fn kept_code_follows_what_it_refers_to() {
    let mut lab = Lab::imported();
    let memberships = "terraform/pool_memberships.tf";
    let refers = "storage_id = proxmox_storage_zfspool.tank.id\n";
    assert!(lab.read(memberships).contains(refers), "{}", lab.read(memberships));
    for list in ["storage", "cluster/resources"] {
        lab.data(list).as_array_mut().unwrap().retain(|row| row["storage"] != "tank");
    }
    lab.import(&["--exclude", "kind=pool_membership"]).done();
    let text = lab.read(memberships);
    assert!(text.contains("storage_id = \"tank\"\n") && !text.contains(refers), "{text}");
}

/// A deleted bridge is referred to by its name, not by its former address.
#[test]
fn kept_code_calls_a_bridge_by_its_name() {
    let mut lab = Lab::imported();
    let before = lab.code(APP);
    assert!(before.contains("= proxmox_network_linux_bridge.pve1_vmbr0.name\n"), "{before}");
    lab.data("nodes/pve1/network").as_array_mut().unwrap().retain(|row| row["iface"] != "vmbr0");
    lab.import(&["--exclude", "id=200"]).done();
    assert_eq!(lab.code(APP), before.replace("proxmox_network_linux_bridge.pve1_vmbr0.name", "\"vmbr0\""));
}

/// A list without these guests proves nothing if the login may not see all of them.
#[test]
fn an_incomplete_list_removes_nothing() {
    let mut lab = Lab::imported();
    let before = lab.files();
    lab.data("cluster/resources").as_array_mut().unwrap().retain(|row| row["vmid"] != 100 && row["vmid"] != 200);
    lab.data("pools").as_array_mut().unwrap().clear();
    lab.data("storage").as_array_mut().unwrap().clear();
    *lab.data("access/permissions") = json!({"/vms/101": {"VM.Audit": 1}});
    let output = lab.import(&[]).done();
    assert!(!output.contains("gone from the cluster"), "{output}");
    let after = lab.files();
    let code = |files: &super::Files| -> BTreeMap<String, String> {
        files.iter().filter(|(path, _)| path.starts_with("terraform/")).map(|(a, b)| (a.clone(), b.clone())).collect()
    };
    assert_eq!(code(&before), code(&after));
}

/// From a folder of the workspace, an import without `--out` is about the workspace, like every other command.
#[test]
fn an_import_in_a_folder_of_the_workspace_is_about_the_workspace() {
    let lab = Lab::imported();
    let before = bytes(&lab.at("lab/terraform"));
    let program = Invocation::new(PROGRAM).folder(lab.at("lab/terraform"));
    let ran = ran_in(program, &["import", "--from", &lab.word("answers"), "--output", "json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    let report: serde_json::Value = serde_json::from_str(&ran.output).unwrap();
    assert_eq!(report["files"]["created"], json!([]));
    assert_eq!(report["out"], lab.at("lab").canonicalize().unwrap().to_str().unwrap());
    assert!(bytes(&lab.at("lab/terraform")) == before);
}
