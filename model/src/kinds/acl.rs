//! Permissions (`user.cfg`), Proxmox's half.

use serde_json::{Map, Value};

use super::key::{Form, Key};
use super::kind::Kind;
use super::source::{Listed, Scope, Shape, Source};
use super::write::Writing;
use crate::object::text;
use crate::rows::RowId;

/// A role on a path for a user, a group or a token. Proxmox writes all of them at one path, which reads as a list.
pub(super) static KIND: Kind = Kind {
    id: "acl",
    prefix: "acl",
    title: "permission",
    keys: &[
        Key::new("path", Form::Text).fixed(),
        Key::new("propagate", Form::Boolean).default("1"),
        Key::new("roleid", Form::Text).fixed(),
        Key::new("type", Form::Text).fixed(),
        Key::new("ugid", Form::Text).fixed(),
    ],
    source: Source::Listed(
        Listed::cluster("acl", Shape::Rows(RowId::Made(id)))
            .at(&[Scope::Cluster("access")])
            .keys(&["path", "roleid", "type", "ugid"])
            .audit("/access", "Sys.Audit"),
    ),
    writing: Writing::No,
};

/// `pool/prod?ops?PVEVMAdmin`: the path without its first slash, the user, group or token, and the role. The names of
/// users, groups and tokens have no slash, and a group's name neither `@` nor `!`, so that no two are alike.
fn id(row: &Map<String, Value>) -> Option<String> {
    let word = |key: &str| row.get(key).and_then(text);
    let path = word("path")?;
    Some(format!("{}?{}?{}", path.strip_prefix('/').unwrap_or(&path), word("ugid")?, word("roleid")?))
}
