//! Groups of users (`user.cfg`), Proxmox's half.

use super::key::{Form, Key};
use super::kind::Kind;
use super::source::{Listed, Scope, Shape, Source};
use super::write::Writing;
use crate::rows::RowId;

/// A group. Its members are written with each user.
pub(super) static KIND: Kind = Kind {
    id: "group",
    prefix: "group",
    title: "group",
    keys: &[
        Key::new("comment", Form::Text),
        Key::new("groupid", Form::Text).fixed(),
        Key::new("users", Form::Set(',')),
    ],
    source: Source::Listed(
        Listed::cluster("groups", Shape::Rows(RowId::Key("groupid")))
            .at(&[Scope::Cluster("access")])
            .audit("/access/groups", "Sys.Audit"),
    ),
    writing: Writing::WhereRead { always: &[] },
};
