//! Writing method: a verb, a path, and the function that does the work.

use proxmox_mpc_model::schema::Verb;
use serde_json::Value;

use crate::call::{Call, Refusal};
use crate::state::Transaction;

/// One writing method that the twin does.
pub(super) struct Write {
    /// What is done.
    pub verb: Verb,
    /// The path as the schema has it: `/nodes/{node}/qemu/{vmid}/config`.
    pub path: &'static str,
    /// Does it, and gives the data of the answer.
    pub run: Run,
}

/// What a writing method does.
pub(super) type Run = fn(&mut Transaction, &Call) -> Result<Value, Refusal>;
