//! Bulk actions: all guests of a node (`PVE::API2::Nodes`), or of the cluster (`PVE::API2::Cluster::BulkAction`).
//!
//! As in Proxmox each guest gets a call of its own, with its own task, and the task about all of them tells of it.

use std::collections::BTreeSet;

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::property::Properties;
use proxmox_mpc_model::schema::Verb;
use serde_json::{Map, Value, json};

use super::guest::{Guest, GuestKind, resources};
use super::keys::{is_on, word};
use super::relocate;
use super::stored_configuration::StoredConfiguration;
use super::{migration, power};
use crate::call::{Call, Refusal, Request};
use crate::rights::Checks;
use crate::state::tasks::TaskLog;
use crate::state::{TaskEnd, Transaction};
use crate::writes::checked_call::checked_call;
use crate::writes::method::Write;

/// The methods of this room.
pub(in super::super) static WRITES: &[Write] = &[
    Write { verb: Verb::Post, path: "/nodes/{node}/startall", run: start_all },
    Write { verb: Verb::Post, path: "/nodes/{node}/stopall", run: stop_all },
    Write { verb: Verb::Post, path: "/nodes/{node}/migrateall", run: migrate_all },
    Write { verb: Verb::Post, path: "/cluster/bulk-action/guest/start", run: bulk_start },
    Write { verb: Verb::Post, path: "/cluster/bulk-action/guest/shutdown", run: bulk_shutdown },
    Write { verb: Verb::Post, path: "/cluster/bulk-action/guest/migrate", run: bulk_migrate },
];
/// Time for the shutdown of a guest that gives none, in seconds.
const DEFAULT_DOWN: i64 = 180;

/// Guest of a bulk action, with its status and its start options.
struct BulkGuest {
    guest: Guest,
    running: bool,
    onboot: bool,
    order: i64,
    down: Option<i64>,
}

/// The guests of a bulk action in the order of their start: those of a node, or of all.
fn members(
    transaction: &Transaction,
    call: &Call,
    node: Option<&str>,
    (templates, managed): (bool, bool),
) -> Result<Vec<BulkGuest>, Refusal> {
    let named: BTreeSet<String> = call.list("vms").into_iter().collect();
    let mut members = Vec::new();
    for row in transaction.rows(&resources())? {
        let kind = match word(&row, "type").as_deref() {
            Some("qemu") => GuestKind::VirtualMachine,
            Some("lxc") => GuestKind::Container,
            _ => continue,
        };
        let (own, vmid) = (word(&row, "node").unwrap_or_default(), word(&row, "vmid").unwrap_or_default());
        let guest = Guest { node: own, kind, vmid };
        if node.is_some_and(|node| node != guest.node) || !named.is_empty() && !named.contains(&guest.vmid) {
            continue;
        }
        let keys = StoredConfiguration::read(transaction, &guest)?.keys;
        if !templates && is_on(&keys, "template") || !managed && guest.is_managed(transaction)? {
            continue;
        }
        let startup = Properties::parse(&word(&keys, "startup").unwrap_or_default());
        members.push(BulkGuest {
            running: guest.is_running(transaction)?,
            onboot: is_on(&keys, "onboot"),
            order: startup.get_or_bare("order").and_then(|order| order.parse().ok()).unwrap_or(i64::MAX),
            down: startup.number("down"),
            guest,
        });
    }
    members.sort_by_key(|member| (member.order, member.guest.vmid.parse::<u64>().unwrap_or_default()));
    Ok(members)
}

/// Action that is called for each guest.
#[derive(Clone, Copy)]
enum BulkAction {
    Start,
    ShutDown,
    Migrate,
}

impl BulkAction {
    /// The path of its method below the guest's.
    fn below(self) -> &'static [&'static str] {
        match self {
            Self::Start => &["status", "start"],
            Self::ShutDown => &["status", "shutdown"],
            Self::Migrate => &["migrate"],
        }
    }

    /// Does the work of its method.
    fn run(self, transaction: &mut Transaction, guest: &Guest, call: &Call) -> Result<Value, Refusal> {
        match (self, guest.kind) {
            (Self::Start, _) => power::start(transaction, call),
            (Self::ShutDown, _) => power::shut_down(transaction, call),
            (Self::Migrate, GuestKind::VirtualMachine) => migration::migrate_machine(transaction, call),
            (Self::Migrate, GuestKind::Container) => migration::migrate_container(transaction, call),
        }
    }
}

