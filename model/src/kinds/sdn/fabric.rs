//! Fabrics of the SDN (`sdn/fabrics.cfg`), Proxmox's half. Releases before 9 have none.

use super::super::key::{Form, Key};
use super::super::kind::Kind;
use super::super::source::{Listed, Shape, Source};
use super::super::write::Writing;
use crate::rows::RowId;

/// A fabric, which routes between nodes. Its protocol is sent with every change.
pub(in super::super) static KIND: Kind = Kind {
    id: "sdn_fabric",
    prefix: "sdn-fabric",
    title: "SDN fabric",
    keys: &[
        Key::new("area", Form::Text),
        Key::new("csnp_interval", Form::Number),
        Key::new("digest", Form::Text).volatile(),
        Key::new("hello_interval", Form::Number),
        Key::new("id", Form::Text).fixed(),
        Key::new("ip6_prefix", Form::Text),
        Key::new("ip_prefix", Form::Text),
        Key::new("persistent_keepalive", Form::Number),
        Key::new("protocol", Form::Text).fixed(),
        Key::new("redistribute", Form::Structure),
        Key::new("route_filter", Form::Text),
    ],
    source: Source::Listed(
        Listed::cluster("sdn/fabrics/fabric", Shape::Rows(RowId::Key("id"))).audit("/sdn", "SDN.Audit"),
    ),
    writing: Writing::WhereRead { always: &["protocol"] },
};
