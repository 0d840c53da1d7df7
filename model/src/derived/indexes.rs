//! Derived indexes below the paths of guests, the same for every guest, and Proxmox's refusals where there is nothing.

use serde_json::{Value, json};

use super::deriver::{Derivation, Deriver};
use crate::object::text;
use crate::{Answer, Answers, ApiPath};

/// The path of an index below a guest (`{type}/…`), the key of its rows and their values (recorded).
const INDEXES: &[(&str, &str, &str)] = &[
    (
        "qemu",
        "subdir",
        "config cloudinit pending status unlink vncproxy termproxy migrate resize move rrd rrddata monitor agent snapshot \
         spiceproxy sendkey firewall mtunnel remote_migrate",
    ),
    ("qemu/status", "subdir", "current start stop reset shutdown suspend reboot"),
    (
        "qemu/agent",
        "name",
        "exec exec-status file-read file-write fsfreeze-freeze fsfreeze-status fsfreeze-thaw fstrim get-fsinfo \
         get-host-name get-memory-block-info get-memory-blocks get-osinfo get-time get-timezone get-users get-vcpus info \
         network-get-interfaces ping set-user-password shutdown suspend-disk suspend-hybrid suspend-ram",
    ),
    ("qemu/firewall", "name", "rules aliases ipset refs options"),
    ("qemu/snapshot/{}", "cmd", "rollback config"),
    (
        "lxc",
        "subdir",
        "config pending status vncproxy termproxy vncwebsocket spiceproxy migrate clone rrd rrddata firewall snapshot resize \
         interfaces",
    ),
    ("lxc/status", "subdir", "current start stop shutdown reboot migrate"),
    ("lxc/firewall", "name", "rules aliases ipset refs options"),
    ("lxc/snapshot/{}", "cmd", "rollback config"),
];

/// An index below a guest, the log of a firewall that has logged nothing, or the refusal of a snapshot that does not
/// exist.
pub(super) fn derive<A: Answers>(deriver: &Deriver<A>, segments: &[&str], _query: &[(String, String)]) -> Derivation {
    let ["nodes", node, kind @ ("qemu" | "lxc"), vmid, rest @ ..] = segments else { return Ok(None) };
    if let ["firewall", "log"] = rest {
        let mut answer = Answer::ok(json!([{ "n": 1, "t": "unable to open file - No such file or directory" }]));
        answer.body["total"] = json!(1);
        return Ok(Some(answer));
    }
    if let ["snapshot", name, "config"] = rest {
        let list = ApiPath::new(["nodes", node, kind, vmid, "snapshot"]);
        let Some(Value::Array(rows)) = deriver.data(&list)? else { return Ok(None) };
        let known = rows.iter().any(|row| row.get("name").and_then(text).as_deref() == Some(*name));
        let missing = || Answer::refusal(500, &format!("snapshot '{name}' does not exist"));
        return Ok((*name == "current" || !known).then(missing));
    }
    let named = match rest {
        ["snapshot", _] => format!("{kind}/snapshot/{{}}"),
        _ => std::iter::once(kind).chain(rest).copied().collect::<Vec<_>>().join("/"),
    };
    let index = INDEXES.iter().find(|(path, ..)| *path == named);
    Ok(index.map(|(_, key, values)| {
        Answer::ok(values.split_whitespace().map(|value| json!({ *key: value })).collect::<Vec<_>>().into())
    }))
}
