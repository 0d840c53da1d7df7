//! Options of the datacenter (`datacenter.cfg`), Proxmox's half.

use super::key::{Form, Key};
use super::kind::Kind;
use super::source::{Listed, Shape, Source};
use super::write::Writing;

/// The options of the cluster as a whole. Proxmox shows most property strings as objects, and adds `allowed-tags`, which
/// follows from the others and from the guests' tags.
pub(super) static KIND: Kind = Kind {
    id: "cluster_options",
    prefix: "cluster-options",
    title: "datacenter options",
    keys: &[
        Key::new("allowed-tags", Form::Structure).volatile(),
        Key::new("bwlimit", Form::Properties(None)),
        Key::new("consent-text", Form::Text),
        Key::new("console", Form::Text),
        Key::new("crs", Form::Properties(None)),
        Key::new("description", Form::Text),
        Key::new("digest", Form::Text).volatile(),
        Key::new("email_from", Form::Text),
        Key::new("fencing", Form::Text).default("watchdog"),
        Key::new("ha", Form::Properties(None)),
        // It can contain a password.
        Key::new("http_proxy", Form::Text).secret(),
        Key::new("keyboard", Form::Text),
        Key::new("language", Form::Text),
        Key::new("location", Form::Properties(None)),
        Key::new("mac_prefix", Form::Text).default("BC:24:11"),
        Key::new("max_workers", Form::Integer),
        Key::new("migration", Form::Properties(Some("type"))),
        Key::new("migration_unsecure", Form::Boolean),
        Key::new("next-id", Form::Properties(None)),
        Key::new("notify", Form::Properties(None)),
        Key::new("registered-tags", Form::Set(';')),
        Key::new("replication", Form::Properties(Some("type"))),
        Key::new("tag-style", Form::Properties(None)),
        Key::new("u2f", Form::Properties(None)),
        Key::new("user-tag-access", Form::Properties(None)),
        Key::new("webauthn", Form::Properties(None)),
    ],
    source: Source::Listed(
        Listed::cluster("options", Shape::One)
            // Other logins get four keys, with status 200.
            .partial()
            .adjust(|keys| keys.keys().any(|key| key != "allowed-tags" && key != "digest")),
    ),
    writing: Writing::WhereRead { always: &[] },
};
