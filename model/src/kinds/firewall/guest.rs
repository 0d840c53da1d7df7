//! Firewall options of guests (`ID.fw`, `[OPTIONS]`), Proxmox's half.

use super::super::key::{Form, Key};
use super::super::kind::Kind;
use super::super::source::{Listed, Scope, Shape, Source};
use super::super::write::Writing;

/// The options of one guest; most guests have none, and no such object.
pub(in super::super) static KIND: Kind = Kind {
    id: "guest_firewall",
    prefix: "guest-firewall",
    title: "guest firewall options",
    keys: &[
        Key::new("dhcp", Form::Boolean).default("0"),
        Key::new("digest", Form::Text).volatile(),
        Key::new("enable", Form::Boolean).default("0"),
        Key::new("ipfilter", Form::Boolean),
        Key::new("log_level_in", Form::Text),
        Key::new("log_level_out", Form::Text),
        Key::new("macfilter", Form::Boolean).default("1"),
        Key::new("ndp", Form::Boolean).default("1"),
        Key::new("policy_in", Form::Text),
        Key::new("policy_out", Form::Text),
        Key::new("radv", Form::Boolean),
    ],
    source: Source::Listed(Listed::cluster("firewall/options", Shape::One).at(&[Scope::Guest])),
    writing: Writing::WhereRead { always: &[] },
};
