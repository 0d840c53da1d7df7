//! Paused virtual machines, as the twin remembers them.

use super::guest::Guest;
use crate::state::Transaction;

/// The memory of a virtual machine that is paused: `paused/100`.
pub(super) fn paused(guest: &Guest) -> String {
    format!("paused/{}", guest.vmid)
}

/// Reports whether a virtual machine is paused.
pub(super) fn is_paused(transaction: &Transaction, guest: &Guest) -> bool {
    transaction.recall(&paused(guest)).is_some()
}

/// Notes that a virtual machine is no longer paused.
pub(super) fn go_on(transaction: &mut Transaction, guest: &Guest) {
    if is_paused(transaction, guest) {
        transaction.forget(&paused(guest));
        transaction.hide(&guest.path(&["status", "current"]));
    }
}
