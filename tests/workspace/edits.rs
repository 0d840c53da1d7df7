//! Edits of people are kept.

use std::fs;

use super::{Lab, WEB, files};

const FILE: &str = "terraform/virtual_machines.tf";

#[test]
fn an_edited_file_stops_the_import_with_the_difference() {
    let mut lab = Lab::imported();
    let edited = lab.read(FILE).replace("Production", "Edited").replace("on_boot", "on_boot ");
    lab.write(FILE, &edited);
    let all = files(&lab.at("lab"));
    // Something else has changed as well, and must not be written either.
    lab.data("pools")[1]["comment"] = "changed".into();
    lab.data("nodes/pve1/qemu/100/config")["memory"] = "8192".into();
    let output = lab.import(&[]).failed();
    assert!(output.contains("`terraform/virtual_machines.tf` was edited since it was generated"), "{output}");
    assert!(output.contains("\n-    dedicated = ") || output.contains("\n-  on_boot "), "{output}");
    assert!(output.contains("--force"), "{output}");
    assert_eq!(files(&lab.at("lab")), all);
}

#[test]
fn force_overwrites_it_and_keeps_a_copy() {
    let lab = Lab::imported();
    let text = lab.read(FILE);
    let edited = format!("# Mine.\n{text}");
    lab.write(FILE, &edited);
    let output = lab.import(&["--force"]).done();
    assert!(output.contains("terraform/virtual_machines.tf was edited: it was overwritten"), "{output}");
    assert_eq!(lab.read(FILE), text);
    let copies = files(&lab.at("lab/.proxmox-mpc/backup"));
    let copies: Vec<(&String, &String)> = copies.iter().collect();
    assert!(matches!(copies[..], [(path, text)] if path.ends_with(FILE) && *text == edited), "{copies:?}");
}

/// A block that a person changed, and that this run leaves alone, is theirs from then on.
#[test]
fn an_edit_of_code_that_was_kept_is_not_lost_later() {
    let lab = Lab::imported();
    let edited = lab.read(FILE).replace("on_boot", "# Mine.\n  on_boot");
    lab.write(FILE, &edited);
    lab.import(&["--exclude", "kind=vm"]).done();
    assert_eq!(lab.read(FILE), edited);
    let output = lab.import(&[]).failed();
    assert!(output.contains("-  # Mine."), "{output}");
    assert_eq!(lab.read(FILE), edited);
}

/// The ordinary way of working: edit the code, apply it, import. An excluded object beside it changes nothing.
#[test]
fn an_edit_that_the_cluster_has_by_now_is_no_edit_any_more() {
    let mut lab = Lab::imported();
    lab.answers.insert(
        proxmox_mpc_model::ApiPath::parse("nodes/pve1/lxc/200/config"),
        proxmox_mpc_model::Answer::refusal(595, "no route to host"),
    );
    for memory in ["3072", "4096"] {
        let block = lab.code(WEB);
        let dedicated = block.lines().find(|line| line.trim().starts_with("dedicated")).unwrap();
        let before = lab.read(FILE);
        let edited = block.replace(dedicated, &format!("    dedicated = {memory}"));
        lab.write(FILE, &before.replace(&block, &edited));
        lab.data("nodes/pve1/qemu/100/config")["memory"] = memory.into();
        lab.import(&[]).done();
        assert!(lab.code(WEB).contains(memory));
    }
    lab.data("nodes/pve1/qemu/100/config")["memory"] = "5120".into();
    lab.import(&[]).done();
    assert!(lab.code(WEB).contains("5120"));
}

#[test]
fn foreign_files_are_never_touched() {
    let lab = Lab::new();
    fs::create_dir_all(lab.at("lab/terraform")).unwrap();
    lab.write("terraform/main.tf", "# Mine.\n");
    lab.write(".gitignore", "/mine\n");
    lab.write("README.md", "Mine.\n");
    lab.import(&[]).done();
    for (path, text) in [("terraform/main.tf", "# Mine.\n"), (".gitignore", "/mine\n"), ("README.md", "Mine.\n")] {
        assert_eq!(lab.read(path), text);
    }
    assert!(!lab.code(WEB).is_empty());
    // A file of a name that we would use, which we did not write.
    let lab = Lab::new();
    fs::create_dir_all(lab.at("lab/terraform")).unwrap();
    lab.write(FILE, "# Mine.\n");
    let output = lab.import(&[]).failed();
    assert!(output.contains("`terraform/virtual_machines.tf` is not ours") && output.contains("-# Mine."), "{output}");
    assert!(!output.contains("edited since") && output.contains("another name or place"), "{output}");
    let left = files(&lab.at("lab"));
    assert_eq!(left.keys().collect::<Vec<_>>(), [".proxmox-mpc/.gitignore", FILE]);
}

