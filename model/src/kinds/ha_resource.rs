//! Guests that the HA manager manages (`ha/resources.cfg`), Proxmox's half.

use super::key::{Form, Key};
use super::kind::Kind;
use super::source::{Listed, Shape, Source};
use super::write::Writing;
use crate::rows::RowId;

/// A guest that the HA manager keeps in a state: `vm:100`. The list holds every key of the single answer.
pub(super) static KIND: Kind = Kind {
    id: "ha_resource",
    prefix: "ha-resource",
    title: "HA resource",
    keys: &[
        // Since 9.2.
        Key::new("auto-rebalance", Form::Boolean),
        Key::new("comment", Form::Text),
        Key::new("digest", Form::Text).volatile(),
        Key::new("failback", Form::Boolean).default("1"),
        Key::new("group", Form::Text),
        Key::new("max_relocate", Form::Integer).default("1"),
        Key::new("max_restart", Form::Integer).default("1"),
        Key::new("sid", Form::Text).fixed(),
        Key::new("state", Form::Text).default("started"),
        Key::new("type", Form::Text).fixed(),
    ],
    source: Source::Listed(Listed::cluster("ha/resources", Shape::Rows(RowId::Key("sid")))),
    writing: Writing::WhereRead { always: &[] },
};
