//! Aliases of the firewall (`cluster.fw`, `ID.fw`, `[ALIASES]`), Proxmox's half.

use super::super::key::{Form, Key};
use super::super::kind::Kind;
use super::super::source::{Listed, Scope, Shape, Source};
use super::super::write::Writing;
use crate::rows::RowId;

/// A name for an address or a network. `ipversion` is computed from it. Proxmox wants the address with every change.
pub(in super::super) static KIND: Kind = Kind {
    id: "firewall_alias",
    prefix: "firewall-alias",
    title: "firewall alias",
    keys: &[
        Key::new("cidr", Form::Text),
        Key::new("comment", Form::Text),
        Key::new("digest", Form::Text).volatile(),
        Key::new("ipversion", Form::Integer).volatile(),
        Key::new("name", Form::Text).fixed(),
    ],
    source: Source::Listed(
        Listed::cluster("firewall/aliases", Shape::Rows(RowId::Key("name")))
            .at(&[Scope::Cluster("cluster"), Scope::Guest]),
    ),
    writing: Writing::WhereRead { always: &["cidr"] },
};
