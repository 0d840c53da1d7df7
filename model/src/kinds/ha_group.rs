//! Groups of the HA manager (`ha/groups.cfg`, before Proxmox VE 9 made rules of them), Proxmox's half.

use super::key::{Form, Key};
use super::kind::Kind;
use super::source::{Listed, Shape, Source};
use super::write::Writing;
use crate::rows::RowId;

/// A group of nodes that HA resources may run on.
pub(super) static KIND: Kind = Kind {
    id: "ha_group",
    prefix: "ha-group",
    title: "HA group",
    keys: &[
        Key::new("comment", Form::Text),
        Key::new("digest", Form::Text).volatile(),
        Key::new("group", Form::Text).fixed(),
        Key::new("nodes", Form::Set(',')),
        Key::new("nofailback", Form::Boolean).default("0"),
        Key::new("restricted", Form::Boolean).default("0"),
        Key::new("type", Form::Text).fixed(),
    ],
    source: Source::Listed(
        Listed::cluster("ha/groups", Shape::Rows(RowId::Key("group")))
            .nothing(&["ha groups have been migrated to rules"]),
    ),
    writing: Writing::WhereRead { always: &[] },
};
