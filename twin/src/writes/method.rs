//! Writing method: a verb, a path, and the function that does the work.

use proxmox_mpc_model::schema::Verb;
use serde_json::Value;

use crate::call::{Call, Refusal};
use crate::state::Transaction;

/// One writing method that the twin does.
pub(super) struct Write {
    /// Verb of the method.
    pub verb: Verb,
    /// The path as the schema has it: `/nodes/{node}/qemu/{vmid}/config`.
    pub path: &'static str,
    /// Does the work, and returns the data of the answer.
    pub run: Handler,
}

/// Function that does the work of a writing method.
pub(super) type Handler = fn(&mut Transaction, &Call) -> Result<Value, Refusal>;
