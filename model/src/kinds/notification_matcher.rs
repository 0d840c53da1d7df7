//! Notification matchers (`notifications.cfg`), Proxmox's half.

use super::key::{Form, Key};
use super::kind::Kind;
use super::notification_endpoint;
use super::source::{Listed, Shape, Source};
use super::write::Writing;
use crate::rows::RowId;

/// A matcher, which sends notifications to targets. Built-in ones can be changed like others.
pub(super) static KIND: Kind = Kind {
    id: "notification_matcher",
    prefix: "notification-matcher",
    title: "notification matcher",
    keys: &[
        Key::new("comment", Form::Text),
        Key::new("digest", Form::Text).volatile(),
        Key::new("disable", Form::Boolean).default("0"),
        Key::new("invert-match", Form::Boolean).default("0"),
        Key::new("match-calendar", Form::Structure),
        Key::new("match-field", Form::Structure),
        Key::new("match-severity", Form::Structure),
        Key::new("mode", Form::Text).default("all"),
        Key::new("name", Form::Text).fixed(),
        Key::new("origin", Form::Text).volatile(),
        Key::new("target", Form::Structure),
    ],
    source: Source::Listed(
        Listed::cluster("notifications/matchers", Shape::Rows(RowId::Key("name")))
            .audit("/mapping/notifications", "Mapping.Audit"),
    ),
    writing: Writing::Own(|_, object| Some(notification_endpoint::write(&KIND, "matchers", object))),
};
