//! Name servers of the SDN (`sdn/dns.cfg`), Proxmox's half.

use super::super::key::{Form, Key};
use super::super::kind::Kind;
use super::super::source::{Listed, Shape, Source};
use super::super::write::Writing;
use crate::rows::RowId;

/// A name server that zones register names with. Its key is shown to every login that may audit the SDN. A creation
/// takes `reversemaskv6`, which answers call `reversev6mask`.
pub(in super::super) static KIND: Kind = Kind {
    id: "sdn_dns",
    prefix: "sdn-dns",
    title: "SDN DNS",
    keys: &[
        Key::new("digest", Form::Text).volatile(),
        Key::new("dns", Form::Text).fixed(),
        Key::new("fingerprint", Form::Text),
        Key::new("key", Form::Text).secret(),
        Key::new("reversemaskv6", Form::Integer),
        Key::new("reversev6mask", Form::Integer).fixed(),
        Key::new("ttl", Form::Integer),
        Key::new("type", Form::Text).fixed(),
        Key::new("url", Form::Text),
    ],
    source: Source::Listed(Listed::cluster("sdn/dns", Shape::Rows(RowId::Key("dns"))).audit("/sdn", "SDN.Audit")),
    writing: Writing::WhereRead { always: &[] },
};
