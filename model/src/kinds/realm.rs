//! Authentication realms (`domains.cfg`), Proxmox's half.

use super::key::{Form, Key};
use super::kind::Kind;
use super::source::{Listed, Scope, Shape, Source};
use super::write::Writing;
use crate::rows::RowId;

/// A realm of any type. Everybody sees that it exists; its settings take Sys.Audit or Realm.Allocate.
pub(super) static KIND: Kind = Kind {
    id: "realm",
    prefix: "realm",
    title: "realm",
    keys: KEYS,
    source: Source::Listed(
        Listed::cluster("domains", Shape::Each(RowId::Key("realm")))
            .at(&[Scope::Cluster("access")])
            .audit("/access/realm", "Sys.Audit"),
    ),
    writing: Writing::WhereRead { always: &[] },
};

/// The keys of every type of realm. The bind password of a directory is never shown; the client key of a single sign-on
/// is, and so is the key of a Yubico service in `tfa`.
const KEYS: &[Key] = &[
    Key::new("acr-values", Form::Text),
    Key::new("audiences", Form::Text),
    Key::new("autocreate", Form::Boolean).default("0"),
    Key::new("base_dn", Form::Text),
    Key::new("bind_dn", Form::Text),
    Key::new("capath", Form::Text).default("/etc/ssl/certs"),
    Key::new("case-sensitive", Form::Boolean).default("1"),
    Key::new("cert", Form::Text),
    Key::new("certkey", Form::Text),
    Key::new("client-id", Form::Text),
    Key::new("client-key", Form::Text).secret(),
    Key::new("comment", Form::Text),
    Key::new("default", Form::Boolean).default("0"),
    Key::new("digest", Form::Text).volatile(),
    Key::new("domain", Form::Text),
    Key::new("filter", Form::Text),
    Key::new("group_classes", Form::Text).default("groupOfNames, group, univentionGroup, ipausergroup"),
    Key::new("group_dn", Form::Text),
    Key::new("group_filter", Form::Text),
    Key::new("group_name_attr", Form::Text),
    Key::new("groups-autocreate", Form::Boolean).default("0"),
    Key::new("groups-claim", Form::Text),
    Key::new("groups-overwrite", Form::Boolean).default("0"),
    Key::new("issuer-url", Form::Text),
    Key::new("mode", Form::Text).default("ldap"),
    Key::new("password", Form::Text).secret().beside("bind_dn"),
    Key::new("plugin", Form::Text).volatile(),
    Key::new("port", Form::Integer),
    Key::new("prompt", Form::Text),
    Key::new("query-userinfo", Form::Boolean).default("1"),
    Key::new("realm", Form::Text).fixed(),
    Key::new("scopes", Form::Text).default("email profile"),
    Key::new("secure", Form::Boolean),
    Key::new("server1", Form::Text),
    Key::new("server2", Form::Text),
    Key::new("sslversion", Form::Text),
    Key::new("sync-defaults-options", Form::Properties(None)),
    Key::new("sync_attributes", Form::Text),
    Key::new("tfa", Form::Text).secret(),
    Key::new("type", Form::Text).fixed(),
    Key::new("user_attr", Form::Text),
    Key::new("user_classes", Form::Text).default("inetorgperson, posixaccount, person, user"),
    Key::new("username-claim", Form::Text).fixed(),
    Key::new("verify", Form::Boolean).default("0"),
];
