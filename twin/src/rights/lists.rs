//! Lists without the rows and keys that a login may not see. Proxmox refuses no list; it leaves rows or keys out.

use std::collections::BTreeSet;

use proxmox_mpc_model::object::text;
use proxmox_mpc_model::{Answer, Answers, ApiPath, Unreadable, list};
use serde_json::{Value, json};

use super::login_privileges::Bearer;
use super::read_checks::{is_own, volume_seen, word, zone_of};
use crate::call::Refusal;
use crate::state::Row;

/// Privileges at a group that let a login see its users.
const OVER_USERS: &[&str] = &["User.Modify", "Sys.Audit"];
/// Privileges that let a login see a mapping of hardware.
const OVER_MAPPINGS: &[&str] = &["Mapping.Modify", "Mapping.Use", "Mapping.Audit"];
const OVER_NETWORKS: &[&str] = &["SDN.Audit", "SDN.Allocate"];
const OVER_STORAGES: &[&str] = &["Datastore.Audit", "Datastore.AllocateSpace"];
/// The keys of a node that everyone sees.
const OF_A_NODE: &[&str] = &["id", "node", "type", "status", "level", "cgroup-mode", "hastate", "ssl_fingerprint"];

/// Filters an answer: leaves out what the login may not see.
pub(super) fn filter<A: Answers>(
    bearer: &Bearer<'_, A>,
    path: &ApiPath,
    mut answer: Answer,
) -> Result<Answer, Unreadable> {
    if answer.data().is_none() {
        return Ok(answer);
    }
    let owned = path.segments();
    let segments: Vec<&str> = owned.iter().map(String::as_str).collect();
    match segments[..] {
        ["cluster", "options"] => options(bearer, &mut answer)?,
        ["nodes", _, "qemu", vmid, "cloudinit", "dump"]
            if !bearer.any(&format!("/vms/{vmid}"), &["VM.Config.Cloudinit"])? =>
        {
            mask(&mut answer);
        }
        ["nodes", node, "subscription"] => {
            leave(bearer, node, &mut answer, |key| !matches!(key, "status" | "message" | "url"))?;
        }
        ["nodes", node, "vzdump", "defaults"] => leave(bearer, node, &mut answer, |key| {
            matches!(key, "mailto" | "tmpdir" | "dumpdir" | "script" | "ionice")
        })?,
        _ => {}
    }
    if segments == ["cluster", "sdn", "fabrics", "all"] {
        for (part, key) in [("fabrics", "id"), ("nodes", "fabric_id")] {
            if let Some(Value::Array(rows)) = answer.body.pointer_mut(&format!("/data/{part}")) {
                keep(rows, |row| bearer.any(&format!("/sdn/fabrics/{}", word(row, key)), OVER_NETWORKS))?;
            }
        }
        return Ok(answer);
    }
    let Some(Value::Array(rows)) = answer.body.get_mut("data") else { return Ok(answer) };
    let before = rows.len();
    rows_of(bearer, &segments, path, rows)?;
    let after = rows.len();
    if before != after && answer.body.get("total").is_some() {
        answer.body["total"] = json!(after);
    }
    Ok(answer)
}

/// Replaces the password in cloud-init data with stars.
fn mask(answer: &mut Answer) {
    let Some(text) = answer.data().and_then(Value::as_str) else { return };
    let line = |line: &str| if line.starts_with("password: ") { "password: **********\n" } else { line }.to_owned();
    answer.body["data"] = text.split_inclusive('\n').map(line).collect::<String>().into();
}

fn rows_of<A: Answers>(
    bearer: &Bearer<'_, A>,
    segments: &[&str],
    path: &ApiPath,
    rows: &mut Vec<Value>,
) -> Result<(), Unreadable> {
    let at = |top: &'static str, key: &'static str, privileges: &'static [&'static str]| {
        move |row: &Row| bearer.any(&format!("{top}{}", word(row, key)), privileges)
    };
    match segments {
        ["cluster", "resources"] => resources(bearer, rows),
        ["nodes"] => nodes(bearer, rows),
        // One pool is given to everyone who knows its name.
        ["pools"] if !path.query().iter().any(|(key, _)| key == "poolid") => {
            keep(rows, at("/pool/", "poolid", &["Pool.Audit"]))
        }
        ["storage"] | ["nodes", _, "storage"] => keep(rows, at("/storage/", "storage", OVER_STORAGES)),
        ["nodes", _, "storage", _, "content"] => keep(rows, |row| seen(volume_seen(bearer, &word(row, "volid")))),
        ["nodes", _, "qemu" | "lxc"] => keep(rows, at("/vms/", "vmid", &["VM.Audit"])),
        ["cluster", "replication"] | ["nodes", _, "replication"] => keep(rows, at("/vms/", "guest", &["VM.Audit"])),
        ["nodes", _, "network"] => keep(rows, |row| match word(row, "type").as_str() {
            "bridge" | "OVSBridge" => bridge(bearer, &word(row, "iface")),
            _ => Ok(true),
        }),
        ["cluster", "mapping", kind @ ("dir" | "pci" | "usb")] => {
            keep(rows, |row| bearer.any(&format!("/mapping/{kind}/{}", word(row, "id")), OVER_MAPPINGS))
        }
        ["cluster", "tasks"] => tasks(bearer, "/", rows),
        ["nodes", node, "tasks"] => tasks(bearer, &format!("/nodes/{node}"), rows),
        ["cluster", "log"] if !bearer.any("/", &["Sys.Syslog"])? => {
            keep(rows, |row| Ok(word(row, "user") == bearer.login.full()))
        }
        ["access", rest @ ..] => access(bearer, rest, rows),
        ["cluster", "sdn", rest @ ..] => networks(bearer, rest, rows),
        ["nodes", _, "sdn", "zones"] => keep(rows, at("/sdn/zones/", "zone", OVER_NETWORKS)),
        _ => Ok(()),
    }
}

