//! Stopping of tasks (`PVE::API2::Tasks`).

use proxmox_mpc_model::schema::Verb;
use serde_json::Value;

use super::method::Write;

/// The methods of this file.
pub(super) static WRITES: &[Write] = &[Write {
    verb: Verb::Delete,
    path: "/nodes/{node}/tasks/{upid}",
    run: |transaction, call| transaction.stop_task(&call.required("upid")?).map(|()| Value::Null),
}];
