//! Suspend, resume and reset of virtual machines.

use serde_json::Value;

use super::guest::{Guest, unlocked};
use super::keys::{is_numbered, word};
use super::paused::{go_on, paused};
use super::power;
use super::stored_configuration::StoredConfiguration;
use crate::call::{Call, Refusal};
use crate::state::Transaction;

/// `POST status/suspend`: pauses the virtual machine, or saves its memory to a disk.
pub(super) fn suspend(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let guest = Guest::of(call);
    power::root_only(call, &["skiplock"])?;
    power::running(transaction, &guest)?;
    if call.flag("todisk") {
        if guest.is_managed(transaction)? {
            return Err(Refusal::failed("Cannot suspend HA managed VM to disk"));
        }
        if StoredConfiguration::read(transaction, &guest)?.keys.keys().any(|key| is_numbered(key, "hostpci")) {
            return Err(Refusal::failed(
                "cannot suspend VM to disk due to passed-through PCI device(s), which lack the possibility to save/restore \
                 their internal state",
            ));
        }
        return Err(Refusal::beyond_the_twin("save the memory of a machine"));
    }
    let node = guest.node.clone();
    transaction.task(call, &node, "qmpause", &guest.vmid, |transaction, _| {
        if !call.flag("skiplock") {
            unlocked(&guest, &StoredConfiguration::read(transaction, &guest)?.keys)?;
        }
        transaction.remember(&paused(&guest), true);
        transaction.hide(&guest.path(&["status", "current"]));
        Ok(())
    })
}

/// `POST status/resume`.
pub(super) fn resume(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let guest = Guest::of(call);
    power::root_only(call, &["skiplock", "nocheck"])?;
    power::running(transaction, &guest)?;
    let node = guest.node.clone();
    transaction.task(call, &node, "qmresume", &guest.vmid, |transaction, _| {
        let stored = StoredConfiguration::read(transaction, &guest)?;
        // A backup lets the virtual machine go on.
        let backed_up = word(&stored.keys, "lock").is_some_and(|lock| lock == "backup");
        if !call.flag("skiplock") && !backed_up {
            unlocked(&guest, &stored.keys)?;
        }
        go_on(transaction, &guest);
        Ok(())
    })
}

/// `POST status/reset`: as if the reset button was pressed.
pub(super) fn reset(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let guest = Guest::of(call);
    power::root_only(call, &["skiplock"])?;
    power::running(transaction, &guest)?;
    let node = guest.node.clone();
    transaction.task(call, &node, "qmreset", &guest.vmid, |transaction, _| {
        if call.flag("skiplock") {
            Ok(())
        } else {
            unlocked(&guest, &StoredConfiguration::read(transaction, &guest)?.keys)
        }
    })
}