/// Leaves keys out where the login may not audit the node.
fn leave<A: Answers>(
    bearer: &Bearer<'_, A>,
    node: &str,
    answer: &mut Answer,
    hidden: fn(&str) -> bool,
) -> Result<(), Unreadable> {
    if !bearer.any(&format!("/nodes/{node}"), &["Sys.Audit"])?
        && let Some(data) = answer.body.get_mut("data").and_then(Value::as_object_mut)
    {
        data.retain(|key, _| !hidden(key));
    }
    Ok(())
}

/// Keeps the rows of which this is true.
fn keep(rows: &mut Vec<Value>, stays: impl Fn(&Row) -> Result<bool, Unreadable>) -> Result<(), Unreadable> {
    let mut kept = Vec::with_capacity(rows.len());
    for row in rows.drain(..) {
        if row.as_object().map_or(Ok(true), &stays)? {
            kept.push(row);
        }
    }
    *rows = kept;
    Ok(())
}

/// Turns a check into a bool: its message does not matter.
fn seen(check: Result<(), Refusal>) -> Result<bool, Unreadable> {
    match check {
        Ok(()) => Ok(true),
        Err(Refusal::Unreadable(error)) => Err(error),
        Err(_) => Ok(false),
    }
}

/// Users, groups, ACLs and second factors.
fn access<A: Answers>(bearer: &Bearer<'_, A>, rest: &[&str], rows: &mut Vec<Value>) -> Result<(), Unreadable> {
    match rest {
        ["users" | "tfa"] => {
            if bearer.any("/access/groups", OVER_USERS)? {
                return Ok(());
            }
            let members: BTreeSet<String> = bearer.members(&bearer.groups_over(OVER_USERS)?);
            let own = bearer.login.full();
            keep(rows, |row| {
                let user = word(row, "userid");
                Ok(user == own || members.contains(&user))
            })
        }
        ["groups"] => keep(rows, |row| {
            let path = format!("/access/groups/{}", word(row, "groupid"));
            bearer.any(&path, &["User.Modify", "Sys.Audit", "Group.Allocate"])
        }),
        ["acl"] if !bearer.any("/access", &["Sys.Audit"])? => keep(rows, |row| {
            let lacking = bearer.gives(&word(row, "path"));
            match lacking {
                Err(Refusal::Unreadable(error)) => Err(error),
                lacking => Ok(matches!(lacking, Ok(None))),
            }
        }),
        _ => Ok(()),
    }
}

/// Filters the lists of SDN. Networks and their addresses are visible to a login that may see them in their zone.
fn networks<A: Answers>(bearer: &Bearer<'_, A>, rest: &[&str], rows: &mut Vec<Value>) -> Result<(), Unreadable> {
    let (kind, key) = match rest {
        ["zones"] => ("zones", "zone"),
        ["controllers"] => ("controllers", "controller"),
        ["dns"] => ("dns", "dns"),
        ["ipams"] => ("ipams", "ipam"),
        ["fabrics", "fabric"] => ("fabrics", "id"),
        ["fabrics", "node"] => ("fabrics", "fabric_id"),
        ["vnets"] | ["ipams", _, "status"] => {
            return keep(rows, |row| {
                let vnet = word(row, "vnet");
                let zone = match row.get("zone").and_then(text) {
                    Some(zone) => Some(zone),
                    None => zone_of(bearer, &vnet)?,
                };
                bearer.any(&format!("/sdn/zones/{}/{vnet}", zone.unwrap_or_default()), OVER_NETWORKS)
            });
        }
        _ => return Ok(()),
    };
    keep(rows, |row| bearer.any(&format!("/sdn/{kind}/{}", word(row, key)), OVER_NETWORKS))
}

/// Filters nodes: every login sees their names, auditors their state.
fn nodes<A: Answers>(bearer: &Bearer<'_, A>, rows: &mut [Value]) -> Result<(), Unreadable> {
    for row in rows.iter_mut().filter_map(Value::as_object_mut) {
        if !bearer.any(&format!("/nodes/{}", word(row, "node")), &["Sys.Audit"])? {
            row.retain(|key, _| OF_A_NODE.contains(&key.as_str()));
        }
    }
    Ok(())
}

