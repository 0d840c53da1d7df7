//! Snapshots of the guests, Proxmox's half.

use super::key::{Form, Key};
use super::kind::Kind;
use super::source::{Listed, Scope, Shape, Source};
use super::write::Writing;
use crate::object::text;
use crate::rows::RowId;

/// A snapshot: `snapshot/qemu/100/before-update`. The list also has the present state as `current`, which no snapshot
/// can be named.
pub(super) static KIND: Kind = Kind {
    id: "snapshot",
    prefix: "snapshot",
    title: "snapshot",
    keys: &[
        Key::new("description", Form::Text).volatile(),
        Key::new("digest", Form::Text).volatile(),
        Key::new("name", Form::Text).volatile(),
        Key::new("parent", Form::Text).volatile(),
        Key::new("running", Form::Boolean).volatile(),
        Key::new("snapstate", Form::Text).volatile(),
        Key::new("snaptime", Form::Integer).volatile(),
        Key::new("vmstate", Form::Boolean).volatile(),
    ],
    source: Source::Listed(
        Listed::cluster("snapshot", Shape::Rows(RowId::Key("name")))
            .at(&[Scope::Guest])
            .adjust(|row| row.get("name").and_then(text).is_none_or(|name| name != "current")),
    ),
    writing: Writing::No,
};
