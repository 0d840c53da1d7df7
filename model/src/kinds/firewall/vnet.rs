//! Firewall options of virtual networks (`sdn/firewall/VNET.fw`, `[OPTIONS]`), Proxmox's half.

use super::super::key::{Form, Key};
use super::super::kind::Kind;
use super::super::source::{Listed, Scope, Shape, Source};
use super::super::write::Writing;

/// The options of one virtual network, which has a firewall once it runs, from PVE 8.3 on.
pub(in super::super) static KIND: Kind = Kind {
    id: "vnet_firewall",
    prefix: "vnet-firewall",
    title: "vnet firewall options",
    keys: &[
        Key::new("digest", Form::Text).volatile(),
        Key::new("enable", Form::Boolean).default("0"),
        Key::new("log_level_forward", Form::Text),
        Key::new("policy_forward", Form::Text),
    ],
    source: Source::Listed(
        Listed::cluster("firewall/options", Shape::One).at(&[Scope::Vnet]).nothing(&["invalid vnet"]),
    ),
    writing: Writing::WhereRead { always: &[] },
};
