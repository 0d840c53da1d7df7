//! Security groups of the firewall (`cluster.fw`, `[group NAME]`), Proxmox's half.

use super::super::key::{Form, Key};
use super::super::kind::Kind;
use super::super::source::{Listed, Parts, Shape, Source};
use super::super::write::Writing;
use super::configured;
use crate::rows::RowId;

/// A named list of rules. Nothing but the list of groups shows the comment, and a creation sets it.
pub(in super::super) static KIND: Kind = Kind {
    id: "firewall_group",
    prefix: "firewall-group",
    title: "security group",
    keys: &[
        Key::new("comment", Form::Text).fixed(),
        Key::new("digest", Form::Text).volatile(),
        Key::new("group", Form::Text).fixed(),
        Key::new("rule[n]", Form::Structure),
    ],
    source: Source::Listed(
        Listed::cluster("firewall/groups", Shape::EachParts(RowId::Key("group"), Parts { stem: "rule", order: "pos" }))
            .adjust(configured),
    ),
    writing: Writing::WhereRead { always: &[] },
};