/// Calls a method of one guest with the login of the bulk action, and returns the end of its task.
fn each(
    transaction: &mut Transaction,
    call: &Call,
    guest: &Guest,
    action: BulkAction,
    parameters: &Value,
) -> Result<TaskEnd, Refusal> {
    let parameters = parameters.as_object().cloned().unwrap_or_else(Map::new);
    let request = Request {
        verb: Verb::Post,
        path: guest.path(action.below()),
        parameters,
        uploaded: None,
        login: call.login.clone(),
        now: transaction.now(),
        duration: call.duration,
    };
    let done = checked_call(transaction, request, Checks::All).and_then(|call| action.run(transaction, guest, &call));
    match done {
        Ok(upid) => {
            let end = upid.as_str().and_then(|upid| transaction.end_of_task(upid));
            Ok(end.unwrap_or_else(|| TaskEnd::Failed(String::new())))
        }
        Err(unreadable @ Refusal::Unreadable(_)) => Err(unreadable),
        Err(refusal) => Ok(TaskEnd::Failed(refusal.text())),
    }
}

/// The task of the bulk action itself: its log and its end.
fn report(
    transaction: &mut Transaction,
    call: &Call,
    kind: &str,
    lines: TaskLog,
    failure: Option<String>,
) -> Result<Value, Refusal> {
    let node = if call.node().is_empty() { transaction.local_node()? } else { call.node() };
    transaction.task(call, &node, kind, "", |_, log| {
        log.extend(lines);
        failure.map_or(Ok(()), |failure| Err(Refusal::failed(failure)))
    })
}

/// `POST startall`: starts the guests that start with their node; with `force` all of them.
fn start_all(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let mut lines = TaskLog::new();
    let named = !call.list("vms").is_empty();
    let members = members(transaction, call, Some(&call.node()), (false, named))?;
    for member in members.into_iter().filter(|member| (member.onboot || call.flag("force")) && !member.running) {
        lines.push(format!("Starting {}", member.guest.title()));
        let end = each(transaction, call, &member.guest, BulkAction::Start, &json!({}))?;
        if end != TaskEnd::Ok {
            lines.push(format!("Starting {} failed: {end}", member.guest.title()));
        }
    }
    report(transaction, call, "startall", lines, None)
}

/// `POST stopall`: shuts guests down, in the reverse order of their start.
fn stop_all(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let mut lines = TaskLog::new();
    let named = !call.list("vms").is_empty();
    let members = members(transaction, call, Some(&call.node()), (false, named))?;
    for member in members.into_iter().rev().filter(|member| member.running) {
        let timeout = member.down.or(call.number("timeout")).unwrap_or(DEFAULT_DOWN);
        lines.push(format!("Stopping {} (timeout = {timeout} seconds)", member.guest.title()));
        each(transaction, call, &member.guest, BulkAction::ShutDown, &down(call, timeout))?;
    }
    report(transaction, call, "stopall", lines, None)
}

fn down(call: &Call, timeout: i64) -> Value {
    let force = call.text("force-stop").is_none_or(|force| force == "1");
    json!({ "timeout": timeout.max(0), "forceStop": u8::from(force) })
}

/// `POST migrateall`: migrates the guests of a node to another one, those that can be migrated.
fn migrate_all(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (node, target) = (call.node(), call.required("target")?);
    if target == node {
        return Err(Refusal::parameter("target", "target is local node."));
    }
    relocate::known_node(transaction, &target)?;
    let options = transaction.object(&ApiPath::parse("cluster/options"))?;
    if call.number("max-workers").or(call.number("maxworkers")).is_none() && !options.contains_key("max_workers") {
        let why = "either 'max-workers' parameter or max_workers in datacenter.cfg must be set!";
        return Err(Refusal::failed(why));
    }
    let members = members(transaction, call, Some(&node), (true, true))?;
    if members.is_empty() {
        let lines = vec!["no virtual guests matched, nothing to do..".to_owned()];
        return report(transaction, call, "migrateall", lines, None);
    }
    let (mut lines, mut started) = (TaskLog::new(), 0);
    for member in members {
        let guest = &member.guest;
        if guest.kind == GuestKind::VirtualMachine {
            let hindered = hindrances(transaction, call, &member, &target)?;
            if !hindered.is_empty() {
                lines.push(format!("Check VM {}: skip VM {} - precondition check failed:", guest.vmid, guest.vmid));
                lines.extend(hindered.into_iter().map(|why| format!("  {why}")));
                continue;
            }
            lines.push(format!("Check VM {}: precondition check passed", guest.vmid));
        }
        lines.push(format!("Migrating {}", guest.title()));
        let how = if guest.kind == GuestKind::VirtualMachine { "online" } else { "restart" };
        let mut parameters = json!({ "target": target, how: u8::from(member.running) });
        if let Some(disks) = call.text("with-local-disks").filter(|_| guest.kind == GuestKind::VirtualMachine) {
            parameters["with-local-disks"] = json!(disks);
        }
        each(transaction, call, guest, BulkAction::Migrate, &parameters)?;
        started += 1;
    }
    if started == 0 {
        return report(transaction, call, "migrateall", lines, Some("no migrations worker started...".to_owned()));
    }
    lines.push(format!("All jobs finished, used {started} workers in total."));
    report(transaction, call, "migrateall", lines, None)
}

