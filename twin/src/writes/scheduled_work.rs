//! Scheduled work that has come due, and who does it.

use super::guests::{ha_manager, replication};
use super::schedule::{self, Work};
use crate::call::Refusal;
use crate::state::{State, Transaction};

/// Does the work that has come due. Work that fails changes nothing, and is not tried again.
pub fn come_due(state: &State, now: i64) -> Result<(), Refusal> {
    for (key, work) in schedule::due(&state.view(), now) {
        state.write(now, |transaction| {
            transaction.forget(&key);
            let Some(work) = &work else { return Ok(()) };
            match transaction.attempt(|transaction| perform(transaction, work)) {
                Err(unreadable @ Refusal::Unreadable(_)) => Err(unreadable),
                // Where the guest or the job is gone by now, there is nothing left to do.
                Ok(()) | Err(_) => Ok(()),
            }
        })?;
    }
    Ok(())
}

fn perform(transaction: &mut Transaction, work: &Work) -> Result<(), Refusal> {
    match work {
        Work::Manage { sid } => ha_manager::manage(transaction, sid),
        Work::Move { sid, node, relocate } => ha_manager::move_to(transaction, sid, node, *relocate),
        Work::Replicate { job } => replication::run(transaction, job),
    }
}
