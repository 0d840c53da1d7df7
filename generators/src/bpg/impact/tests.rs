//! The table, row by row: each has a case, and the first that matches counts.

use std::collections::BTreeMap;

use super::*;

/// A guest of a test: its keys in Proxmox, and attributes of its code.
struct Made {
    runs: bool,
    keys: BTreeMap<&'static str, &'static str>,
    written: BTreeMap<&'static str, bool>,
}

impl Guest for Made {
    fn runs(&self) -> bool {
        self.runs
    }

    fn key(&self, name: &str) -> Option<String> {
        self.keys.get(name).map(|value| (*value).to_owned())
    }

    fn keys(&self) -> Vec<String> {
        self.keys.keys().map(|name| (*name).to_owned()).collect()
    }

    fn written(&self, attribute: &str) -> Option<bool> {
        self.written.get(attribute).copied()
    }
}

fn guest(keys: &[(&'static str, &'static str)]) -> Made {
    Made { runs: true, keys: keys.iter().copied().collect(), written: BTreeMap::new() }
}

/// A disk that the provider made.
const AIO: (&str, &str) = ("scsi0", "local-lvm:vm-100-disk-0,aio=io_uring,size=8G");

fn impact(resource_type: &str, path: &str, before: &str, after: &str, guest: &Made) -> Impact {
    let value = |text: &'static str| (!text.is_empty()).then_some(text);
    let (before, after): (&'static str, &'static str) =
        (Box::leak(before.to_owned().into_boxed_str()), Box::leak(after.to_owned().into_boxed_str()));
    of_change(&Change { resource_type, path, before: value(before), after: value(after) }, Some(guest))
}

#[test]
fn a_virtual_machine_is_changed() {
    let check = |path: &str, before: &str, after: &str, keys: &[(&'static str, &'static str)], effect: Effect| {
        let told = impact(VIRTUAL_MACHINE, path, before, after, &guest(keys));
        assert_eq!(told.effect, effect, "{path}: {before} to {after}: {told}");
    };
    check("vm_id", "100", "101", &[], Effect::Replace);
    check("node_name", "pve1", "pve2", &[], Effect::Replace);
    check("clone[0].vm_id", "", "9000", &[], Effect::Replace);
    check("amd_sev", "", "std", &[], Effect::Replace);
    check("amd_sev[0].type", "std", "es", &[], Effect::Cycle);
    check("disk[0].file_id", "", "local:iso/x.img", &[AIO], Effect::Replace);
    check("tpm_state[0].version", "v2.0", "v1.2", &[], Effect::Replace);
    check("tpm_state[0].version", "", "v2.0", &[], Effect::OffFirst);
    check("efi_disk[0].type", "2m", "4m", &[], Effect::Replace);
    check("initialization[0].user_data_file_id", "a", "b", &[], Effect::Replace);
    check("template", "false", "true", &[], Effect::OffFirst);
    check("template", "true", "false", &[], Effect::Error);
    check("started", "true", "false", &[], Effect::Stop);
    check("started", "false", "true", &[], Effect::Start);
    check("description", "a", "b", &[], Effect::Live);
    check("hotplug", "disk", "disk,cpu", &[], Effect::Pending);
    check("hotplug", "disk", "disk,usb", &[], Effect::Live);
    check("memory[0].floating", "1024", "2048", &[("hotplug", "memory")], Effect::Cycle);
    check("smbios[0].uuid", "a", "b", &[], Effect::Pending);
    check("cdrom[0].file_id", "none", "local:iso/a.iso", &[], Effect::Live);
    check("cdrom[0].interface", "ide2", "ide3", &[], Effect::Pending);
    check("machine", "pc", "q35", &[], Effect::Cycle);
    check("agent[0].timeout", "15m", "5m", &[], Effect::Cycle);
    check("vga[0].type", "std", "virtio", &[], Effect::Cycle);
    check("cpu[0].hotplugged", "1", "2", &[("hotplug", "cpu")], Effect::Live);
    check("cpu[0].hotplugged", "1", "2", &[], Effect::Cycle);
    check("cpu[0].cores", "1", "2", &[], Effect::Cycle);
    check("memory[0].dedicated", "1024", "2048", &[("hotplug", "memory")], Effect::Live);
    check("memory[0].dedicated", "2048", "1024", &[("hotplug", "memory")], Effect::Cycle);
    check("memory[0].dedicated", "1024", "2048", &[], Effect::Cycle);
    check("network_device[0].bridge", "vmbr0", "vmbr1", &[], Effect::Live);
    check("network_device[0].rate_limit", "1", "2", &[], Effect::Live);
    check("network_device[0].model", "e1000", "virtio", &[], Effect::Live);
    check("network_device[0].model", "e1000", "virtio", &[("hotplug", "0")], Effect::Pending);
    check("disk[0].size", "10", "8", &[AIO], Effect::Error);
    check("disk[0].datastore_id", "a", "b", &[AIO], Effect::OffFirst);
    check("disk[0].file_format", "raw", "qcow2", &[AIO], Effect::Nothing);
    check("disk[0].interface", "scsi0", "scsi1", &[AIO], Effect::Cycle);
    check("disk[0].cache", "none", "writeback", &[("scsi0", "local:1")], Effect::Cycle);
    check("disk[0].cache", "none", "writeback", &[AIO], Effect::Pending);
    check("disk[0].cache", "none", "writeback", &[AIO, ("ide2", "none,media=cdrom")], Effect::Pending);
    check("disk[0].aio", "io_uring", "native", &[AIO], Effect::Cycle);
    check("disk[0].size", "8", "10", &[AIO], Effect::Live);
    check("disk[0].size", "8", "10", &[AIO, ("hotplug", "0")], Effect::Cycle);
    check("disk[0].backup", "true", "false", &[AIO], Effect::Live);
    check("efi_disk[0].datastore_id", "a", "b", &[], Effect::OffFirst);
    check("efi_disk[0].pre_enrolled_keys", "false", "true", &[], Effect::Cycle);
    check("tpm_state[0].datastore_id", "a", "b", &[], Effect::OffFirst);
    check("initialization[0].interface", "ide2", "scsi2", &[], Effect::OffFirst);
    check("initialization[0].dns[0].servers", "a", "b", &[], Effect::Cycle);
    check("timeout_create", "1", "2", &[], Effect::Nothing);
}

