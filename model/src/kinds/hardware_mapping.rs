//! Mappings of a name to a device or a directory of each node (`mapping/*.cfg`), Proxmox's half.

use super::key::{Form, Key};
use super::kind::Kind;
use super::source::{Listed, Shape, Source};
use super::write::Writing;
use crate::rows::RowId;

/// A PCI device under a name that is the same on every node.
pub(super) static PCI: Kind = Kind {
    id: "hardware_mapping_pci",
    prefix: "hardware-mapping-pci",
    title: "PCI mapping",
    keys: &[
        Key::new("description", Form::Text),
        Key::new("digest", Form::Text).volatile(),
        Key::new("id", Form::Text).fixed(),
        Key::new("live-migration-capable", Form::Boolean).default("0"),
        Key::new("map", Form::Structure),
        Key::new("mdev", Form::Boolean).default("0"),
        Key::new("type", Form::Text).volatile(),
    ],
    source: Source::Listed(
        Listed::cluster("mapping/pci", Shape::Rows(RowId::Key("id"))).audit("/mapping/pci", "Mapping.Audit"),
    ),
    writing: Writing::WhereRead { always: &[] },
};

/// A USB device under such a name.
pub(super) static USB: Kind = Kind {
    id: "hardware_mapping_usb",
    prefix: "hardware-mapping-usb",
    title: "USB mapping",
    keys: PLAIN,
    source: Source::Listed(
        Listed::cluster("mapping/usb", Shape::Rows(RowId::Key("id"))).audit("/mapping/usb", "Mapping.Audit"),
    ),
    writing: Writing::WhereRead { always: &[] },
};

/// A directory under such a name, which guests share.
pub(super) static DIR: Kind = Kind {
    id: "hardware_mapping_dir",
    prefix: "hardware-mapping-dir",
    title: "directory mapping",
    keys: PLAIN,
    source: Source::Listed(
        Listed::cluster("mapping/dir", Shape::Rows(RowId::Key("id"))).audit("/mapping/dir", "Mapping.Audit"),
    ),
    writing: Writing::WhereRead { always: &[] },
};

const PLAIN: &[Key] = &[
    Key::new("description", Form::Text),
    Key::new("digest", Form::Text).volatile(),
    Key::new("id", Form::Text).fixed(),
    Key::new("map", Form::Structure),
    Key::new("type", Form::Text).volatile(),
];
