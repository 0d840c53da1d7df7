//! The agent inside a machine, where a client has it do something.

use proxmox_mpc_model::agent;
use serde_json::{Value, json};

use super::store::Stored;
use super::{Call, Guest, Refusal, Transaction, power};

/// Commands that change nothing that the twin knows: the machine's agent says that it has done them.
pub(super) fn ask(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let guest = Guest::of(call);
    let command = match call.segments.get(5) {
        Some(command) => command.clone(),
        None => call.required("command")?,
    };
    let stored = Stored::read(transaction, &guest)?;
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
        told => {
            let said = agent::answer(told, &guest.vmid, &stored.keys);
            said.ok_or_else(|| Refusal::beyond_the_twin(&format!("have a guest's agent do {told}")))?
        }
    };
    Ok(json!({ "result": result }))
}
