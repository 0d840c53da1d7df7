//! SDN controllers (`sdn/controllers.cfg`), Proxmox's half.

use super::super::key::{Form, Key};
use super::super::kind::Kind;
use super::super::source::{Listed, Shape, Source};
use super::super::write::Writing;
use super::{configured, stays, zone};
use crate::rows::RowId;

/// A controller of any type, read from the list with `pending=1` like zones.
pub(in super::super) static KIND: Kind = Kind {
    id: "sdn_controller",
    prefix: "sdn-controller",
    title: "SDN controller",
    keys: &[
        Key::new("asn", Form::Integer),
        Key::new("bgp-mode", Form::Text),
        Key::new("bgp-multipath-as-path-relax", Form::Boolean),
        Key::new("controller", Form::Text).fixed(),
        Key::new("digest", Form::Text).volatile(),
        Key::new("ebgp", Form::Boolean),
        Key::new("ebgp-multihop", Form::Integer),
        Key::new("fabric", Form::Text),
        Key::new("isis-domain", Form::Text),
        Key::new("isis-ifaces", Form::Set(',')),
        Key::new("isis-net", Form::Text),
        Key::new("loopback", Form::Text),
        Key::new("node", Form::Text),
        Key::new("nodes", Form::Set(',')),
        Key::new("peer-group-name", Form::Text),
        Key::new("peers", Form::Set(',')),
        Key::new("pending", Form::Structure).volatile(),
        Key::new("route-map-in", Form::Text),
        Key::new("route-map-out", Form::Text),
        Key::new("state", Form::Text).volatile(),
        Key::new("type", Form::Text).fixed(),
    ],
    source: Source::Listed(
        Listed::cluster("sdn/controllers", Shape::Rows(RowId::Key("controller")))
            .query("pending", "1")
            .audit("/sdn", "SDN.Audit")
            .adjust(configured),
    ),
    writing: Writing::Own(|_, object| stays(object).then(|| zone::write(object, "controllers", "controller"))),
};