/// Our README in the folder becomes its owner's with the first edit, and stops no import.
#[test]
fn a_readme_is_its_owners() {
    let mut lab = Lab::imported();
    let page = "README.md";
    assert!(lab.read(page).contains("proxmox-mpc import"));
    lab.write(page, "Mine.\n");
    let output = lab.import(&[]).done();
    assert!(output.contains("README.md is no longer generated; it stays, since it was edited"), "{output}");
    lab.data("nodes/pve1/lxc/200/config")["timezone"] = "Europe/Vienna".into();
    let output = lab.import(&[]).done();
    assert!(!output.contains(page), "{output}");
    assert_eq!(lab.read(page), "Mine.\n");
}

/// A file that is no longer generated is removed, unless somebody edited it.
#[test]
fn an_edited_file_that_is_not_wanted_any_more_stays() {
    let mut lab = Lab::imported();
    let pools = "terraform/pools.tf";
    for row in lab.data("cluster/resources").as_array_mut().unwrap() {
        row.as_object_mut().unwrap().remove("pool");
    }
    for list in ["pools", "pools?poolid=prod", "pools?poolid=dev", "pools?poolid=prod/web"] {
        lab.data(list).as_array_mut().unwrap().clear();
    }
    let edited = format!("# Mine.\n{}", lab.read(pools));
    lab.write(pools, &edited);
    let output = lab.import(&["--allow-removal", "20"]).done();
    assert!(output.contains("pools.tf is no longer generated; it stays, since it was edited"), "{output}");
    assert_eq!(lab.read(pools), edited);
    assert!(!lab.files().contains_key("terraform/pool_memberships.tf"));
}

/// Terraform allows one resource of a name: a clash is reported before anything is written.
#[test]
fn what_is_declared_already_is_found_before_it_is_written() {
    let check = |text: &str, expected: &[&str]| {
        let lab = Lab::new();
        fs::create_dir_all(lab.at("lab/terraform")).unwrap();
        lab.write("terraform/mine.tf", text);
        if expected.is_empty() {
            lab.import(&[]).done();
            // And neither are our own files, when they are there.
            lab.import(&[]).done();
            return;
        }
        let output = lab.import(&[]).failed();
        for words in expected {
            assert!(output.contains(words), "{words}: {output}");
        }
        let left = files(&lab.at("lab"));
        assert_eq!(left.keys().collect::<Vec<_>>(), [".proxmox-mpc/.gitignore", "terraform/mine.tf"]);
        // `--force` is for files that would be overwritten.
        lab.import(&["--force"]).failed();
    };
    check(
        "# Mine.\nresource \"proxmox_virtual_environment_vm\" \"web_frontend\" {\n  node_name = \"x\"\n}\n",
        &[
            "`resource \"proxmox_virtual_environment_vm\" \"web_frontend\"` is in your file `terraform/mine.tf`, line 2",
            "would be in `terraform/virtual_machines.tf` as well",
            "--mapping",
        ],
    );
    check("provider \"proxmox\" {\n  insecure = true\n}\n", &["`provider \"proxmox\"`", "_override.tf"]);
    check(
        "terraform {\n  backend \"local\" {}\n  required_providers {\n    random = { source = \"hashicorp/random\" }\n  }\n}\n",
        &["`required_providers` is in your file `terraform/mine.tf`, line 3"],
    );
    check("variable \"ci_ubuntu_cloud_init_password\" {}\n", &["terraform/variables.tf"]);
    check(
        "provider \"proxmox\" {\n  insecure = true\n}\nimport {\n  to = proxmox_virtual_environment_vm.web_frontend\n  id = \"pve1/100\"\n}\n",
        &["2 declarations would be there twice:", "`import to proxmox_virtual_environment_vm.web_frontend`"],
    );
    check(
        "terraform {\n  backend \"local\" {}\n}\nprovider \"proxmox\" {\n  alias = \"other\"\n}\nresource \"a\" \"b\" {}\n\
         variable \"mine\" {}\nlocals {\n  mine = 1\n}\n",
        &[],
    );
}

/// Terraform merges such files into the others.
#[test]
fn an_override_may_declare_it_again() {
    let lab = Lab::new();
    fs::create_dir_all(lab.at("lab/terraform")).unwrap();
    lab.write("terraform/provider_override.tf", "provider \"proxmox\" {\n  insecure = true\n}\n");
    lab.import(&[]).done();
}
