//! `check` on generated code, on edits of it, and on the code of people; its forms for code hosts.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use proxmox_mpc_code::check::{CheckInput, CheckOptions, Recorded, check};
use proxmox_mpc_engine::toolchain::invocation::Invocation;
use proxmox_mpc_twin::Recording;
use proxmox_mpc_twin::recording::unpack;
use serde_json::{Value, json};

use crate::support;
use crate::support::clusters::{all, generated, place};
use crate::support::program::{PROGRAM, Ran, ran_in};
use crate::support::workspaces::{edit, imported};

/// Code of the two guests that have one VMID, and more.
const CODE: &str = "\
provider \"proxmox\" {
  api_token = \"terraform@pve!ci=0c6f8f56-3a0b-4a52-9d0c-8f5d8a2f7e11\"
}

resource \"proxmox_virtual_environment_vm\" \"web\" {
  node_name = \"pve\"
  name      = \"web_01\"
  vm_id     = 110
  cores     = 2

  disk {
    interface = \"scsi0\"
  }
}

# proxmox-mpc:ignore PVE601 rebuilt each night
resource \"proxmox_virtual_environment_container\" \"dns\" {
  node_name = \"pve\"
  vm_id     = 110

  disk {
    size = 4
  }
}
";

fn run(folder: &Path, arguments: &[&str]) -> Ran {
    ran_in(Invocation::new(PROGRAM).folder(folder).withhold("PROXMOX_"), arguments)
}

/// What the code says the cluster has. Where the cluster itself is odd, the finding is true, and is named here.
#[test]
fn generated_code_has_only_findings_that_are_true_of_the_cluster() {
    let mut text = String::new();
    for (name, answers) in all() {
        let files = generated(&answers).files;
        let recorded = Recorded::read(&answers).unwrap();
        let options = CheckOptions::default();
        let input = |generated| CheckInput {
            files: &files,
            root: "terraform",
            generated,
            provider: None,
            recorded: Some(&recorded),
            options: &options,
        };
        let checked = check(input(&[]));
        assert!(checked.resources > 20, "{name}: {} resources", checked.resources);
        writeln!(text, "=== {name}").unwrap();
        for finding in &checked.findings {
            let address = finding.address.as_deref().unwrap_or_default();
            writeln!(text, "{} {address}: {}", finding.rule, finding.message).unwrap();
        }
        // Nobody wrote it, so nobody is told.
        assert_eq!(check(input(std::slice::from_ref(&files))).findings, [], "{name}");
    }
    support::snapshot("check_generated", &text);
}

#[test]
fn findings_are_shown_as_a_compiler_shows_them() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("main.tf"), CODE).unwrap();
    let first = run(folder.path(), &["check"]);
    assert!(!first.output.contains("0c6f8f56"), "{}", first.output);
    fs::create_dir(folder.path().join("sub")).unwrap();
    fs::write(folder.path().join("sub/ok.tf"), "locals {}\n").unwrap();
    let mut runs = vec![
        first,
        run(folder.path(), &["check", "sub/ok.tf"]),
        run(folder.path(), &["check", "main.tf", "--quiet"]),
        run(folder.path(), &["check", "nowhere.tf"]),
        run(folder.path(), &["check", "--format", "github"]),
        run(folder.path(), &["check", "--explain", "duplicate-vmid"]),
        run(folder.path(), &["check", "--explain", "PVE999"]),
        run(folder.path(), &["check", "--explain"]),
    ];
    fs::write(folder.path().join("proxmox-mpc.toml"), "[check]\nPVE101 = \"off\"\nsecret-in-code = \"warning\"\n")
        .unwrap();
    runs.push(run(folder.path(), &["check", "--quiet"]));
    fs::write(folder.path().join("proxmox-mpc.toml"), "[check]\nPVE101 = \"loud\"\n").unwrap();
    runs.push(run(folder.path(), &["check"]));
    support::screen("check", runs);
}

#[test]
fn sarif_has_the_findings_where_code_hosts_look_for_them() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("main.tf"), CODE).unwrap();
    let ran = run(folder.path(), &["check", "--format", "sarif"]);
    assert_eq!(ran.code, Some(3), "{}", ran.errors);
    let log: Value = serde_json::from_str(&ran.output).unwrap();
    let run = &log["runs"][0];
    assert_eq!((&log["version"], &run["tool"]["driver"]["name"]), (&json!("2.1.0"), &json!("proxmox-mpc check")));
    let results = run["results"].as_array().unwrap();
    assert!(results.len() >= 4, "{results:?}");
    for result in results {
        let rule = &run["tool"]["driver"]["rules"][usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        let location = &result["locations"][0]["physicalLocation"];
        assert_eq!(location["artifactLocation"]["uri"], "main.tf");
        assert!(location["region"]["startLine"].as_u64().unwrap() > 0);
    }
    let json = self::run(folder.path(), &["check", "--format", "json"]);
    assert_eq!(json.output, self::run(folder.path(), &["check", "--output", "json", "--format", "json"]).output);
}

/// A workspace with its recording: silent as it was imported, and then only about what a person wrote.
#[test]
fn an_edit_is_compared_with_the_cluster() {
    let archive = place("pve-9.2.tar.zst");
    let folder = imported(&Recording::open(&archive).unwrap());
    let latest = folder.path().join(".proxmox-mpc/recordings/latest");
    fs::create_dir_all(latest.parent().unwrap()).unwrap();
    unpack(&archive, &latest).unwrap();
    let silent = run(folder.path(), &["check"]);
    assert!(silent.code == Some(0) && silent.output.ends_with("no findings\n"), "{}{}", silent.output, silent.errors);
    edit(folder.path(), "terraform/virtual_machines.tf", &[("bridge      = ", "bridge      = \"vmbr77\" # ")]);
    let ran = run(folder.path(), &["check"]);
    assert_eq!(ran.code, Some(3), "{}{}", ran.output, ran.errors);
    assert!(ran.output.contains("has no bridge or VNet `vmbr77`"), "{}", ran.output);
}

/// What git ignores may hold secrets: that is where they belong.
#[test]
fn secrets_in_ignored_files_are_no_findings() {
    let folder = tempfile::tempdir().unwrap();
    let git =
        |arguments: &[&str]| assert_eq!(ran_in(Invocation::new("git").folder(folder.path()), arguments).code, Some(0));
    git(&["init", "--quiet"]);
    fs::write(
        folder.path().join("main.tf"),
        "variable \"password\" {\n  sensitive = true\n}\n\nresource \"proxmox_virtual_environment_user\" \"ops\" {\n  user_id  = \
         \"ops@pve\"\n  password = var.password\n}\n",
    )
    .unwrap();
    fs::write(folder.path().join("terraform.tfvars"), "password = \"correct horse\"\n").unwrap();
    let ran = run(folder.path(), &["check"]);
    assert!(ran.code == Some(3) && ran.output.contains("terraform.tfvars:1:12"), "{}{}", ran.output, ran.errors);
    assert!(!ran.output.contains("horse"), "{}", ran.output);
    fs::write(folder.path().join(".gitignore"), "*.tfvars\n").unwrap();
    let ran = run(folder.path(), &["check"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.output, ran.errors);
}
