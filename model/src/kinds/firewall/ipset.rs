//! IP sets of the firewall (`cluster.fw`, `ID.fw`, `[IPSET NAME]`), Proxmox's half.

use super::super::key::{Form, Key};
use super::super::kind::Kind;
use super::super::source::{Listed, Parts, Scope, Shape, Source};
use super::super::write::Writing;
use super::configured;
use crate::rows::RowId;

/// A named set of addresses. Nothing but the list of sets shows the comment, and a creation sets it.
pub(in super::super) static KIND: Kind = Kind {
    id: "firewall_ipset",
    prefix: "firewall-ipset",
    title: "IP set",
    keys: &[
        Key::new("cidr[n]", Form::Structure),
        Key::new("comment", Form::Text).fixed(),
        Key::new("digest", Form::Text).volatile(),
        Key::new("name", Form::Text).fixed(),
    ],
    source: Source::Listed(
        Listed::cluster("firewall/ipset", Shape::EachParts(RowId::Key("name"), Parts { stem: "cidr", order: "cidr" }))
            .at(&[Scope::Cluster("cluster"), Scope::Guest])
            .adjust(configured),
    ),
    writing: Writing::WhereRead { always: &[] },
};
