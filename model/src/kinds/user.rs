//! Users (`user.cfg`), Proxmox's half.

use serde_json::{Map, Value};

use super::key::{Form, Key};
use super::kind::Kind;
use super::source::{Listed, Scope, Shape, Source};
use super::write::Writing;
use crate::rows::RowId;

/// A user. One request lists all of them with their groups and tokens; a login that may not audit sees only some, or
/// itself.
pub(super) static KIND: Kind = Kind {
    id: "user",
    prefix: "user",
    title: "user",
    keys: &[
        Key::new("comment", Form::Text),
        Key::new("email", Form::Text),
        Key::new("enable", Form::Boolean).default("1"),
        Key::new("expire", Form::Integer),
        Key::new("firstname", Form::Text),
        Key::new("groups", Form::Set(',')),
        // `x` marks a user with a second factor in `tfa.cfg`; anything else is a second factor itself, in the older form.
        Key::new("keys", Form::Text).secret(),
        Key::new("lastname", Form::Text),
        Key::new("password", Form::Text).secret(),
        Key::new("realm-type", Form::Text).volatile(),
        Key::new("tfa-locked-until", Form::Integer).volatile(),
        Key::new("tokens", Form::Structure).volatile(),
        Key::new("totp-locked", Form::Boolean).volatile(),
        Key::new("userid", Form::Text).fixed(),
    ],
    source: Source::Listed(
        Listed::cluster("users", Shape::Rows(RowId::Key("userid")))
            .at(&[Scope::Cluster("access")])
            .query("full", "1")
            .audit("/access/groups", "Sys.Audit")
            .adjust(without_tokens),
    ),
    writing: Writing::WhereRead { always: &[] },
};

/// Tokens are objects of their own.
fn without_tokens(keys: &mut Map<String, Value>) -> bool {
    keys.remove("tokens");
    true
}
