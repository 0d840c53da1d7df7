//! Firewall options of the cluster (`cluster.fw`, `[OPTIONS]`), Proxmox's half.

use super::super::key::{Form, Key};
use super::super::kind::Kind;
use super::super::source::{Listed, Shape, Source};
use super::super::write::Writing;

/// The options of the whole cluster; Proxmox declares no default for the policies. `enable` is a number: any but 0
/// switches the firewall on.
pub(in super::super) static KIND: Kind = Kind {
    id: "cluster_firewall",
    prefix: "cluster-firewall",
    title: "firewall options",
    keys: &[
        Key::new("digest", Form::Text).volatile(),
        Key::new("ebtables", Form::Boolean).default("1"),
        Key::new("enable", Form::Integer).default("0"),
        Key::new("log_ratelimit", Form::Properties(Some("enable"))),
        Key::new("policy_forward", Form::Text),
        Key::new("policy_in", Form::Text),
        Key::new("policy_out", Form::Text),
    ],
    source: Source::Listed(Listed::cluster("firewall/options", Shape::One)),
    writing: Writing::WhereRead { always: &[] },
};
