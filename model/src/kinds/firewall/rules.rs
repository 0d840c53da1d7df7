//! Firewall rules of the cluster, of nodes, guests and virtual networks (`cluster.fw`, `host.fw`, `ID.fw`), Proxmox's half.

use super::super::key::{Form, Key};
use super::super::kind::Kind;
use super::super::source::{Listed, Parts, Scope, Shape, Source};
use super::super::write::Writing;
use super::configured;

/// The rules of one location, in their order.
pub(in super::super) static KIND: Kind = Kind {
    id: "firewall_rules",
    prefix: "firewall-rules",
    title: "firewall rules",
    keys: &[Key::new("digest", Form::Text).volatile(), Key::new("rule[n]", Form::Structure)],
    source: Source::Listed(
        Listed::cluster("firewall/rules", Shape::Parts(Parts { stem: "rule", order: "pos" }))
            .at(&[Scope::Cluster("cluster"), Scope::Node, Scope::Guest, Scope::Vnet])
            // A virtual network has a firewall once it runs (recorded: `invalid vnet` before).
            .nothing(&["invalid vnet"])
            .adjust(configured),
    ),
    writing: Writing::WhereRead { always: &[] },
};
