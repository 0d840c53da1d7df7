//! Certificates of the nodes, Proxmox's half.

use super::key::{Form, Key};
use super::kind::Kind;
use super::source::{Listed, Scope, Shape, Source};
use super::write::Writing;
use crate::rows::RowId;

/// A certificate that a node serves or signs with. Its key is never shown.
pub(super) static KIND: Kind = Kind {
    id: "certificate",
    prefix: "certificate",
    title: "certificate",
    keys: &[
        Key::new("filename", Form::Text),
        Key::new("fingerprint", Form::Text).volatile(),
        Key::new("issuer", Form::Text).volatile(),
        Key::new("notafter", Form::Integer).volatile(),
        Key::new("notbefore", Form::Integer).volatile(),
        Key::new("pem", Form::Text),
        Key::new("public-key-bits", Form::Integer).volatile(),
        Key::new("public-key-type", Form::Text).volatile(),
        Key::new("san", Form::Structure).volatile(),
        Key::new("subject", Form::Text).volatile(),
    ],
    source: Source::Listed(
        Listed::cluster("certificates/info", Shape::Rows(RowId::Key("filename"))).at(&[Scope::Node]),
    ),
    writing: Writing::No,
};
