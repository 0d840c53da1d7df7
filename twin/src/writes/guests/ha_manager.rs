//! The manager of HA: guests that it starts, stops and moves.
//!
//! Proxmox's manager looks around every ten seconds; a write tells it what is wanted, and nothing has happened yet when
//! the write is answered. So does the twin's, which acts on what has changed since: what a recording says of a guest
//! that was managed already stays as it was recorded.

use std::collections::BTreeSet;

use proxmox_mpc_model::schema::Verb;
use proxmox_mpc_model::{ApiPath, list};
use serde_json::{Map, Value, json};

use super::guest::{Guest, GuestKind};
use super::ha_requests;
use super::keys::{is_on, word};
use super::migration::{Mode, Plan};
use super::{migration, power, replication};
use crate::call::{Call, Refusal};
use crate::state::{Row, Transaction};
use crate::writes::method::Write;
use crate::writes::schedule;

/// The methods of the manager.
pub(in super::super) static WRITES: &[Write] = &[
    Write { verb: Verb::Post, path: "/cluster/ha/resources/{sid}/migrate", run: request },
    Write { verb: Verb::Post, path: "/cluster/ha/resources/{sid}/relocate", run: request },
];
/// `POST migrate` and `POST relocate` of a resource.
fn request(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let sid = ha_requests::sid(transaction, &call.required("sid")?)?;
    let node = call.required("node")?;
    if resource(transaction, &sid)?.is_none() {
        return Err(Refusal::failed(format!("resource '{sid}' is not HA managed")));
    }
    let relocate = call.segments.last().is_some_and(|last| last == "relocate");
    ha_requests::ask_to_migrate(transaction, &sid, &node, relocate);
    let mut answer = Map::from_iter([("sid".to_owned(), json!(sid)), ("requested-node".to_owned(), json!(node))]);
    let together = kept_with(transaction, &sid, "positive")?;
    if !together.is_empty() {
        answer.insert("comigrated-resources".to_owned(), json!(together));
    }
    let blocking = blocking(transaction, &sid, &node)?;
    if !blocking.is_empty() {
        let rows = blocking.iter().map(|sid| json!({ "sid": sid, "cause": "resource-affinity" }));
        answer.insert("blocking-resources".to_owned(), rows.collect());
    }
    Ok(answer.into())
}

/// A managed resource: one whose state is `ignored` is not.
fn resource(transaction: &Transaction, sid: &str) -> Result<Option<Row>, Refusal> {
    let row = transaction.row(&ApiPath::parse("cluster/ha/resources"), "sid", sid)?;
    Ok(row.filter(|row| word(row, "state").as_deref() != Some("ignored")))
}

/// The managed resources that rules in force keep on the same node as one, or apart from it.
fn kept_with(transaction: &Transaction, sid: &str, affinity: &str) -> Result<BTreeSet<String>, Refusal> {
    let mut others = BTreeSet::new();
    for rule in transaction.rows(&ApiPath::parse("cluster/ha/rules"))? {
        if is_on(&rule, "disable") || word(&rule, "affinity").as_deref() != Some(affinity) {
            continue;
        }
        let named = word(&rule, "resources").unwrap_or_default();
        let resources: BTreeSet<String> = list::items(&named).map(str::to_owned).collect();
        if resources.contains(sid) {
            others.extend(resources.into_iter().filter(|other| other != sid));
        }
    }
    let mut managed = BTreeSet::new();
    for other in others {
        if resource(transaction, &other)?.is_some() {
            managed.insert(other);
        }
    }
    Ok(managed)
}

/// The resources that may not be on the same node as one, and are on this one.
fn blocking(transaction: &Transaction, sid: &str, node: &str) -> Result<Vec<String>, Refusal> {
    let mut blocking = Vec::new();
    for other in kept_with(transaction, sid, "negative")? {
        if guest(transaction, &other)?.is_some_and(|guest| guest.node == node) {
            blocking.push(other);
        }
    }
    Ok(blocking)
}

/// The guest of a resource.
fn guest(transaction: &Transaction, sid: &str) -> Result<Option<Guest>, Refusal> {
    replication::located(transaction, sid.split_once(':').map_or(sid, |(_, vmid)| vmid))
}

/// Work of the manager for a resource: it starts or stops the guest, as is wanted.
pub(in crate::writes) fn manage(transaction: &mut Transaction, sid: &str) -> Result<(), Refusal> {
    let (Some(row), Some(guest)) = (resource(transaction, sid)?, guest(transaction, sid)?) else { return Ok(()) };
    let wanted = word(&row, "state").is_none_or(|state| matches!(state.as_str(), "started" | "enabled"));
    match (wanted, guest.is_running(transaction)?) {
        (true, false) => drop(power::start_by(transaction, (&schedule::itself(), 0), &guest, false)?),
        (false, true) => drop(power::end_by(transaction, (&schedule::itself(), 0), &guest, ("shutdown", false))?),
        _ => {}
    }
    note(transaction, sid, &guest.node, if wanted { "started" } else { "stopped" })
}

/// Writes the state of a service into the manager's status, where a recording has one.
fn note(transaction: &mut Transaction, sid: &str, node: &str, state: &str) -> Result<(), Refusal> {
    let path = ApiPath::parse("cluster/ha/status/manager_status");
    let mut status = transaction.object(&path)?;
    if let Some(manager) = status.get_mut("manager_status").filter(|manager| manager.is_object()) {
        let service = &mut manager["service_status"][sid];
        // A service keeps its identity.
        let uid = service.get("uid").cloned().unwrap_or_else(|| transaction.made_up_digits(11).into());
        *service = json!({ "node": node, "state": state, "uid": uid });
        if state == "started" {
            service["running"] = 1.into();
        }
        transaction.set(&path, status);
    }
    Ok(())
}

/// Work of the manager for a move: the resource goes, and those that are kept together with it; it does not go to the
/// node of one that it is kept apart from.
pub(in crate::writes) fn move_to(
    transaction: &mut Transaction,
    sid: &str,
    node: &str,
    relocate: bool,
) -> Result<(), Refusal> {
    if resource(transaction, sid)?.is_none() || !blocking(transaction, sid, node)?.is_empty() {
        return Ok(());
    }
    let together = kept_with(transaction, sid, "positive")?;
    for sid in std::iter::once(sid.to_owned()).chain(together) {
        let Some(guest) = guest(transaction, &sid)?.filter(|guest| guest.node != node) else { continue };
        go(transaction, &guest, node, relocate)?;
        manage(transaction, &sid)?;
    }
    Ok(())
}

/// Moves a guest. A virtual machine goes on running unless it is relocated; a container is always stopped for it.
fn go(transaction: &mut Transaction, guest: &Guest, node: &str, relocate: bool) -> Result<(), Refusal> {
    let by = schedule::itself();
    let running = guest.is_running(transaction)?;
    if running && relocate && guest.kind == GuestKind::VirtualMachine {
        power::end_by(transaction, (&by, 0), guest, ("shutdown", false))?;
    }
    let mode = match (running, relocate, guest.kind) {
        (false, ..) | (true, true, GuestKind::VirtualMachine) => Mode::Offline,
        (true, false, GuestKind::VirtualMachine) => Mode::Online,
        (true, _, GuestKind::Container) => Mode::Restart,
    };
    let plan = Plan { mode, local_disks: true, force: true, ..Plan::default() };
    migration::run(transaction, (&by, 0), guest, node, &plan).map(drop)
}
