//! Checks that writing methods do themselves, once their parameters are known to be right.

use proxmox_mpc_model::schema::Verb;
use proxmox_mpc_model::{Answers, list};

use super::expression::{denied, normalized};
use super::login_privileges::Bearer;
use super::read_checks::{guest_of, kind_of, on_storage, task, zone_of};
use crate::call::{Call, Refusal};

/// Does the checks of a write.
pub(super) fn check<A: Answers>(bearer: &Bearer<'_, A>, call: &Call) -> Result<(), Refusal> {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    match (call.method.verb, &segments[..]) {
        (Verb::Post, ["nodes", _, "qemu" | "lxc"]) => creates(bearer, call),
        (Verb::Post, ["nodes", _, all @ ("startall" | "stopall" | "suspendall" | "migrateall")]) => {
            on_many(bearer, call, all)
        }
        (Verb::Post, ["nodes", _, "vzdump"]) | (Verb::Post | Verb::Put, ["cluster", "backup", ..]) => {
            backs_up(bearer, call)
        }
        (Verb::Put, ["pools", ..]) => moves(bearer, call),
        (Verb::Put, ["access", "acl"]) => gives(bearer, call),
        (Verb::Delete, ["nodes", node, "tasks", upid]) => task(bearer, node, upid, "Sys.Modify"),
        (_, ["cluster", "sdn", "vnets", vnet, rest @ ..]) => {
            let Some(zone) = zone_of(bearer, vnet)? else { return Ok(()) };
            bearer.require_all(&format!("/sdn/zones/{zone}/{vnet}"), &["SDN.Allocate"])?;
            let moved = call.text("zone").filter(|_| rest.is_empty());
            moved.map_or(Ok(()), |zone| bearer.require_all(&format!("/sdn/zones/{zone}/{vnet}"), &["SDN.Allocate"]))
        }
        (_, ["cluster", "replication", ..]) => {
            let job = call.text("id").unwrap_or_default();
            bearer.require_all(&format!("/vms/{}", guest_of(&job)), &["VM.Replicate"])
        }
        (_, ["nodes", _, "storage", storage, "content", volume]) => removes(bearer, storage, volume),
        _ => Ok(()),
    }
}

/// Refuses a new guest to a login that may not allocate it, by itself or in its pool.
fn creates<A: Answers>(bearer: &Bearer<'_, A>, call: &Call) -> Result<(), Refusal> {
    if let Some(storage) = call.text("storage") {
        bearer.require_all(&format!("/storage/{storage}"), &["Datastore.AllocateSpace"])?;
    }
    let vmid = call.text("vmid").unwrap_or_default();
    let mut allowed = bearer.any(&format!("/vms/{vmid}"), &["VM.Allocate"])?;
    if let Some(pool) = call.text("pool") {
        allowed = allowed || bearer.any(&format!("/pool/{pool}"), &["VM.Allocate"])?;
    }
    let restores = call.flag("force") && (call.text("archive").is_some() || call.flag("restore"));
    if allowed || restores && bearer.any(&format!("/vms/{vmid}"), &["VM.Backup"])? { Ok(()) } else { Err(denied("")) }
}

/// Checks an action on all guests of a node, or on those that are named.
fn on_many<A: Answers>(bearer: &Bearer<'_, A>, call: &Call, what: &str) -> Result<(), Refusal> {
    let (privileges, needed): (&[&str], &str) = match what {
        "suspendall" => (&["VM.PowerMgmt", "VM.Config.Disk"], "VM.PowerMgmt && VM.Config.Disk"),
        "migrateall" => (&["VM.Migrate"], "VM.Migrate"),
        _ => (&["VM.PowerMgmt"], "VM.PowerMgmt"),
    };
    let held = bearer.privileges("/")?;
    if privileges.iter().all(|privilege| held.contains_key(*privilege)) {
        return Ok(());
    }
    let guests = call.list("vms");
    if guests.is_empty() {
        return Err(denied(&format!("/, {needed}")));
    }
    guests.iter().try_for_each(|vmid| bearer.require_all(&format!("/vms/{vmid}"), &privileges[..1]))
}