#[test]
fn a_container_is_changed() {
    let check = |path: &str, before: &str, after: &str, effect: Effect| {
        let told = impact(CONTAINER, path, before, after, &guest(&[]));
        assert_eq!(told.effect, effect, "{path}: {before} to {after}: {told}");
    };
    check("node_name", "pve1", "pve2", Effect::Replace);
    check("mount_point", "", "/data", Effect::Replace);
    check("mount_point[0].size", "10G", "20G", Effect::Replace);
    check("mount_point[0].backup", "true", "false", Effect::Reboot);
    check("operating_system[0].type", "debian", "alpine", Effect::Reboot);
    check("disk[0].size", "8", "4", Effect::Error);
    check("disk[0].size", "4", "8", Effect::Live);
    check("disk[0].mount_options", "a", "b", Effect::Reboot);
    check("disk[0].quota", "false", "true", Effect::Pending);
    check("memory[0].dedicated", "512", "1024", Effect::Reboot);
    check("cpu[0].cores", "1", "2", Effect::Live);
    check("cpu[0].architecture", "amd64", "arm64", Effect::Pending);
    check("network_interface[0].bridge", "a", "b", Effect::Reboot);
    check("initialization[0].hostname", "a", "b", Effect::Reboot);
    check("tags", "a", "b", Effect::Live);
    check("started", "true", "false", Effect::Stop);
    check("started", "false", "true", Effect::Start);
    check("timeout_create", "1", "2", Effect::Nothing);
}

#[test]
fn other_objects_are_changed() {
    let check = |resource_type: &str, path: &str, after: &str, effect: Effect| {
        let change = Change { resource_type, path, before: Some("x"), after: Some(after) };
        assert_eq!(of_change(&change, None).effect, effect, "{resource_type}.{path}");
    };
    check("proxmox_storage_nfs", "server", "y", Effect::Replace);
    check("proxmox_storage_nfs", "content", "y", Effect::Live);
    check("proxmox_sdn_subnet", "gateway", "y", Effect::Replace);
    check("proxmox_network_linux_bridge", "mtu", "y", Effect::Live);
    check("proxmox_virtual_environment_firewall_ipset", "cidr[0].name", "y", Effect::Replace);
    check("proxmox_acl", "role_id", "y", Effect::Replace);
    check("proxmox_haresource", "state", "stopped", Effect::Stop);
    check("proxmox_haresource", "comment", "y", Effect::Live);
    check("proxmox_virtual_environment_pool", "comment", "y", Effect::Live);
}

#[test]
fn a_guest_is_taken_down_in_its_own_way() {
    let running = |keys: &[(&'static str, &'static str)]| {
        impact(VIRTUAL_MACHINE, "cpu[0].cores", "1", "2", &guest(keys)).to_string()
    };
    assert_eq!(running(&[("agent", "1")]), "takes it down and starts it again, with a clean shutdown");
    assert_eq!(
        running(&[("agent", "enabled=1,type=virtio")]),
        "takes it down and starts it again, with a clean shutdown"
    );
    assert_eq!(running(&[]), "takes it down and starts it again, with a power cut");
    assert_eq!(
        running(&[("agent", "type=virtio,enabled=1")]),
        "takes it down and starts it again, with a clean shutdown"
    );
    let stopped = Made { runs: false, ..guest(&[]) };
    assert_eq!(impact(VIRTUAL_MACHINE, "cpu[0].cores", "1", "2", &stopped).effect, Effect::Live);
    let started = Made { runs: false, written: BTreeMap::from([("started", true)]), ..guest(&[]) };
    assert_eq!(impact(VIRTUAL_MACHINE, "cpu[0].cores", "1", "2", &started).effect, Effect::Start);
    let held = Made { written: BTreeMap::from([("reboot_after_update", false)]), ..guest(&[AIO, ("hotplug", "0")]) };
    assert_eq!(impact(VIRTUAL_MACHINE, "disk[0].size", "8", "9", &held).effect, Effect::Error);
    assert_eq!(impact(VIRTUAL_MACHINE, "disk[0].datastore_id", "a", "b", &held).effect, Effect::Error);
    assert_eq!(impact(VIRTUAL_MACHINE, "cpu[0].cores", "1", "2", &held).effect, Effect::Pending);
    let migrates = Made { written: BTreeMap::from([("migrate", true)]), ..guest(&[]) };
    assert_eq!(impact(VIRTUAL_MACHINE, "node_name", "a", "b", &migrates).effect, Effect::Live);
    // Of several changes the worst counts.
    let change =
        |path: &'static str| Change { resource_type: VIRTUAL_MACHINE, path, before: Some("1"), after: Some("2") };
    let worst = of_object(&[change("description"), change("cpu.cores"), change("tags")], Some(&guest(&[])));
    assert_eq!(worst.map(|worst| (worst.effect, worst.attribute)), Some((Effect::Cycle, "cpu.cores".to_owned())));
}
