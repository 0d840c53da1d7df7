//! Entries of route maps of the SDN (Proxmox VE 9.2), Proxmox's half.

use serde_json::{Map, Value};

use super::super::key::{Form, Key};
use super::super::kind::Kind;
use super::super::source::{Listed, Shape, Source};
use super::super::write::Writing;
use super::super::write::{Create, Write};
use crate::object::text;
use crate::rows::RowId;
use crate::schema::Release;
use crate::{ApiPath, Cluster, Object};

/// One entry of a route map, by the map and its order. Not seen on a cluster: the keys are those that the API declares.
pub(in super::super) static KIND: Kind = Kind {
    id: "sdn_route_map",
    prefix: "sdn-route-map",
    title: "SDN route map",
    keys: &[
        Key::new("action", Form::Text),
        Key::new("call", Form::Text),
        Key::new("digest", Form::Text).volatile(),
        Key::new("exit-action", Form::Properties(None)),
        Key::new("match", Form::Structure),
        Key::new("order", Form::Integer).fixed(),
        Key::new("pending", Form::Structure).volatile(),
        Key::new("route-map-id", Form::Text).fixed(),
        Key::new("set", Form::Structure),
        Key::new("state", Form::Text).volatile(),
    ],
    source: Source::Listed(
        Listed::cluster("sdn/route-maps/entries", Shape::Rows(RowId::Made(id)))
            .keys(&["route-map-id", "order"])
            .since(Release::NineTwo)
            .audit("/sdn", "SDN.Audit"),
    ),
    writing: Writing::Own(write),
};

fn id(row: &Map<String, Value>) -> Option<String> {
    Some(format!("{}/{}", row.get("route-map-id").and_then(text)?, row.get("order").and_then(text)?))
}

fn write(_: &Cluster<'_>, object: &Object) -> Option<Write> {
    let (map, order) = (object.text("route-map-id")?, object.text("order")?);
    let list = ["cluster", "sdn", "route-maps", "entries"];
    let path = ApiPath::new(list.into_iter().chain([map.as_str(), "entry", order.as_str()]));
    let values = vec![("route-map-id".to_owned(), map), ("order".to_owned(), order)];
    Some(Write { create: Some(Create { path: ApiPath::new(list), values }), ..Write::at(path) })
}