/// Reasons why a virtual machine cannot migrate with the others.
fn hindrances(
    transaction: &Transaction,
    call: &Call,
    member: &BulkGuest,
    target: &str,
) -> Result<Vec<String>, Refusal> {
    let preconditions: Value = transaction.object(&member.guest.path(&["migrate"]))?.into();
    let words = |value: &Value, key: &str| -> Vec<String> {
        let items = value.as_array().into_iter().flatten();
        let word = |item: &Value| if key.is_empty() { item.clone() } else { item[key].clone() };
        items.filter_map(|item| word(item).as_str().map(str::to_owned)).collect()
    };
    let there = &preconditions["not_allowed_nodes"][target];
    let mut found = vec![
        ("local resources", words(&preconditions["local_resources"], "")),
        ("unavailable storages", words(&there["unavailable_storages"], "")),
        ("unavailable resources", words(&there["unavailable-resources"], "")),
    ];
    if member.running && !call.flag("with-local-disks") {
        found.insert(0, ("local disks", words(&preconditions["local_disks"], "volid")));
    }
    let found = found.into_iter().filter(|(_, words)| !words.is_empty());
    Ok(found.map(|(what, words)| format!("Has {what}: {}", words.join(", "))).collect())
}

/// The first line of a bulk action.
fn announced(call: &Call, what: &str, where_to: &str) -> String {
    let named = call.list("vms");
    if named.is_empty() {
        return format!("{what} all guests{where_to}");
    }
    format!("{what} guests{where_to}: {}", named.join(", "))
}

/// Runs a bulk action: each guest is skipped with a reason, or its method is called; the guests that failed are named
/// at the end.
fn bulk(
    transaction: &mut Transaction,
    call: &Call,
    (members, kind, verb): (Vec<BulkGuest>, &str, &str),
    (mut lines, action): (TaskLog, BulkAction),
    ask: impl Fn(&BulkGuest) -> Result<(String, Value), String>,
) -> Result<Value, Refusal> {
    let mut failed = Vec::new();
    for member in members {
        match ask(&member) {
            Err(skipped) => lines.push(skipped),
            Ok((line, parameters)) => {
                lines.push(line);
                let end = each(transaction, call, &member.guest, action, &parameters)?;
                if end != TaskEnd::Ok {
                    lines.push(format!("{verb} {} failed: {end}", member.guest.title()));
                    failed.push(member.guest.vmid);
                }
            }
        }
    }
    let failure = (!failed.is_empty()).then(|| {
        let what = kind.trim_start_matches("bulk-");
        let colon = if what == "start" { ":" } else { "" };
        format!("Some guests failed to {what}{colon} {}", failed.join(", "))
    });
    report(transaction, call, kind, lines, failure)
}

/// `POST bulk-action/guest/start`.
fn bulk_start(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let members = members(transaction, call, None, (false, !call.list("vms").is_empty()))?;
    let lines = vec![announced(call, "Starting", "")];
    bulk(transaction, call, (members, "bulk-start", "Starting"), (lines, BulkAction::Start), |member| {
        let title = member.guest.title();
        if member.running {
            return Err(format!("Skipping {title}, already running."));
        }
        Ok((format!("Starting {title}"), json!({})))
    })
}

/// `POST bulk-action/guest/shutdown`.
fn bulk_shutdown(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let mut members = members(transaction, call, None, (false, !call.list("vms").is_empty()))?;
    members.sort_by_key(|member| std::cmp::Reverse(member.order));
    let lines = vec![announced(call, "Shutting down", "")];
    bulk(transaction, call, (members, "bulk-shutdown", "Stopping"), (lines, BulkAction::ShutDown), |member| {
        let title = member.guest.title();
        if !member.running {
            return Err(format!("Skipping {title}, not running."));
        }
        let timeout = member.down.or(call.number("timeout")).unwrap_or(DEFAULT_DOWN);
        Ok((format!("Shutting down {title} (Timeout = {timeout} seconds)"), down(call, timeout)))
    })
}

/// `POST bulk-action/guest/migrate`.
fn bulk_migrate(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let target = call.required("target")?;
    let members = members(transaction, call, None, (true, true))?;
    let lines = vec![announced(call, "Migrating", &format!(" to {target}"))];
    bulk(transaction, call, (members, "bulk-migrate", "Migrating"), (lines, BulkAction::Migrate), |member| {
        let (title, node) = (member.guest.title(), &member.guest.node);
        if *node == target {
            return Err(format!("{title} already on {node}, skipping."));
        }
        let mut parameters = json!({ "target": target });
        let how = if member.guest.kind == GuestKind::VirtualMachine { "online" } else { "restart" };
        if let Some(online) = call.text("online") {
            parameters[how] = json!(online);
        }
        if let Some(disks) = call.text("with-local-disks").filter(|_| member.guest.kind == GuestKind::VirtualMachine) {
            parameters["with-local-disks"] = json!(disks);
        }
        Ok((format!("Migrating {title}"), parameters))
    })
}
