//! Settings of a node, Proxmox's half: its resolver, `/etc/hosts`, its time zone and its options.

use super::key::{Form, Key};
use super::kind::Kind;
use super::source::{Listed, Scope, Shape, Source};
use super::write::Writing;

/// The resolver (`/etc/resolv.conf`): Proxmox reads the first three servers.
pub(super) static DNS: Kind = Kind {
    id: "node_dns",
    prefix: "node-dns",
    title: "name servers of node",
    keys: &[
        Key::new("dns1", Form::Text),
        Key::new("dns2", Form::Text),
        Key::new("dns3", Form::Text),
        Key::new("search", Form::Text),
    ],
    source: Source::Listed(Listed::cluster("dns", Shape::One).at(&[Scope::Node])),
    writing: Writing::No,
};

/// `/etc/hosts`, as text. A `POST` writes it.
pub(super) static HOSTS: Kind = Kind {
    id: "node_hosts",
    prefix: "node-hosts",
    title: "hosts file of node",
    keys: &[Key::new("data", Form::Text), Key::new("digest", Form::Text).volatile()],
    source: Source::Listed(Listed::cluster("hosts", Shape::One).at(&[Scope::Node])),
    writing: Writing::No,
};

/// The time zone, beside the time itself.
pub(super) static TIME: Kind = Kind {
    id: "node_time",
    prefix: "node-time",
    title: "time zone of node",
    keys: &[
        Key::new("localtime", Form::Integer).volatile(),
        Key::new("time", Form::Integer).volatile(),
        Key::new("timezone", Form::Text),
    ],
    source: Source::Listed(
        Listed::cluster("time", Shape::One).at(&[Scope::Node]).adjust(|keys| keys.contains_key("timezone")),
    ),
    writing: Writing::WhereRead { always: &[] },
};

/// The options of a node (`nodes/NODE/config`), without those of its certificate, which are a kind of their own. The
/// answer of a node without this file is empty.
pub(super) static CONFIG: Kind = Kind {
    id: "node_config",
    prefix: "node-config",
    title: "options of node",
    keys: &[
        Key::new("ballooning-target", Form::Integer).default("80"),
        Key::new("description", Form::Text),
        Key::new("digest", Form::Text).volatile(),
        Key::new("location", Form::Properties(None)),
        Key::new("startall-onboot-delay", Form::Integer).default("0"),
        Key::new("wakeonlan", Form::Properties(Some("mac"))),
    ],
    source: Source::Listed(Listed::cluster("config", Shape::One).at(&[Scope::Node]).adjust(|keys| {
        keys.retain(|key, _| key != "acme" && !crate::key_names::matches("acmedomain[n]", key));
        true
    })),
    writing: Writing::WhereRead { always: &[] },
};
