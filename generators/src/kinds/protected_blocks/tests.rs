//! Switches that are on by another word than `1`, devices with gaps in their numbers, and interfaces without an address.

use serde_json::json;

use crate::kinds::testing::{GeneratedGuest, container, vm};

const WORD: &str = "not expressible: on in another word than `1`, which the provider reads as off (provider rule T16)";

/// Checks the fate of an option, a line of the code, an ignored path, and the remedy.
fn check(made: &GeneratedGuest, key: &str, expected: &str, line: &str, ignored: &str, remedy: &str) {
    assert_eq!(made.fate(key), expected, "{}", made.code);
    assert!(line.is_empty() || made.lines().any(|one| one == line), "{line}\n{}", made.code);
    assert_eq!(made.ignores(ignored), !ignored.is_empty(), "{}", made.code);
    assert_eq!(made.remedies(), [remedy].iter().filter(|one| !one.is_empty()).copied().collect::<Vec<_>>());
}

#[test]
fn misread_switches_are_on_and_protected() {
    let card = "virtio=BC:24:11:6E:4E:2E,bridge=vmbr0,firewall=";
    let then = "# changes nothing for the guest; then import again";
    for word in ["on", "yes", "TRUE"] {
        let made = vm(json!({"net0": format!("{card}{word}")}));
        let remedy = format!("qm set 100 --net0 '{card}1'  {then}");
        check(&made, "net0.firewall", WORD, "firewall = true", "network_device", &remedy);
    }
    check(&vm(json!({"net0": format!("{card}1")})), "net0", "Terraform", "firewall = true", "", "");
    for word in ["0", "off", "no", "False"] {
        check(&vm(json!({"net0": format!("{card}{word}")})), "net0", "Terraform", "", "", "");
    }
    let disk = "local-lvm:vm-100-disk-0,size=8G";
    let made = vm(json!({"scsi0": format!("{disk},iothread=yes,backup=no")}));
    let remedy = format!("qm set 100 --scsi0 '{disk},iothread=1,backup=no'  {then}");
    check(&made, "scsi0.iothread", WORD, "iothread = true", "disk", &remedy);
    check(&made, "scsi0", "Terraform", "backup = false", "disk", &remedy);
    let made = vm(json!({"agent": "on,fstrim_cloned_disks=no"}));
    let remedy = format!("qm set 100 --agent '1,fstrim_cloned_disks=no'  {then}");
    check(&made, "agent.enabled", WORD, "enabled = true", "agent", &remedy);
    let made = vm(json!({"hostpci0": "01:00,pcie=on,rombar=on"}));
    let remedy = format!("qm set 100 --hostpci0 '01:00,pcie=1,rombar=1'  {then}");
    check(&made, "hostpci0.rombar", WORD, "rombar = true", "hostpci", &remedy);
    let made = container(json!({"features": "nesting=yes,keyctl=1"}));
    let remedy = format!("pct set 100 --features 'nesting=1,keyctl=1'  {then}");
    check(&made, "features.nesting", WORD, "nesting = true", "features", &remedy);
    let made = container(json!({"onboot": "yes"}));
    let fate = "not expressible: the provider reads the text `yes` as off (provider rule T41)";
    check(&made, "onboot", fate, "start_on_boot = false", "", &format!("pct set 100 --onboot 1  {then}"));
}

#[test]
fn devices_with_gaps_are_protected() {
    let renamed = |names: &str, folder: &str| {
        format!("on its node, while it is stopped: sed -i '{names}' /etc/pve/{folder}/100.conf; then import again")
    };
    let made = container(json!({"mp2": "/srv/a,mp=/a", "mp5": "/srv/b,mp=/b"}));
    let fate = "not expressible: created again, it has another number: the provider counts from 0 (provider rule C22)";
    let remedy = renamed("s/^mp2:/mp0:/; s/^mp5:/mp1:/", "lxc");
    let comment = "# mp2, mp5 in Proxmox. The provider counts from 0: a change here would write mp0, mp1 instead.";
    check(&made, "mp2", fate, comment, "mount_point", &remedy);
    let made = container(json!({"dev0": "/dev/a", "dev2": "/dev/b"}));
    check(&made, "dev0", "Terraform", "path = \"/dev/b\"", "device_passthrough", &renamed("s/^dev2:/dev1:/", "lxc"));
    let made = container(json!({"net1": "name=eth1,bridge=vmbr0,ip=dhcp"}));
    check(&made, "net0", "", "", "initialization[0].ip_config", &renamed("s/^net1:/net0:/", "lxc"));
    let made = vm(json!({"usb2": "host=046d:c52b"}));
    let fate = "not expressible: created again, it has another number: the provider counts from 0 (provider rule T35)";
    check(&made, "usb2", fate, "", "usb", &renamed("s/^usb2:/usb0:/", "qemu-server"));
    check(&container(json!({"mp0": "/srv/a,mp=/a", "mp1": "/srv/b,mp=/b"})), "mp1", "Terraform", "", "", "");
}

#[test]
fn addresses_after_an_interface_without_one_are_protected() {
    let card = |number: u32, more: &str| format!("name=eth{number},bridge=vmbr0{more}");
    let made = container(json!({"net0": card(0, ""), "net1": card(1, ",ip=192.0.2.1/24,gw=192.0.2.254")}));
    let fate = "not expressible: created again, net0 would get it, which has none (provider rule C26)";
    let remedy =
        "pct set 100 --net0 'name=eth0,bridge=vmbr0,ip=manual'  # changes nothing for the guest; then import again";
    check(&made, "net1.ip", fate, "address = \"192.0.2.1/24\"", "network_interface", remedy);
    check(&made, "net1.gw", fate, "gateway = \"192.0.2.254\"", "initialization[0].ip_config", remedy);
    for more in [",ip=manual", ",ip6=auto"] {
        let made = container(json!({"net0": card(0, more), "net1": card(1, ",ip=192.0.2.1/24")}));
        check(&made, "net1", "Terraform", "", "", "");
    }
    check(&container(json!({"net0": card(0, ",ip=dhcp"), "net1": card(1, "")})), "net1", "Terraform", "", "", "");
}
