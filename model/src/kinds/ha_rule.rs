//! Rules of the HA manager (`ha/rules.cfg`, since Proxmox VE 9), Proxmox's half.

use super::key::{Form, Key};
use super::kind::Kind;
use super::source::{Listed, Shape, Source};
use super::write::Writing;
use crate::rows::RowId;

/// A rule that binds HA resources to nodes, to each other or apart from each other.
pub(super) static KIND: Kind = Kind {
    id: "ha_rule",
    prefix: "ha-rule",
    title: "HA rule",
    keys: &[
        Key::new("affinity", Form::Text),
        Key::new("comment", Form::Text),
        Key::new("digest", Form::Text).volatile(),
        Key::new("disable", Form::Boolean),
        // The complaints of the manager, and the position in the file.
        Key::new("errors", Form::Structure).volatile(),
        Key::new("nodes", Form::Set(',')),
        Key::new("order", Form::Integer).volatile(),
        Key::new("resources", Form::Set(',')),
        Key::new("rule", Form::Text).fixed(),
        Key::new("strict", Form::Boolean).default("0"),
        Key::new("type", Form::Text).fixed(),
    ],
    source: Source::Listed(
        Listed::cluster("ha/rules", Shape::Rows(RowId::Key("rule"))).nothing(&["ha groups have not been migrated"]),
    ),
    // Each change needs the type as well.
    writing: Writing::WhereRead { always: &["type"] },
};
