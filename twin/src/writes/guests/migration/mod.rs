//! Migration of guests: `POST migrate` of virtual machines and containers.
//!
//! The twin has no ssh and no sockets to fail: what Proxmox copies is there at once, and a virtual machine that runs
//! goes on running.

use proxmox_mpc_model::schema::Verb;
use serde_json::Value;

use super::guest::{Guest, GuestKind};
use super::ha_requests;
use super::{relocate, replication};
use crate::call::{Call, Login, Refusal};
use crate::state::Transaction;
use crate::writes::method::Write;

mod container;
mod plan;
mod virtual_machine;

pub(super) use plan::{Mode, Plan};

/// The methods of migration.
pub(in super::super) static WRITES: &[Write] = &[
    Write { verb: Verb::Post, path: "/nodes/{node}/qemu/{vmid}/migrate", run: migrate_machine },
    Write { verb: Verb::Post, path: "/nodes/{node}/lxc/{vmid}/migrate", run: migrate_container },
];

/// `POST migrate` of a virtual machine.
pub(super) fn migrate_machine(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (guest, target, plan) = virtual_machine::planned(transaction, call)?;
    begin(transaction, call, &guest, &target, &plan)
}

/// `POST migrate` of a container.
pub(super) fn migrate_container(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (guest, target, plan) = container::planned(transaction, call)?;
    begin(transaction, call, &guest, &target, &plan)
}

/// Begins the task of a migration, or asks HA for it where HA manages the guest.
fn begin(
    transaction: &mut Transaction,
    call: &Call,
    guest: &Guest,
    target: &str,
    plan: &Plan,
) -> Result<Value, Refusal> {
    if guest.is_managed(transaction)? {
        let node = guest.node.clone();
        return transaction.task(call, &node, "hamigrate", &guest.vmid, |transaction, log| {
            log.push(format!("Requesting HA migration for {} to node {target}", guest.title()));
            ha_requests::ask_to_migrate(transaction, &guest.service(), target, false);
            Ok(())
        });
    }
    run(transaction, (&call.login, call.duration), guest, target, plan)
}

/// The task that migrates a guest. A migration that fails gives the reason in its log, and ends as aborted.
pub(super) fn run(
    transaction: &mut Transaction,
    by: (&Login, i64),
    guest: &Guest,
    target: &str,
    plan: &Plan,
) -> Result<Value, Refusal> {
    let kind = if guest.kind == GuestKind::VirtualMachine { "qmigrate" } else { "vzmigrate" };
    let there = Guest { node: target.to_owned(), ..guest.clone() };
    let now = transaction.now();
    transaction.task_by(by, (&guest.node, kind, &guest.vmid), |transaction, log| {
        let done = match guest.kind {
            GuestKind::VirtualMachine => virtual_machine::go(transaction, guest, &there, plan, log),
            GuestKind::Container => container::go(transaction, guest, &there, plan, log),
        };
        match done {
            Ok(()) => {
                replication::turn_round(transaction, &guest.vmid, &guest.node, target)?;
                log.push(relocate::line(now, "migration finished successfully (duration 00:00:00)"));
                Ok(())
            }
            Err(unreadable @ Refusal::Unreadable(_)) => Err(unreadable),
            Err(refusal) => {
                let why = refusal.text();
                log.push(relocate::error(now, &format!("migration aborted (duration 00:00:00): {why}")));
                Err(Refusal::failed("migration aborted"))
            }
        }
    })
}
