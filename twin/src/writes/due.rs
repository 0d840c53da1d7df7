//! What Proxmox does by itself some time after it was asked: the manager of HA, the scheduler of replication.
//!
//! What is to be done is remembered with its time, and done before the first request after it.

use serde_json::Value;

use super::{Login, Refusal, guests};
use crate::state::{State, Transaction, View};

/// Where the memories of what is to be done begin: `due/000001795395090/0000000000000003`.
const DUE: &str = "due/";
/// The memory of how much there was to do.
const COUNT: &str = "dues";

/// Has something done in so many seconds. `deed` says what, in the words of who does it.
pub(super) fn later(transaction: &mut Transaction, seconds: i64, deed: Value) {
    let count = transaction.recall(COUNT).and_then(|count| count.as_u64()).unwrap_or_default();
    transaction.remember(COUNT, count + 1);
    let at = transaction.now() + seconds;
    transaction.remember(&format!("{DUE}{at:015}/{count:016}"), deed);
}

/// Whether something is to be done by now.
pub(crate) fn is_due(view: &View, now: i64) -> bool {
    view.memories(DUE).first().is_some_and(|(key, _)| *key < until(now))
}

/// What the keys of everything that is due come before.
fn until(now: i64) -> String {
    format!("{DUE}{:015}", now + 1)
}

/// Does what has come due. What a deed fails at does not count, and is not tried again.
pub fn come_due(state: &State, now: i64) -> Result<(), Refusal> {
    let due = state.view().memories(DUE);
    for (key, deed) in due.into_iter().filter(|(key, _)| *key < until(now)) {
        state.write(now, |transaction| {
            transaction.forget(&key);
            match transaction.attempt(|transaction| guests::perform(transaction, &deed)) {
                Err(unreadable @ Refusal::Unreadable(_)) => Err(unreadable),
                // Where the guest or the job is gone by now, there is nothing left to do.
                Ok(()) | Err(_) => Ok(()),
            }
        })?;
    }
    Ok(())
}

/// Who Proxmox is when it does something by itself.
pub(super) fn itself() -> Login {
    Login { user: "root@pam".to_owned(), token: None }
}
