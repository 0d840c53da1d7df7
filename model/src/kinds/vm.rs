//! Virtual machines and their templates (`qemu-server`), Proxmox's half.

use serde_json::Value;

use super::{Kind, guest};
use crate::cluster::GuestType;
use crate::{ApiPath, Cluster, Unreadable};

/// A virtual machine or a template of one: `nodes/{node}/qemu/{vmid}/config`.
pub(super) static KIND: Kind = Kind {
    id: "vm",
    prefix: "qemu",
    title: "virtual machine",
    keys: &[],
    requests,
    list: |cluster| Ok(guest::list(cluster, GuestType::Qemu)),
    read: guest::read,
};

/// Beside the configurations: the state of the storages on each node that has virtual machines, and the images on
/// storages whose volumes have no file name. Terraform's provider asks for the format of such a volume, and cannot
/// import a guest where that question fails (VERIFIED.md, T18).
fn requests(cluster: &Cluster<'_>) -> Result<Vec<ApiPath>, Unreadable> {
    let mut wanted = guest::requests(cluster, GuestType::Qemu);
    let mut nodes: Vec<&str> = guest::of_type(cluster, GuestType::Qemu).map(|guest| guest.node.as_str()).collect();
    nodes.sort_unstable();
    nodes.dedup();
    for node in nodes.into_iter().filter(|node| cluster.nodes.get(*node) != Some(&false)) {
        wanted.push(ApiPath::new(["nodes", node, "storage"]));
        let Some(storages) = cluster.node_storages(node)? else { continue };
        for (storage, row) in storages.iter() {
            let word = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default();
            let images = word("content").split(',').any(|content| content == "images");
            let active = row.get("active").and_then(Value::as_u64) == Some(1);
            if images && active && without_file_names(word("type")) {
                wanted
                    .push(ApiPath::new(["nodes", node, "storage", storage, "content"]).with_query("content", "images"));
            }
        }
    }
    Ok(wanted)
}

/// Whether the volumes of this storage type are block devices, whose names do not tell their format.
pub fn without_file_names(storage_type: &str) -> bool {
    matches!(storage_type, "lvm" | "lvmthin" | "zfspool" | "zfs" | "rbd" | "iscsi" | "iscsidirect")
}
