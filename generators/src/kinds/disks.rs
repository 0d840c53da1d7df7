//! ZFS pools as `proxmox_node_disk_zfs`; volume groups, thin pools and mounted directories as facts.

use proxmox_mpc_model::Object;
use serde_json::Value as Json;

use super::node::node_name;
use super::{Destination, Namespace, Translation};
use crate::draft::{Draft, Obstacle};
use crate::hcl::Value;
use crate::row::Row;

/// Translation of ZFS pools.
pub(super) static ZFS: Translation = Translation {
    kind: "zfs_pool",
    file: "zfs_pools.tf",
    word: "pool",
    data: true,
    namespace: Namespace::Own("zfs_pool"),
    destination: |object, _| {
        if layout(object).is_none() {
            return Err(Obstacle::new("the provider cannot create a pool with its layout (provider rule H11)"));
        }
        let node = object.entry.node.as_deref().unwrap_or_default();
        let name = object.text("name").unwrap_or_default();
        Ok(Destination::Resource("proxmox_node_disk_zfs", format!("{node}/{name}")))
    },
    name: |entry| entry.name.clone(),
    rows: &[
        Row::custom(&["name"], |draft| {
            node_name(draft);
            let name = draft.text("name").unwrap_or_default();
            draft.set("name", name);
        }),
        Row::custom(&["children"], disks),
        Row::volatile(&[
            "action", "alloc", "dedup", "errors", "frag", "free", "health", "leaf", "scan", "size", "state", "status",
        ]),
    ],
    role: None,
};

/// Translation of volume groups.
pub(super) static LVM: Translation = fact("volume_group");
/// Translation of thin pools.
pub(super) static LVMTHIN: Translation = fact("thin_pool");
/// Translation of mounted directories.
pub(super) static DIRECTORY: Translation = fact("mounted_directory");

const fn fact(kind: &'static str) -> Translation {
    Translation {
        kind,
        file: "",
        word: "disk",
        data: false,
        namespace: Namespace::Own(kind),
        destination: |_, _| Ok(Destination::Fact),
        name: |entry| entry.name.clone(),
        rows: &[],
        role: None,
    }
}

/// Writes layout and devices, ignored: the provider does not read them, but needs them to create the pool again.
fn disks(draft: &mut Draft<'_>) {
    draft.take("children");
    let Some((level, devices)) = layout(draft.object) else { return };
    draft.set("raidlevel", level);
    draft.set("devices", Value::List(devices.into_iter().map(Value::from).collect()));
    draft.ignore_without_comment(&["devices", "raidlevel"]);
}

fn children(of: &Json) -> &[Json] {
    of["children"].as_array().map_or(&[], Vec::as_slice)
}

fn name(of: &Json) -> &str {
    of["name"].as_str().unwrap_or_default()
}

/// The provider's word for the layout, and the disks in their order: `mirror`, `["/dev/sda3", "/dev/sdb3"]`. The answer is a
/// tree of the pool, its groups (`mirror-0`) and their disks. `None` if there is anything else, such as a log or a cache, or if
/// the groups differ.
fn layout(object: &Object) -> Option<(&'static str, Vec<String>)> {
    let sections = object.keys.get("children")?.as_array()?;
    let pool = object.text("name")?;
    let groups = match sections.as_slice() {
        [one] if name(one) == pool => children(one),
        groups => groups,
    };
    let word = |group: &Json| name(group).rsplit_once('-').map_or("", |(word, _)| word).to_owned();
    let leaf = |disk: &Json| children(disk).is_empty();
    let disks = |of: &[Json]| -> Vec<String> { of.iter().map(|disk| name(disk).to_owned()).collect() };
    if !groups.is_empty() && groups.iter().all(leaf) {
        return (groups.len() == 1).then(|| ("single", disks(groups)));
    }
    let first = word(groups.first()?);
    let alike = groups.iter().all(|group| word(group) == first && children(group).iter().all(leaf));
    let level = match (first.as_str(), groups.len()) {
        ("mirror", 1) => "mirror",
        ("mirror", _) => "raid10",
        ("raidz1" | "raidz", 1) => "raidz",
        ("raidz2", 1) => "raidz2",
        ("raidz3", 1) => "raidz3",
        _ => return None,
    };
    alike.then(|| (level, groups.iter().flat_map(|group| disks(children(group))).collect()))
}
