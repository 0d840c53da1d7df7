//! Uses of the nodes' disks, Proxmox's half: ZFS pools, volume groups, thin pools and mounted directories.

use serde_json::{Map, Value};

use super::key::{Form, Key};
use super::kind::Kind;
use super::source::{Listed, Scope, Shape, Source};
use super::write::Writing;
use crate::object::text;
use crate::rows::RowId;

/// A ZFS pool. The list has its sizes, the single answer the disks that it is made of.
pub(super) static ZFS: Kind = Kind {
    id: "zfs_pool",
    prefix: "zfs",
    title: "ZFS pool",
    keys: &[
        Key::new("action", Form::Text).volatile(),
        Key::new("alloc", Form::Integer).volatile(),
        Key::new("children", Form::Structure),
        Key::new("dedup", Form::Number).volatile(),
        Key::new("errors", Form::Text).volatile(),
        Key::new("frag", Form::Integer).volatile(),
        Key::new("free", Form::Integer).volatile(),
        Key::new("health", Form::Text).volatile(),
        Key::new("leaf", Form::Boolean).volatile(),
        Key::new("name", Form::Text).fixed(),
        Key::new("scan", Form::Text).volatile(),
        Key::new("size", Form::Integer).volatile(),
        Key::new("state", Form::Text).volatile(),
        Key::new("status", Form::Text).volatile(),
    ],
    // A node without ZFS has no command for it.
    source: Source::Listed(
        Listed::cluster("disks/zfs", Shape::Each(RowId::Key("name"))).at(&[Scope::Node]).nothing(&["zfsutils-linux"]),
    ),
    writing: Writing::No,
};

/// A volume group of LVM, with the disks that it is made of.
pub(super) static LVM: Kind = Kind {
    id: "volume_group",
    prefix: "volume-group",
    title: "LVM volume group",
    keys: &[
        Key::new("children", Form::Structure).volatile(),
        Key::new("free", Form::Integer).volatile(),
        Key::new("leaf", Form::Boolean).volatile(),
        Key::new("lvcount", Form::Integer).volatile(),
        Key::new("name", Form::Text).fixed(),
        Key::new("size", Form::Integer).volatile(),
    ],
    source: Source::Listed(Listed::cluster("disks/lvm", Shape::Rows(RowId::Key("name"))).at(&[Scope::Node]).rows(
        |answer| answer["children"].as_array().into_iter().flatten().filter_map(Value::as_object).cloned().collect(),
    )),
    writing: Writing::No,
};

/// A thin pool of LVM: `pve/data`.
pub(super) static LVMTHIN: Kind = Kind {
    id: "thin_pool",
    prefix: "thin-pool",
    title: "LVM thin pool",
    keys: &[
        Key::new("ctime", Form::Integer).volatile(),
        Key::new("lv", Form::Text).fixed(),
        Key::new("lv_size", Form::Integer).volatile(),
        Key::new("lv_state", Form::Text).volatile(),
        Key::new("lv_type", Form::Text).volatile(),
        Key::new("metadata_size", Form::Integer).volatile(),
        Key::new("metadata_used", Form::Integer).volatile(),
        Key::new("used", Form::Integer).volatile(),
        Key::new("vg", Form::Text).fixed(),
    ],
    source: Source::Listed(
        Listed::cluster("disks/lvmthin", Shape::Rows(RowId::Made(|row| both(row, "vg", "lv"))))
            .at(&[Scope::Node])
            .keys(&["vg", "lv"]),
    ),
    writing: Writing::No,
};

/// A directory that Proxmox mounts a disk at (`mnt-pve-NAME.mount`).
pub(super) static DIRECTORY: Kind = Kind {
    id: "mounted_directory",
    prefix: "mounted-directory",
    title: "mounted directory",
    keys: &[
        Key::new("device", Form::Text).fixed(),
        Key::new("options", Form::Text).fixed(),
        Key::new("path", Form::Text).fixed(),
        Key::new("type", Form::Text).fixed(),
        Key::new("unitfile", Form::Text).volatile(),
    ],
    source: Source::Listed(Listed::cluster("disks/directory", Shape::Rows(RowId::Key("path"))).at(&[Scope::Node])),
    writing: Writing::No,
};

fn both(row: &Map<String, Value>, one: &str, other: &str) -> Option<String> {
    Some(format!("{}/{}", text(row.get(one)?)?, text(row.get(other)?)?))
}
