//! Address managers of the SDN (`sdn/ipams.cfg`), Proxmox's half.

use super::super::key::{Form, Key};
use super::super::kind::Kind;
use super::super::source::{Listed, Shape, Source};
use super::super::write::Writing;
use crate::rows::RowId;

/// An address manager. `pve` comes with Proxmox. The token of others is shown to every login that may audit the SDN.
pub(in super::super) static KIND: Kind = Kind {
    id: "sdn_ipam",
    prefix: "sdn-ipam",
    title: "SDN IPAM",
    keys: &[
        Key::new("digest", Form::Text).volatile(),
        Key::new("fingerprint", Form::Text),
        Key::new("ipam", Form::Text).fixed(),
        Key::new("section", Form::Integer),
        Key::new("token", Form::Text).secret(),
        Key::new("type", Form::Text).fixed(),
        Key::new("url", Form::Text),
    ],
    source: Source::Listed(Listed::cluster("sdn/ipams", Shape::Rows(RowId::Key("ipam"))).audit("/sdn", "SDN.Audit")),
    writing: Writing::WhereRead { always: &[] },
};