/// Checks a backup, now or by a job (`assert_param_permission_common`).
fn backs_up<A: Answers>(bearer: &Bearer<'_, A>, call: &Call) -> Result<(), Refusal> {
    for name in ["tmpdir", "dumpdir", "script", "job-id"] {
        if call.text(name).is_some() {
            return Err(Refusal::parameter(name, "Only root may set this option."));
        }
    }
    if ["bwlimit", "ionice", "performance"].iter().any(|name| call.text(name).is_some()) {
        bearer.require_all("/", &["Sys.Modify"])?;
    }
    let job = call.segments.first().is_some_and(|first| first == "cluster");
    if let Some(storage) = call.text("storage") {
        let privilege = if job { "Datastore.Allocate" } else { "Datastore.AllocateSpace" };
        bearer.require_all(&format!("/storage/{storage}"), &[privilege])?;
    }
    match call.text("pool").filter(|_| job) {
        Some(pool) => bearer.require_all(&format!("/pool/{pool}"), &["VM.Backup"]),
        None => Ok(()),
    }
}

/// Refuses to put guests and storages into a pool, or take them out, to a login that may not give rights to them.
fn moves<A: Answers>(bearer: &Bearer<'_, A>, call: &Call) -> Result<(), Refusal> {
    let guests = call.list("vms").into_iter().map(|vmid| format!("/vms/{vmid}"));
    let storages = call.list("storage").into_iter().map(|storage| format!("/storage/{storage}"));
    for path in guests.chain(storages) {
        if let Some(lacking) = bearer.gives(&path)? {
            return Err(denied(&lacking));
        }
    }
    Ok(())
}

/// Refuses to give privileges that the login does not have itself, where it has no `Permissions.Modify` at the path.
fn gives<A: Answers>(bearer: &Bearer<'_, A>, call: &Call) -> Result<(), Refusal> {
    let Some(path) = normalized(&call.text("path").unwrap_or_default()) else { return Ok(()) };
    let held = bearer.privileges(&path)?;
    if held.contains_key("Permissions.Modify") {
        return Ok(());
    }
    let takes = call.flag("delete");
    let (verb, propagates) =
        (if takes { "remove" } else { "add" }, call.text("propagate").is_none_or(|propagate| propagate != "0"));
    for role in list::items(&call.list("roles").join(",")) {
        let refused = |why: &str| Err(Refusal::parameter("role", format!("Cannot {verb} role '{role}' {why}")));
        let privileges = bearer.accounts.roles.get(role).into_iter().flatten();
        for privilege in privileges {
            match held.get(privilege) {
                None => return refused("- requires 'Permissions.Modify' or superset of privileges."),
                Some(false) if propagates && !takes => {
                    return refused(
                        "with propagation - requires 'Permissions.Modify' or propagated superset of privileges.",
                    );
                }
                Some(_) => {}
            }
        }
        if role == "NoAccess" {
            return refused("- requires 'Permissions.Modify'");
        }
    }
    Ok(())
}

/// Refuses to remove a volume: a backup to a login without space on the storage and `VM.Backup` of its guest, others to
/// one that may not allocate on the storage.
fn removes<A: Answers>(bearer: &Bearer<'_, A>, storage: &str, volume: &str) -> Result<(), Refusal> {
    let name = volume.split_once(':').map_or(volume, |(_, name)| name);
    let path = format!("/storage/{storage}");
    if let ("backup", Some(owner)) = kind_of(name) {
        bearer.require_any(&path, &["Datastore.Allocate", "Datastore.AllocateSpace"])?;
        if bearer.any(&path, &["Datastore.Allocate"])? {
            return Ok(());
        }
        return bearer.require_all(&format!("/vms/{owner}"), &["VM.Backup"]);
    }
    on_storage(bearer, storage, volume)?;
    bearer.require_all(&path, &["Datastore.Allocate"])
}
