//! Version checks of a change, and keys that a change takes out, in the same way for all objects.

use proxmox_mpc_model::object::text;

use crate::call::{Call, Refusal};
use crate::state::Row;

/// Refuses a change of a version that the client has not read: `PVE::Tools::assert_if_modified`.
pub(super) fn same_digest(call: &Call, row: &Row, context: &str) -> Result<(), Refusal> {
    let (Some(given), Some(own)) = (call.text("digest"), row.get("digest").and_then(text)) else { return Ok(()) };
    if given == own {
        return Ok(());
    }
    let refusal = Refusal::failed("detected modified configuration - file changed by other user? Try again.");
    Err(if context.is_empty() { refusal } else { refusal.within(context) })
}

/// Takes out the keys that a call deletes: `PVE::SectionConfig::delete_from_config`.
pub(super) fn remove_keys(call: &Call, row: &mut Row) -> Result<(), Refusal> {
    for key in call.list("delete") {
        if call.method.parameter(&key).is_none() || call.captured.contains(&key.as_str()) {
            return Err(Refusal::failed(format!("no such option '{key}'")));
        }
        if call.parameters.contains_key(&key) {
            return Err(Refusal::failed(format!("cannot set and delete property '{key}' at the same time!")));
        }
        row.remove(&key);
    }
    Ok(())
}
