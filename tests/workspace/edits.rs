//! What people have written is theirs.

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
    let said = lab.import(&[]).failed();
    assert!(said.contains("`terraform/virtual_machines.tf` was edited since it was generated"), "{said}");
    assert!(said.contains("\n-    dedicated = ") || said.contains("\n-  on_boot "), "{said}");
    assert!(said.contains("--force"), "{said}");
    assert_eq!(files(&lab.at("lab")), all);
}

#[test]
fn force_overwrites_it_and_keeps_a_copy() {
    let lab = Lab::imported();
    let text = lab.read(FILE);
    let edited = format!("# Mine.\n{text}");
    lab.write(FILE, &edited);
    let said = lab.import(&["--force"]).done();
    assert!(said.contains("terraform/virtual_machines.tf was edited: overwritten"), "{said}");
    assert_eq!(lab.read(FILE), text);
    let copies = files(&lab.at("lab/.proxmox-mpc/backup"));
    let copies: Vec<(&String, &String)> = copies.iter().collect();
    assert!(matches!(copies[..], [(path, text)] if path.ends_with(FILE) && *text == edited), "{copies:?}");
}

/// A person's change to a block that this run leaves alone is not ours from then on.
#[test]
fn an_edit_of_code_that_was_kept_is_not_lost_later() {
    let lab = Lab::imported();
    let edited = lab.read(FILE).replace("on_boot", "# Mine.\n  on_boot");
    lab.write(FILE, &edited);
    lab.import(&["--exclude", "kind=vm"]).done();
    assert_eq!(lab.read(FILE), edited);
    let said = lab.import(&[]).failed();
    assert!(said.contains("-  # Mine."), "{said}");
    assert_eq!(lab.read(FILE), edited);
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
    let said = lab.import(&[]).failed();
    assert!(said.contains(FILE) && said.contains("-# Mine."), "{said}");
    let left = files(&lab.at("lab"));
    assert_eq!(left.keys().collect::<Vec<_>>(), [FILE]);
}

/// Our page in the folder becomes its owner's with the first word that he changes, and stops no import.
#[test]
fn a_readme_is_its_owners() {
    let mut lab = Lab::imported();
    let page = "README.md";
    assert!(lab.read(page).contains("proxmox-mpc import"));
    lab.write(page, "Mine.\n");
    let said = lab.import(&[]).done();
    assert!(said.contains("README.md is no longer generated, but was edited: it stays"), "{said}");
    lab.data("nodes/pve1/lxc/200/config")["timezone"] = "Europe/Vienna".into();
    let said = lab.import(&[]).done();
    assert!(!said.contains(page), "{said}");
    assert_eq!(lab.read(page), "Mine.\n");
}

/// A generated file that is no longer wanted goes; with somebody's edit in it, it stays.
#[test]
fn an_edited_file_that_is_not_wanted_any_more_stays() {
    let mut lab = Lab::imported();
    let pools = "terraform/pools.tf";
    for list in ["pools", "pools?poolid=prod", "pools?poolid=dev", "pools?poolid=prod/web"] {
        lab.data(list).as_array_mut().unwrap().clear();
    }
    let edited = format!("# Mine.\n{}", lab.read(pools));
    lab.write(pools, &edited);
    let said = lab.import(&[]).done();
    assert!(said.contains("pools.tf is no longer generated, but was edited: it stays"), "{said}");
    assert_eq!(lab.read(pools), edited);
    assert!(!lab.files().contains_key("terraform/pool_memberships.tf"));
}
