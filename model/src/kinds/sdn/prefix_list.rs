//! Prefix lists of the SDN (Proxmox VE 9.2), Proxmox's half.

use super::super::key::{Form, Key};
use super::super::kind::Kind;
use super::super::source::{Listed, Shape, Source};
use super::super::write::Writing;
use crate::rows::RowId;
use crate::schema::Release;

/// A list of networks that route maps and fabrics filter by. Its entries are property strings. Not seen on a cluster: the keys
/// are those that the API declares.
pub(in super::super) static KIND: Kind = Kind {
    id: "sdn_prefix_list",
    prefix: "sdn-prefix-list",
    title: "SDN prefix list",
    keys: &[
        Key::new("digest", Form::Text).volatile(),
        Key::new("entries", Form::Structure),
        Key::new("id", Form::Text).fixed(),
        Key::new("pending", Form::Structure).volatile(),
        Key::new("state", Form::Text).volatile(),
    ],
    source: Source::Listed(
        Listed::cluster("sdn/prefix-lists", Shape::Rows(RowId::Key("id")))
            .query("verbose", "1")
            .since(Release::NineTwo)
            .audit("/sdn", "SDN.Audit"),
    ),
    writing: Writing::WhereRead { always: &[] },
};
