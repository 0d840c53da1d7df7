//! Commands to the agent inside a virtual machine.

use proxmox_mpc_model::agent;
use serde_json::{Value, json};

use super::guest::Guest;
use super::power;
use super::stored_configuration::StoredConfiguration;
use crate::call::{Call, Refusal};
use crate::state::Transaction;

/// `POST` of a command to the agent that changes nothing that the twin knows: it is answered as done.
pub(super) fn ask(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let guest = Guest::of(call);
    let command = match call.segments.get(5) {
        Some(command) => command.clone(),
        None => call.required("command")?,
    };
    let stored = StoredConfiguration::read(transaction, &guest)?;
    if let Some(why) = agent::unavailable(&guest.vmid, &stored.keys, guest.is_running(transaction)?) {
        return Err(Refusal::failed(why));
    }
    let result = match command.as_str() {
        "ping" => json!({}),
        "fsfreeze-status" => json!("thawed"),
        // How many file systems there are: the one that the agent tells of.
        "fsfreeze-freeze" | "fsfreeze-thaw" => json!(1),
        "fstrim" => json!({ "paths": [{ "path": "/", "minimum": 0, "trimmed": 0 }] }),
        "shutdown" => {
            power::halt(transaction, &guest)?;
            json!({})
        }
        command => {
            let answer = agent::answer(command, &guest.vmid, &stored.keys);
            answer.ok_or_else(|| Refusal::beyond_the_twin(&format!("have a guest's agent do {command}")))?
        }
    };
    Ok(json!({ "result": result }))
}
