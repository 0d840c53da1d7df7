//! Starts and stops of guests.

use proxmox_mpc_model::ApiPath;
use serde_json::{Value, json};

use super::guest::{Guest, GuestKind, resources, unlocked};
use super::ha_requests;
use super::keys::{is_on, word};
use super::stored_configuration::StoredConfiguration;
use super::{cloud_init, containers, paused, startable};
use crate::call::{Call, Login, Refusal};
use crate::state::Transaction;

/// Options of a start or a stop that are for root alone.
const ROOTS: [&str; 10] = [
    "stateuri",
    "skiplock",
    "keepActive",
    "migratedfrom",
    "migration_type",
    "migration_network",
    "targetstorage",
    "force-cpu",
    "with-conntrack-state",
    "nets-host-mtu",
];

/// Refuses options that are for root alone.
pub(super) fn root_only(call: &Call, names: &[&str]) -> Result<(), Refusal> {
    let set = |name: &&&str| call.text(name).is_some_and(|value| !value.is_empty() && value != "0");
    match names.iter().find(set).filter(|_| !call.login.is_root()) {
        Some(name) => Err(Refusal::parameter(name, "Only root may use this option.")),
        None => Ok(()),
    }
}

/// `POST status/start`: a task of the guest, or of HA where that manages it.
pub(super) fn start(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let guest = Guest::of(call);
    root_only(call, &ROOTS)?;
    if guest.is_managed(transaction)? {
        return ask_ha(transaction, call, &guest, "start");
    }
    if guest.kind == GuestKind::Container {
        let stored = StoredConfiguration::read(transaction, &guest)?;
        if guest.is_running(transaction)? {
            return Err(Refusal::failed(format!("{} already running", guest.title())));
        }
        unlocked(&guest, &stored.keys)?;
    }
    start_by(transaction, (&call.login, call.duration), &guest, call.flag("skiplock"))
}

/// The task that starts a guest with a login, and is shown as running for so many seconds.
pub(super) fn start_by(
    transaction: &mut Transaction,
    by: (&Login, i64),
    guest: &Guest,
    skip_lock: bool,
) -> Result<Value, Refusal> {
    transaction.task_by(by, (&guest.node, &guest.task("start"), &guest.vmid), |transaction, _| {
        let mut stored = StoredConfiguration::read(transaction, guest)?;
        let kind = if guest.kind == GuestKind::VirtualMachine { "vm" } else { "CT" };
        if is_on(&stored.keys, "template") {
            return Err(Refusal::failed(format!("you can't start a {kind} if it's a template")));
        }
        if !skip_lock {
            unlocked(guest, &stored.keys)?;
        }
        if guest.is_running(transaction)? {
            return Err(Refusal::failed(format!("{} already running", guest.title())));
        }
        settle(transaction, guest, &mut stored)?;
        stored.write(transaction, guest)?;
        if guest.kind == GuestKind::VirtualMachine {
            cloud_init::written(transaction, guest);
        }
        startable::check(transaction, guest)?;
        run(transaction, guest, true)
    })
}

/// `POST status/stop`.
pub(super) fn stop(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    end(transaction, call, "stop")
}

/// `POST status/shutdown`: the twin's guests shut down at once.
pub(super) fn shut_down(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    end(transaction, call, "shutdown")
}

fn end(transaction: &mut Transaction, call: &Call, what: &str) -> Result<Value, Refusal> {
    let guest = Guest::of(call);
    root_only(call, &ROOTS)?;
    if guest.kind == GuestKind::Container {
        running(transaction, &guest)?;
    }
    if what == "shutdown" && !call.flag("forceStop") && paused::is_paused(transaction, &guest) {
        return Err(Refusal::failed("VM is paused - cannot shutdown"));
    }
    if guest.is_managed(transaction)? {
        return ask_ha(transaction, call, &guest, "stop");
    }
    end_by(transaction, (&call.login, call.duration), &guest, (what, call.flag("skiplock")))
}

