//! Virtual machines with settings that an import and a creation treat differently.

use std::collections::BTreeMap;

use proxmox_mpc_model::{Answer, ApiPath};
use serde_json::{Value, json};

use crate::kinds::testing::{GeneratedGuest, guest, vm};

/// Checks the fate of a key, a line of the code, an ignored path, and the remedy.
fn check(made: &GeneratedGuest, key: &str, fate: &str, line: &str, ignored: &str, remedy: &str) {
    assert!(made.fate(key).starts_with(fate), "{} instead of {fate}\n{}", made.fate(key), made.code);
    assert!(made.lines().any(|one| one == line), "{line}\n{}", made.code);
    assert_eq!(made.ignores(ignored), !ignored.is_empty(), "{}", made.code);
    assert_eq!(made.remedies(), [remedy].iter().filter(|one| !one.is_empty()).copied().collect::<Vec<_>>());
}

#[test]
fn settings_that_an_import_does_not_read_are_written() {
    let tpm = "local-lvm:vm-100-disk-1,size=4M";
    let made = vm(json!({"tpmstate0": format!("{tpm},version=v2.0")}));
    check(&made, "tpmstate0", "Terraform", "version = \"v2.0\"", "tpm_state", "");
    let made = vm(json!({"tpmstate0": "other:vm-100-disk-1,size=4M,version=v2.0"}));
    check(&made, "tpmstate0", "Terraform", "version = \"v2.0\"", "", "");
    let remedy =
        format!("qm set 100 --tpmstate0 '{tpm},version=v1.2'  # changes nothing for the guest; then import again");
    let made = vm(json!({"tpmstate0": tpm}));
    check(&made, "tpmstate0", "not expressible", "version = \"v1.2\"", "tpm_state", &remedy);
    let made = vm(json!({"amd-sev": "type=std,allow-smt=1"}));
    check(&made, "amd-sev", "Terraform", "allow_smt = true", "amd_sev", "");
    let made = vm(json!({"amd-sev": "es,allow-smt=0,no-debug=1"}));
    check(&made, "amd-sev", "Terraform", "no_debug = true", "", "");
    let made = vm(json!({"amd-sev": "es,no-debug=1"}));
    let remedy = "qm set 100 --amd-sev 'es,no-debug=1,allow-smt=1'  # changes nothing for the guest; then import again";
    check(&made, "amd-sev.allow-smt", "not expressible", "allow_smt = true", "amd_sev", remedy);
    let made = vm(json!({"startup": "3,up=5"}));
    let remedy = "qm set 100 --startup 'order=3,up=5'  # changes nothing for the guest; then import again";
    check(&made, "startup", "Ansible", "up_delay = 5", "", remedy);
}

#[test]
fn disks_with_foreign_content_are_kept_in_ansible() {
    let made = vm(json!({
        "ide0": "local:iso/opencore.iso,cache=unsafe,media=disk,size=96M",
        "sata0": "local-lvm:vm-100-disk-0,size=1536M",
    }));
    assert!(made.fate("ide0").starts_with("Ansible: "), "{}", made.fate("ide0"));
    assert!(
        !made.code.contains("\"ide0\"") && made.code.contains("\"sata0\"") && made.ignores("disk"),
        "{}",
        made.code
    );
    assert!(made.tasks.contains("local:iso/opencore.iso,cache=unsafe,media=disk"), "{}", made.tasks);
    assert!(made.fate("sata0.size").starts_with("not expressible: the provider counts whole GiB"));
    assert_eq!(made.fate("sata0"), "Terraform");
}

/// Reason and remedy, if a guest with these keys is not in Terraform. Storage `local` lists one disk of it.
fn obstacle(keys: Value, pending: Value) -> Option<(String, String)> {
    let volumes = json!([{"volid": "local:100/vm-100-disk-0.raw", "vmid": 100, "content": "images"}]);
    let local = json!([{"storage": "local", "type": "dir", "enabled": 1, "active": 1}]);
    let more: BTreeMap<ApiPath, Answer> = [
        ("storage", local.clone()),
        ("nodes/pve/storage", local),
        ("nodes/pve/storage/local/content", volumes),
        ("nodes/pve/qemu/100/pending", pending),
    ]
    .into_iter()
    .map(|(path, data)| (ApiPath::parse(path), Answer::ok(data)))
    .collect();
    let made = guest("qemu", json!({"scsihw": "virtio-scsi-pci", "ostype": "l26", "cpu": "host"}), keys, more);
    made.obstacle().map(|(reason, remedy)| (reason.to_owned(), remedy.unwrap_or_default().to_owned()))
}

#[test]
fn missing_volumes_are_found() {
    let check = |keys: Value, pending: Value, reason: &str, remedy: &str| match obstacle(keys.clone(), pending) {
        None => assert_eq!(reason, "", "{keys}"),
        Some((why, help)) => {
            assert!(!reason.is_empty() && why.contains(reason) && help.ends_with(remedy), "{why}: {help}");
        }
    };
    let gone = "where it is really gone: qm set 100";
    check(json!({"efidisk0": "local:100/vm-100-disk-0.raw,size=4M"}), json!([]), "", "");
    let missing = json!({"efidisk0": "local:100/vm-100-disk-9.raw,size=4M"});
    check(missing, json!([]), "format of efidisk0", &format!("{gone} --delete efidisk0"));
    check(json!({"efidisk0": "local:100/vm-100-disk-9.raw,format=raw"}), json!([]), "", "");
    // The extension gives the format of a drive.
    check(json!({"scsi1": "local:100/vm-100-disk-9.raw,size=4G"}), json!([]), "", "");
    let unnamed = json!({"scsi1": "file=local:100/vm-100-disk-9.raw,size=4G"});
    check(unnamed.clone(), json!([]), "format of scsi1", &format!("{gone} --delete scsi1"));
    let pending = json!([{"key": "scsi1", "pending": "file=local:100/vm-100-disk-9.raw,size=4G"}]);
    check(unnamed, pending, "format of scsi1", &format!("{gone} --revert scsi1"));
    let usb = json!({"scsi1": "/dev/disk/by-id/usb-X-0:0,size=4G"});
    let command =
        "--scsi1 '/dev/disk/by-id/usb-X-0:0,size=4G,format=raw'  # changes nothing for the guest; then import again";
    check(usb, json!([]), "for a volume", command);
    let behind = json!({"efidisk0": "efitype=4m,local:100/vm-100-disk-0.raw,format=raw"});
    let command = "--efidisk0 'local:100/vm-100-disk-0.raw,efitype=4m,format=raw'  # changes nothing for the guest; then import again";
    check(behind, json!([]), "first place", command);
}

#[test]
fn a_device_without_a_bridge_has_a_comment() {
    let made = vm(json!({"net0": "virtio=BC:24:11:6E:4E:2E"}));
    let line = "# It is on no bridge in Proxmox: the guest is behind QEMU's own address translation.";
    check(&made, "net0", "Terraform", line, "", "");
}
