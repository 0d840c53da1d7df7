//! Roles (`user.cfg`), Proxmox's half.

use super::key::{Form, Key};
use super::kind::Kind;
use super::source::{Listed, Scope, Shape, Source};
use super::write::Writing;
use crate::rows::RowId;

/// A set of privileges; those with `special` come with Proxmox and cannot be changed.
pub(super) static KIND: Kind = Kind {
    id: "role",
    prefix: "role",
    title: "role",
    keys: &[
        Key::new("privs", Form::Set(',')),
        Key::new("roleid", Form::Text).fixed(),
        Key::new("special", Form::Boolean).volatile(),
    ],
    source: Source::Listed(
        // Everybody sees every role: the list is not filtered.
        Listed::cluster("roles", Shape::Rows(RowId::Key("roleid"))).at(&[Scope::Cluster("access")]),
    ),
    writing: Writing::WhereRead { always: &[] },
};
