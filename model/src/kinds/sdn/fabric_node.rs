//! Nodes of fabrics of the SDN (`sdn/fabrics.cfg`), Proxmox's half.

use serde_json::{Map, Value};

use super::super::key::{Form, Key};
use super::super::kind::Kind;
use super::super::source::{Listed, Shape, Source};
use super::super::write::{Create, Write, Writing};
use crate::object::text;
use crate::rows::RowId;
use crate::{ApiPath, Object};

/// A node's part in a fabric: its address there and its interfaces. The list shows only nodes that the login may audit
/// too.
pub(in super::super) static KIND: Kind = Kind {
    id: "sdn_fabric_node",
    prefix: "sdn-fabric-node",
    title: "SDN fabric node",
    keys: &[
        Key::new("allowed_ips", Form::Structure),
        Key::new("digest", Form::Text).volatile(),
        Key::new("endpoint", Form::Text),
        Key::new("fabric_id", Form::Text).fixed(),
        Key::new("interfaces", Form::Structure),
        Key::new("ip", Form::Text),
        Key::new("ip6", Form::Text),
        Key::new("node_id", Form::Text).fixed(),
        Key::new("peers", Form::Structure),
        Key::new("protocol", Form::Text).fixed(),
        Key::new("public_key", Form::Text),
        Key::new("role", Form::Text),
    ],
    source: Source::Listed(
        Listed::cluster("sdn/fabrics/node", Shape::Rows(RowId::Made(id)))
            .keys(&["fabric_id", "node_id"])
            .audit("/sdn", "SDN.Audit")
            .audit_also("/nodes", "Sys.Audit"),
    ),
    writing: Writing::Own(|_, object| write(object)),
};

/// The id of a row, `f1/pve1`: a node may be in more than one fabric.
fn id(row: &Map<String, Value>) -> Option<String> {
    let word = |key: &str| row.get(key).and_then(text).filter(|word| !word.is_empty());
    Some(format!("{}/{}", word("fabric_id")?, word("node_id")?))
}

/// The way in which it is written: each fabric has a list of its own.
fn write(object: &Object) -> Option<Write> {
    let (fabric, node) = object.entry.identity.id().split_once('/')?;
    let list = ["cluster", "sdn", "fabrics", "node", fabric];
    let protocol = ("protocol".to_owned(), object.text("protocol")?);
    let values = vec![("node_id".to_owned(), node.to_owned())];
    Some(Write {
        create: Some(Create { path: ApiPath::new(list), values }),
        always: vec![protocol],
        ..Write::at(ApiPath::new(list.into_iter().chain([node])))
    })
}
