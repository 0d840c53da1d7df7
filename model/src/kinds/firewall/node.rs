//! Firewall options of nodes (`host.fw`, `[OPTIONS]`), Proxmox's half.

use super::super::key::{Form, Key};
use super::super::kind::Kind;
use super::super::source::{Listed, Scope, Shape, Source};
use super::super::write::Writing;

/// The options of one node; a node without any option has no such object.
pub(in super::super) static KIND: Kind = Kind {
    id: "node_firewall",
    prefix: "node-firewall",
    title: "node firewall options",
    keys: &[
        Key::new("digest", Form::Text).volatile(),
        Key::new("enable", Form::Boolean).default("1"),
        Key::new("log_level_forward", Form::Text),
        Key::new("log_level_in", Form::Text),
        Key::new("log_level_out", Form::Text),
        Key::new("log_nf_conntrack", Form::Boolean).default("0"),
        Key::new("ndp", Form::Boolean).default("1"),
        Key::new("nf_conntrack_allow_invalid", Form::Boolean).default("0"),
        Key::new("nf_conntrack_helpers", Form::Set(',')).default(""),
        Key::new("nf_conntrack_max", Form::Integer).default("262144"),
        Key::new("nf_conntrack_tcp_timeout_established", Form::Integer).default("432000"),
        Key::new("nf_conntrack_tcp_timeout_syn_recv", Form::Integer).default("60"),
        Key::new("nftables", Form::Boolean).default("0"),
        Key::new("nosmurfs", Form::Boolean),
        Key::new("protection_synflood", Form::Boolean).default("0"),
        Key::new("protection_synflood_burst", Form::Integer).default("1000"),
        Key::new("protection_synflood_rate", Form::Integer).default("200"),
        Key::new("smurf_log_level", Form::Text),
        Key::new("tcp_flags_log_level", Form::Text),
        Key::new("tcpflags", Form::Boolean).default("0"),
    ],
    source: Source::Listed(Listed::cluster("firewall/options", Shape::One).at(&[Scope::Node])),
    writing: Writing::WhereRead { always: &[] },
};