/// The cluster's resources, each kind by its own privilege.
fn resources<A: Answers>(bearer: &Bearer<'_, A>, rows: &mut Vec<Value>) -> Result<(), Unreadable> {
    keep(rows, |row| {
        let at = |top: &str, key: &str, privilege: &str| bearer.any(&format!("{top}/{}", word(row, key)), &[privilege]);
        match word(row, "type").as_str() {
            "pool" => at("/pool", "pool", "Pool.Audit"),
            "qemu" | "lxc" => at("/vms", "vmid", "VM.Audit"),
            "storage" => at("/storage", "storage", "Datastore.Audit"),
            "sdn" => at("/sdn/zones", "sdn", "SDN.Audit"),
            "network" if word(row, "network-type") == "fabric" => at("/sdn/fabrics", "network", "SDN.Audit"),
            "network" => at("/sdn/zones", "network", "SDN.Audit"),
            _ => Ok(true),
        }
    })?;
    for row in rows {
        match row.get("type").and_then(Value::as_str) {
            Some("node") => nodes(bearer, std::slice::from_mut(row))?,
            Some("qemu" | "lxc") => {
                let Some(row) = row.as_object_mut() else { continue };
                let pool = word(row, "pool");
                if !pool.is_empty() && !bearer.any(&format!("/pool/{pool}"), &["Pool.Audit"])? {
                    row.remove("pool");
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Reports whether a login sees a bridge: it may use the bridge, or one of its VLANs (`check_sdn_bridge`).
fn bridge<A: Answers>(bearer: &Bearer<'_, A>, name: &str) -> Result<bool, Unreadable> {
    const OVER_BRIDGES: &[&str] = &["SDN.Audit", "SDN.Use"];
    let path = format!("/sdn/zones/localnetwork/{name}");
    if bearer.any(&path, OVER_BRIDGES)? {
        return Ok(true);
    }
    for vlan in bearer.accounts.paths() {
        if vlan.strip_prefix(&path).is_some_and(|rest| rest.starts_with('/')) && bearer.any(vlan, OVER_BRIDGES)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Filters tasks: a login sees those that it started, and auditors of the node see all.
fn tasks<A: Answers>(bearer: &Bearer<'_, A>, place: &str, rows: &mut Vec<Value>) -> Result<(), Unreadable> {
    if bearer.any(place, &["Sys.Audit"])? {
        return Ok(());
    }
    keep(rows, |row| {
        let user = word(row, "user");
        let full = row.get("tokenid").and_then(text).map_or_else(|| user.clone(), |token| format!("{user}!{token}"));
        Ok(is_own(bearer, &full))
    })
}

/// Filters the options of the datacenter. A login that may not audit it sees what the web interface needs; the tags
/// that are allowed depend on the login.
fn options<A: Answers>(bearer: &Bearer<'_, A>, answer: &mut Answer) -> Result<(), Unreadable> {
    let Some(options) = answer.body.get_mut("data").and_then(Value::as_object_mut) else { return Ok(()) };
    if !bearer.any("/", &["Sys.Modify"])? {
        let access = options.get("user-tag-access");
        let part = |key: &str| access.and_then(|access| access.get(key));
        let policy = part("user-allow").and_then(text).unwrap_or_else(|| "free".to_owned());
        let mut tags: BTreeSet<String> = BTreeSet::new();
        if policy != "none" {
            tags.extend(match part("user-allow-list") {
                Some(Value::Array(tags)) => tags.iter().filter_map(text).collect::<Vec<_>>(),
                Some(tags) => list::items(&text(tags).unwrap_or_default()).map(str::to_owned).collect(),
                None => Vec::new(),
            });
        }
        if matches!(policy.as_str(), "free" | "existing") {
            tags.extend(tags_of_guests(bearer)?);
        }
        for registered in options.get("registered-tags").and_then(Value::as_array).into_iter().flatten() {
            tags.remove(registered.as_str().unwrap_or_default());
        }
        options.insert("allowed-tags".to_owned(), json!(tags));
    }
    if !bearer.any("/", &["Sys.Audit"])? {
        options.retain(|key, _| matches!(key.as_str(), "allowed-tags" | "console" | "tag-style"));
    }
    Ok(())
}

/// The tags of all guests that the login sees.
fn tags_of_guests<A: Answers>(bearer: &Bearer<'_, A>) -> Result<BTreeSet<String>, Unreadable> {
    let mut tags = BTreeSet::new();
    let rows = bearer.answers.indexed(&ApiPath::parse("cluster/resources"), "id")?;
    for row in rows.iter().flat_map(|rows| rows.values()) {
        let Some(tagged) = row.get("tags").and_then(text) else { continue };
        if bearer.any(&format!("/vms/{}", word(row, "vmid")), &["VM.Audit"])? {
            tags.extend(list::items(&tagged).map(str::to_owned));
        }
    }
    Ok(tags)
}
