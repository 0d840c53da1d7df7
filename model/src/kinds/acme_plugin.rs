//! ACME challenge plugins, by which a domain is proved to a certificate authority (`priv/acme/plugins.cfg`), Proxmox's
//! half.

use super::key::{Form, Key};
use super::kind::Kind;
use super::source::{Listed, Shape, Source};
use super::write::{Create, Write, Writing};
use crate::rows::RowId;
use crate::{ApiPath, Object};

/// An ACME challenge plugin. Its `data` are credentials of a DNS service, one `NAME=value` a line, shown in clear text
/// to a login that may modify the system, and hidden from every other with the whole list.
pub(super) static KIND: Kind = Kind {
    id: "acme_plugin",
    prefix: "acme-plugin",
    title: "ACME plugin",
    keys: &[
        Key::new("api", Form::Text),
        Key::new("data", Form::Text).secret(),
        Key::new("digest", Form::Text).volatile(),
        Key::new("disable", Form::Boolean),
        Key::new("nodes", Form::Set(',')),
        Key::new("plugin", Form::Text).fixed(),
        Key::new("type", Form::Text).fixed(),
        Key::new("validation-delay", Form::Integer).default("30"),
    ],
    source: Source::Listed(Listed::cluster("acme/plugins", Shape::Rows(RowId::Key("plugin"))).audit("/", "Sys.Modify")),
    writing: Writing::Own(|_, object| Some(write(object))),
};

/// The key that answers call `plugin` is `id` in a creation.
fn write(object: &Object) -> Write {
    let id = object.entry.identity.id();
    let mut values = vec![("id".to_owned(), id.to_owned())];
    values.extend(object.text("type").map(|kind| ("type".to_owned(), kind)));
    Write {
        create: Some(Create { path: ApiPath::new(["cluster", "acme", "plugins"]), values }),
        ..Write::at(ApiPath::new(["cluster", "acme", "plugins", id]))
    }
}
