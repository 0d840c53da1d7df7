//! Targets of notifications (`notifications.cfg`), Proxmox's half.

use serde_json::{Map, Value};

use super::key::{Class, Form, Key};
use super::kind::Kind;
use super::source::{Listed, Shape, Source};
use super::write::{Create, Write, Writing};
use crate::rows::RowId;
use crate::{ApiPath, Object};

/// Mask that Proxmox shows elsewhere in place of a password. Here it shows nothing, which must not be taken for a
/// missing password.
const MASK: &str = "**********";

/// A Gotify server. Its token is in no answer.
pub(super) static GOTIFY: Kind = Kind {
    id: "notification_gotify",
    prefix: "notification-gotify",
    title: "Gotify endpoint",
    keys: &[
        Key::new("comment", Form::Text),
        Key::new("digest", Form::Text).volatile(),
        Key::new("disable", Form::Boolean).default("0"),
        Key::new("name", Form::Text).fixed(),
        Key::new("origin", Form::Text).volatile(),
        Key::new("server", Form::Text),
        Key::new("token", Form::Text).secret(),
    ],
    source: Source::Listed(endpoints("notifications/endpoints/gotify").adjust(|keys| hidden(keys, "token"))),
    writing: Writing::Own(|_, object| Some(write(&GOTIFY, "endpoints/gotify", object))),
};

/// A mail server. Its password is in no answer; an endpoint with a user name has one.
pub(super) static SMTP: Kind = Kind {
    id: "notification_smtp",
    prefix: "notification-smtp",
    title: "SMTP endpoint",
    keys: &[
        Key::new("author", Form::Text),
        Key::new("comment", Form::Text),
        Key::new("digest", Form::Text).volatile(),
        Key::new("disable", Form::Boolean).default("0"),
        Key::new("from-address", Form::Text),
        Key::new("mailto", Form::Structure),
        Key::new("mailto-user", Form::Structure),
        Key::new("mode", Form::Text).default("tls"),
        Key::new("name", Form::Text).fixed(),
        Key::new("origin", Form::Text).volatile(),
        Key::new("password", Form::Text).secret(),
        Key::new("port", Form::Integer),
        Key::new("server", Form::Text),
        Key::new("username", Form::Text),
    ],
    source: Source::Listed(
        endpoints("notifications/endpoints/smtp")
            .adjust(|keys| !keys.contains_key("username") || hidden(keys, "password")),
    ),
    writing: Writing::Own(|_, object| Some(write(&SMTP, "endpoints/smtp", object))),
};

/// The node's own `sendmail`.
pub(super) static SENDMAIL: Kind = Kind {
    id: "notification_sendmail",
    prefix: "notification-sendmail",
    title: "sendmail endpoint",
    keys: &[
        Key::new("author", Form::Text),
        Key::new("comment", Form::Text),
        Key::new("digest", Form::Text).volatile(),
        Key::new("disable", Form::Boolean).default("0"),
        Key::new("from-address", Form::Text),
        Key::new("mailto", Form::Structure),
        Key::new("mailto-user", Form::Structure),
        Key::new("name", Form::Text).fixed(),
        Key::new("origin", Form::Text).volatile(),
    ],
    source: Source::Listed(endpoints("notifications/endpoints/sendmail")),
    writing: Writing::Own(|_, object| Some(write(&SENDMAIL, "endpoints/sendmail", object))),
};

/// A web server that is called. Of its secrets only the names are shown: `name=path`.
pub(super) static WEBHOOK: Kind = Kind {
    id: "notification_webhook",
    prefix: "notification-webhook",
    title: "webhook endpoint",
    keys: &[
        Key::new("body", Form::Text),
        Key::new("comment", Form::Text),
        Key::new("digest", Form::Text).volatile(),
        Key::new("disable", Form::Boolean).default("0"),
        Key::new("header", Form::Structure),
        Key::new("method", Form::Text),
        Key::new("name", Form::Text).fixed(),
        Key::new("origin", Form::Text).volatile(),
        Key::new("secret", Form::Structure).secret(),
        Key::new("url", Form::Text),
    ],
    source: Source::Listed(endpoints("notifications/endpoints/webhook")),
    writing: Writing::Own(|_, object| Some(write(&WEBHOOK, "endpoints/webhook", object))),
};

const fn endpoints(path: &'static str) -> Listed {
    Listed::cluster(path, Shape::Rows(RowId::Key("name"))).audit("/mapping/notifications", "Mapping.Audit")
}

/// Adds the mask of a secret, which no answer shows.
fn hidden(keys: &mut Map<String, Value>, secret: &str) -> bool {
    keys.entry(secret).or_insert_with(|| MASK.into());
    true
}

/// The way in which an object of the notification system is written. Built-in ones always exist: they can be changed,
/// not created.
pub(super) fn write(kind: &Kind, list: &str, object: &Object) -> Write {
    let list = ["cluster", "notifications"].into_iter().chain(list.split('/'));
    let list: Vec<&str> = list.collect();
    let custom = object.text("origin").is_none_or(|origin| !origin.contains("builtin"));
    let create = || {
        let fixed = kind.keys.iter().filter(|key| key.class == Class::Fixed);
        let values = fixed.filter_map(|key| Some((key.name.to_owned(), object.text(key.name)?))).collect();
        Create { path: ApiPath::new(&list), values }
    };
    Write {
        create: custom.then(create),
        ..Write::at(ApiPath::new(list.iter().copied().chain([object.entry.identity.id()])))
    }
}
