//! Time of a merge, measured and printed.

use std::fmt::Write as _;
use std::time::Instant;

use super::{Files, merge_files};

fn tree(count: usize, memory: usize, own: &str) -> Files {
    let mut text = "# Generated.\n".to_owned();
    let mut imports = "# Generated.\n".to_owned();
    for id in 0..count {
        _ = write!(text, "\nresource \"vm\" \"g{id}\" {{\n  node_name     = \"pve\"\n  vm_id         = {id}\n  name          = \"guest-{id}\"\n  tags          = [\"a\", \"b\"]{own}\n  on_boot       = true\n  started       = true\n  bios          = \"ovmf\"\n  scsi_hardware = \"virtio-scsi-single\"\n\n  cpu {{\n    cores = 2\n    type  = \"host\"\n  }}\n\n  memory {{\n    dedicated = {memory}\n  }}\n\n  disk {{\n    interface    = \"scsi0\"\n    datastore_id = proxmox_storage_lvmthin.local_lvm.id\n    size         = 32\n    cache        = \"writethrough\"\n    discard      = \"on\"\n    ssd          = true\n  }}\n\n  network_device {{\n    bridge      = proxmox_network_linux_bridge.pve_vmbr0.name\n    mac_address = \"02:5C:1E:7A:90:01\"\n  }}\n\n  agent {{\n    enabled = true\n  }}\n\n  lifecycle {{\n    prevent_destroy = true\n    ignore_changes  = [tpm_state]\n  }}\n}}\n");
        _ = write!(imports, "\nimport {{\n  to = vm.g{id}\n  id = \"pve/{id}\"\n}}\n");
    }
    [("terraform/virtual_machines.tf".to_owned(), text), ("terraform/imports.tf".to_owned(), imports)].into()
}

#[test]
fn speed() {
    for (count, own, name) in [(1000, "", "pristine"), (1000, " # mine", "edited"), (10000, "", "pristine"), (10000, " # mine", "edited")] {
        let (base, theirs) = (tree(count, 4096, ""), tree(count, 8192, ""));
        let mut ours = tree(count, 4096, own);
        let start = Instant::now();
        let merge = merge_files(&base, &theirs, &ours, &[]);
        let all = start.elapsed();
        let start = Instant::now();
        let objects = super::objects(&base);
        let objects_time = start.elapsed() * 2;
        let start = Instant::now();
        let configuration = crate::configuration::Configuration::read_beside(&ours, "terraform", &base);
        let read = start.elapsed();
        println!("{count} {name}: {:?} without the objects, of it {read:?} configuration, {} edits {} {}", all.saturating_sub(objects_time), merge.edits.len(), objects.len(), configuration.instances().len());
        ours.clear();
    }
}
