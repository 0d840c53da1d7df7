//! Containers and their templates (`pve-container`), Proxmox's half.

use super::guest;
use super::key::{Form, Key};
use super::kind::Kind;
use super::source::Source;
use super::write::Writing;
use crate::guest::GuestType;

/// A container or a template of one: `nodes/{node}/lxc/{vmid}/config`.
pub(super) static KIND: Kind = Kind {
    id: "container",
    prefix: "lxc",
    title: "container",
    keys: KEYS,
    source: Source::Own {
        requests: |cluster| guest::requests(cluster, GuestType::Lxc),
        list: |cluster| guest::list(cluster, GuestType::Lxc),
        read: guest::read,
    },
    writing: Writing::Own(guest::write),
};

/// `pve-container`'s configuration (`GET`'s answer and `PUT`'s parameters), and what a snapshot adds. `cpuunits` is
/// the default of cgroup v2; absent `cores` are all of the node's.
const KEYS: &[Key] = &[
    Key::new("arch", Form::Text).default("amd64"),
    Key::new("cmode", Form::Text).default("tty"),
    Key::new("console", Form::Boolean).default("1"),
    Key::new("cores", Form::Integer),
    Key::new("cpulimit", Form::Number).default("0"),
    Key::new("cpuunits", Form::Integer).default("100"),
    Key::new("debug", Form::Boolean).default("0"),
    Key::new("description", Form::Text),
    Key::new("dev[n]", Form::Properties(Some("path"))),
    Key::new("digest", Form::Text).volatile(),
    Key::new("entrypoint", Form::Text).default("/sbin/init"),
    Key::new("env", Form::Text),
    Key::new("features", Form::Properties(None)),
    Key::new("hookscript", Form::Text),
    Key::new("hostname", Form::Text),
    Key::new("lock", Form::Text).volatile(),
    Key::new("lxc", Form::Structure),
    Key::new("memory", Form::Integer).default("512"),
    Key::new("mp[n]", Form::Properties(Some("volume"))),
    Key::new("nameserver", Form::Text),
    Key::new("net[n]", Form::Properties(None)),
    Key::new("onboot", Form::Boolean).default("0"),
    Key::new("ostype", Form::Text),
    Key::new("parent", Form::Text).volatile(),
    Key::new("protection", Form::Boolean).default("0"),
    Key::new("rootfs", Form::Properties(Some("volume"))),
    Key::new("searchdomain", Form::Text),
    Key::new("snapstate", Form::Text).volatile(),
    Key::new("snaptime", Form::Integer).volatile(),
    Key::new("startup", Form::Properties(Some("order"))),
    Key::new("swap", Form::Integer).default("512"),
    Key::new("tags", Form::Set(';')),
    Key::new("template", Form::Boolean).default("0"),
    Key::new("timezone", Form::Text),
    Key::new("tty", Form::Integer).default("2"),
    Key::new("unprivileged", Form::Boolean).default("0"),
    Key::new("unused[n]", Form::Properties(Some("volume"))).volatile(),
];
