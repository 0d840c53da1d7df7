//! Servers that metrics are sent to (`status.cfg`), Proxmox's half.

use super::key::{Form, Key};
use super::kind::Kind;
use super::source::{Listed, Shape, Source};
use super::write::{Create, Write, Writing};
use crate::rows::RowId;
use crate::{ApiPath, Object};

/// A metric server. The list lacks most keys, and no answer has the token.
pub(super) static KIND: Kind = Kind {
    id: "metric_server",
    prefix: "metric-server",
    title: "metric server",
    keys: &[
        Key::new("api-path-prefix", Form::Text),
        Key::new("bucket", Form::Text),
        Key::new("digest", Form::Text).volatile(),
        Key::new("disable", Form::Boolean),
        Key::new("id", Form::Text).fixed(),
        Key::new("influxdbproto", Form::Text).default("udp"),
        Key::new("max-body-size", Form::Integer).default("25000000"),
        Key::new("mtu", Form::Integer).default("1500"),
        Key::new("organization", Form::Text),
        Key::new("otel-compression", Form::Text).default("gzip"),
        // The headers usually hold credentials.
        Key::new("otel-headers", Form::Text).secret(),
        Key::new("otel-max-body-size", Form::Integer).default("10000000"),
        Key::new("otel-path", Form::Text).default("/v1/metrics"),
        Key::new("otel-protocol", Form::Text).default("https"),
        Key::new("otel-resource-attributes", Form::Text),
        Key::new("otel-timeout", Form::Integer).default("5"),
        Key::new("otel-verify-ssl", Form::Boolean).default("1"),
        Key::new("path", Form::Text),
        Key::new("port", Form::Integer),
        Key::new("proto", Form::Text),
        Key::new("server", Form::Text),
        Key::new("timeout", Form::Integer).default("1"),
        Key::new("token", Form::Text).secret(),
        Key::new("type", Form::Text).fixed(),
        Key::new("verify-certificate", Form::Boolean).default("1"),
    ],
    source: Source::Listed(Listed::cluster("metrics/server", Shape::Each(RowId::Key("id")))),
    writing: Writing::Own(|_, object| Some(write(object))),
};

/// The way in which it is written: a `POST` to its own path creates it, and each `PUT` needs the address as well.
fn write(object: &Object) -> Write {
    let path = ApiPath::new(["cluster", "metrics", "server", object.entry.identity.id()]);
    let values = |keys: &[&str]| keys.iter().filter_map(|key| Some(((*key).to_owned(), object.text(key)?))).collect();
    Write {
        create: Some(Create { path: path.clone(), values: values(&["type"]) }),
        always: values(&["port", "server"]),
        ..Write::at(path)
    }
}
