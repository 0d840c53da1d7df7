//! Containers of which the provider reads less than there is.

use serde_json::json;

use crate::kinds::testing::container;

#[test]
fn what_the_code_cannot_say_stands_beside_it() {
    let made = container(json!({"lxc": [["lxc.cap.drop", "sys_admin"], ["lxc.idmap", "u 0 100000 65536"]]}));
    assert!(made.fate("lxc.cap.drop").starts_with("not expressible: a raw line"), "{}", made.fate("lxc.cap.drop"));
    assert_eq!(made.fate("lxc"), "Terraform");
    assert!(made.lines().any(|line| line == "# - lxc.cap.drop: sys_admin"), "{}", made.code);
    let made = container(json!({"rootfs": "tank:subvol-100-disk-0"}));
    assert!(made.lines().any(|line| line == "# No size is set in Proxmox, which the provider reads as 0."), "{}", made.code);
    let made = container(json!({"rootfs": "local-lvm:vm-100-disk-0,size=1536M"}));
    assert!(made.fate("rootfs.size").starts_with("not expressible"), "{}", made.code);
    let made = container(json!({"startup": "3"}));
    let line = "# Proxmox has a start order that the provider does not read, and the block all the same.";
    assert!(made.lines().any(|one| one == line), "{}", made.code);
    let made = container(json!({"net0": "name=eth0,hwaddr=BC:24:11:6E:4E:2E"}));
    assert!(made.lines().any(|line| line == "# It is on no bridge in Proxmox."), "{}", made.code);
}
