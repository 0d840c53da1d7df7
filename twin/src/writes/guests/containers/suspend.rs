//! Suspend and resume of containers.

use serde_json::Value;

use crate::call::{Call, Refusal};
use crate::state::Transaction;
use crate::writes::guests::guest::Guest;
use crate::writes::guests::stored_configuration::StoredConfiguration;

/// `POST status/suspend`: Proxmox calls it experimental, and a node as it is installed has no CRIU to do it with.
pub(super) fn suspend(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let guest = Guest::of(call);
    if !guest.is_running(transaction)? {
        return Err(Refusal::failed(format!("{} not running", guest.title())));
    }
    StoredConfiguration::read(transaction, &guest)?;
    Err(Refusal::beyond_the_twin("keep the processes of a container"))
}

/// `POST status/resume`.
pub(super) fn resume(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let guest = Guest::of(call);
    if guest.is_running(transaction)? {
        return Err(Refusal::failed(format!("{} already running", guest.title())));
    }
    Err(Refusal::beyond_the_twin("bring back the processes of a container"))
}
