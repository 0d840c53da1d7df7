//! Configurations that a search with the real provider found: each of them once failed a plan or changed something.

use proxmox_mpc_generators::coverage::{Fate, Outcome};
use proxmox_mpc_model::Identity;

use super::oracle::ignored;
use crate::support::clusters::{asked, data, fixture, generated};

/// Compares the outcome of a virtual machine with these additional keys: `code`, the ignored attributes, or the
/// remedy.
fn check(keys: &[(&str, &str)], expected: &str) {
    let mut answers = asked(&fixture("pve-9.1"));
    let config = data(&mut answers, "nodes/pve2/qemu/103/config").as_object_mut().unwrap();
    for (key, value) in keys {
        config.insert((*key).to_owned(), (*value).into());
    }
    let made = generated(&answers);
    let object = &made.coverage.objects[&Identity::new("qemu", 103)];
    let found = match &object.outcome {
        Outcome::Terraform { address } => {
            let ignored: Vec<String> = ignored(&made).remove(address).unwrap().into_iter().collect();
            if ignored.is_empty() { "code".to_owned() } else { ignored.join(", ") }
        }
        Outcome::NotImportable { remedy, .. } | Outcome::Ansible { remedy, .. } => remedy.clone().unwrap_or_default(),
        other => panic!("{other:?}"),
    };
    assert_eq!(found, expected, "{keys:?}");
    assert!(!object.keys.values().any(|fate| *fate == Fate::NotCovered), "{keys:?}");
}

#[test]
fn what_the_provider_has_no_room_for_is_ignored() {
    let drive = ("ide2", "local-lvm:vm-103-cloudinit,media=cdrom");
    check(&[drive, ("ipconfig7", "ip=dhcp")], "code");
    check(&[drive, ("ipconfig8", "ip=dhcp")], "initialization[0].ip_config");
    check(&[drive, ("ipconfig31", "ip=dhcp"), ("ciuser", "ada")], "initialization[0].ip_config");
    check(&[("ipconfig7", "ip=dhcp"), ("ciuser", "ada")], "initialization");
    let shares: Vec<(String, String)> = (0..9).map(|n| (format!("virtiofs{n}"), format!("share{n}"))).collect();
    let shares: Vec<(&str, &str)> = shares.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    check(&shares[..8], "code");
    check(&shares, "virtiofs");
}

/// Block of the memory in which every attribute is a default.
#[test]
fn a_block_stands_where_the_provider_reads_one() {
    let written = |key: &str| {
        let mut answers = asked(&fixture("pve-9.1"));
        let config = data(&mut answers, "nodes/pve2/qemu/103/config").as_object_mut().unwrap();
        config.insert("memory".to_owned(), "512".into());
        config.insert(key.to_owned(), 0.into());
        let text = generated(&answers).files["terraform/virtual_machines.tf"].clone();
        text.split("\n}\n").any(|block| block.contains("\"linked_clone\"") && block.contains("  memory {"))
    };
    assert!(!written("balloon"));
    assert!(written("keephugepages"));
}

#[test]
fn a_device_is_no_volume() {
    check(
        &[("efidisk0", "/dev/sdx")],
        "qm set 103 --efidisk0 '/dev/sdx,format=raw'  # changes nothing for the guest; then import again",
    );
    check(&[("efidisk0", "/dev/sdx,format=raw")], "code");
}

#[test]
fn other_words_for_the_same_are_known() {
    check(&[("agent", "1,guest-fsfreeze=1")], "code");
    check(&[("scsi5", "local:103/vm-103-disk-5.raw,size=8G,iops_wr=1,iops_wr_length=2,bps_rd_length=3")], "code");
}

/// Storages that keep no backups have no retention, even if somebody wrote one into the file.
#[test]
fn a_retention_stands_where_there_is_one() {
    let mut answers = asked(&fixture("pve-9.1"));
    for storage in data(&mut answers, "storage").as_array_mut().unwrap() {
        storage["prune-backups"] = "keep-last=3".into();
    }
    let storages = &generated(&answers).files["terraform/storages.tf"];
    let schema = super::schema::Schema::read();
    assert_eq!(schema.check(storages).1, Vec::<String>::new());
    assert!(storages.contains("keep_last = 3"));
}