/// The task that stops a guest with a login.
pub(super) fn end_by(
    transaction: &mut Transaction,
    by: (&Login, i64),
    guest: &Guest,
    (what, skip_lock): (&str, bool),
) -> Result<Value, Refusal> {
    transaction.task_by(by, (&guest.node, &guest.task(what), &guest.vmid), |transaction, _| {
        if !skip_lock {
            unlocked(guest, &StoredConfiguration::read(transaction, guest)?.keys)?;
        }
        if !guest.is_running(transaction)? {
            return match what {
                "stop" => Ok(()),
                _ => Err(Refusal::failed(format!("{} not running", guest.title()))),
            };
        }
        halt(transaction, guest)
    })
}

/// Starts a guest that can start.
pub(super) fn begin(transaction: &mut Transaction, guest: &Guest) -> Result<(), Refusal> {
    startable::check(transaction, guest)?;
    run(transaction, guest, true)
}

/// Turns a running guest off.
pub(super) fn halt(transaction: &mut Transaction, guest: &Guest) -> Result<(), Refusal> {
    let mut stored = StoredConfiguration::read(transaction, guest)?;
    run(transaction, guest, false)?;
    if guest.kind == GuestKind::VirtualMachine {
        stored.settle();
    }
    stored.write(transaction, guest)
}

/// `POST status/reboot`: brings pending changes into force.
pub(super) fn reboot(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let guest = Guest::of(call);
    if paused::is_paused(transaction, &guest) {
        return Err(Refusal::failed("VM is paused - cannot shutdown"));
    }
    running(transaction, &guest)?;
    let node = guest.node.clone();
    transaction.task(call, &node, &guest.task("reboot"), &guest.vmid, |transaction, _| {
        let mut stored = StoredConfiguration::read(transaction, &guest)?;
        unlocked(&guest, &stored.keys)?;
        settle(transaction, &guest, &mut stored)?;
        stored.write(transaction, &guest)
    })
}

/// Brings pending changes into force, as at a start.
fn settle(transaction: &mut Transaction, guest: &Guest, stored: &mut StoredConfiguration) -> Result<(), Refusal> {
    match guest.kind {
        GuestKind::VirtualMachine => stored.settle(),
        GuestKind::Container => containers::settle(transaction, guest, stored)?,
    }
    Ok(())
}

/// Refuses a guest that does not run.
pub(super) fn running(transaction: &Transaction, guest: &Guest) -> Result<(), Refusal> {
    if guest.is_running(transaction)? {
        return Ok(());
    }
    Err(Refusal::failed(format!("{} not running", guest.title())))
}

/// The task that asks HA for another state, which HA brings about later.
fn ask_ha(transaction: &mut Transaction, call: &Call, guest: &Guest, what: &str) -> Result<Value, Refusal> {
    let node = guest.node.clone();
    transaction.task(call, &node, &format!("ha{what}"), &guest.vmid, |transaction, log| {
        log.push(format!("Requesting HA {what} for {}", guest.title()));
        let resources = ApiPath::parse("cluster/ha/resources");
        let sid = guest.service();
        let mut rows = transaction.rows(&resources)?;
        let state = if what == "start" { "started" } else { "stopped" };
        for row in rows.iter_mut().filter(|row| word(row, "sid").as_ref() == Some(&sid)) {
            row.insert("state".to_owned(), json!(state));
        }
        transaction.set_rows(&resources, rows);
        ha_requests::wake(transaction, &sid);
        Ok(())
    })
}

/// Notes whether a guest runs.
pub(super) fn run(transaction: &mut Transaction, guest: &Guest, runs: bool) -> Result<(), Refusal> {
    let Some(mut row) = guest.resource(transaction)? else { return Ok(()) };
    row.insert("status".to_owned(), json!(if runs { "running" } else { "stopped" }));
    row.insert("uptime".to_owned(), json!(0));
    transaction.hide(&guest.path(&["status", "current"]));
    // What the guest said of itself when it was recorded is not so any more.
    transaction.hide_below(&guest.path(&["agent"]));
    paused::go_on(transaction, guest);
    transaction.put_row(&resources(), "id", row)
}
