//! Containers with settings that the provider does not read.

use serde_json::{Value, json};

use crate::kinds::testing::container;

#[test]
fn settings_without_an_attribute_are_comments() {
    let made = container(json!({"lxc": [["lxc.cap.drop", "sys_admin"], ["lxc.idmap", "u 0 100000 65536"]]}));
    assert!(made.fate("lxc.cap.drop").starts_with("not expressible: a raw line"), "{}", made.fate("lxc.cap.drop"));
    assert_eq!(made.fate("lxc"), "Terraform");
    assert!(made.lines().any(|line| line == "# - lxc.cap.drop: sys_admin"), "{}", made.code);
    let made = container(json!({"rootfs": "tank:subvol-100-disk-0"}));
    assert!(
        made.lines().any(|line| line == "# No size is set in Proxmox, which the provider reads as 0."),
        "{}",
        made.code
    );
    let made = container(json!({"rootfs": "local-lvm:vm-100-disk-0,size=1536M"}));
    assert!(made.fate("rootfs.size").starts_with("not expressible"), "{}", made.code);
    let made = container(json!({"startup": "3"}));
    let line = "# Proxmox has a start order that the provider does not read, and the block all the same.";
    assert!(made.lines().any(|one| one == line), "{}", made.code);
    let made = container(json!({"net0": "name=eth0,hwaddr=BC:24:11:6E:4E:2E"}));
    assert!(made.lines().any(|line| line == "# It is on no bridge in Proxmox."), "{}", made.code);
}

/// Checks the reason and the remedy for a container that is not in Terraform.
fn check(keys: Value, reason: &str, remedy: &str, tasks: bool) {
    let made = container(keys);
    let (why, help) = made.obstacle().unwrap_or_else(|| panic!("{reason}: it is in Terraform"));
    assert!(why.contains(reason) && help.is_some_and(|help| help.starts_with(remedy)), "{why}: {help:?}");
    assert_eq!(!made.tasks.is_empty(), tasks, "{}", made.tasks);
}

#[test]
fn unreadable_containers_are_not_importable() {
    let cores = "pct set 100 --cores 8  # all that pve has: changes nothing for the container; then import again";
    check(json!({"cores": null, "cpulimit": "1"}), "provider rule C23", cores, true);
    check(json!({"cores": null, "cpulimit": "0.0"}), "provider rule C23", cores, true);
    check(json!({"memory": "lots"}), "provider rule C25", "set a number: pct set 100 --memory NUMBER", true);
    let again = "import again when it is finished";
    check(json!({"rootfs": null}), "no root file system", again, false);
    check(json!({"lock": "create"}), "the lock `create`", again, false);
    for keys in [json!({"cores": null, "cpulimit": "0"}), json!({"cpulimit": "1"}), json!({"lock": "backup"})] {
        assert_eq!(container(keys.clone()).obstacle(), None, "{keys}");
    }
}

#[test]
fn unset_keys_have_the_values_of_proxmox() {
    let check = |keys: Value, line: &str, ignored: bool, remedy: &[&str]| {
        let made = container(keys.clone());
        assert!(made.lines().any(|one| one == line), "{line}\n{}", made.code);
        assert_eq!(made.ignores("memory"), ignored, "{}", made.code);
        assert_eq!(made.remedies(), remedy, "{keys}");
    };
    let same = "  # changes nothing for the guest; then import again";
    check(json!({"swap": null}), "swap = 512", true, &[&format!("pct set 100 --swap 512{same}")]);
    check(json!({"memory": null, "swap": 0}), "dedicated = 512", true, &[&format!("pct set 100 --memory 512{same}")]);
    check(json!({"memory": 1024}), "dedicated = 1024", false, &[]);
    let cores = "pct set 100 --cores 8  # all that pve has: changes nothing for the container; then import again";
    check(json!({"cores": null}), "swap = 512", false, &[cores]);
}
