//! Events for programs: one JSON object a line.

use proxmox_mpc_engine::operation::Event;

/// Formats an event as a line.
pub(super) fn event(event: &Event) -> String {
    let mut text = serde_json::to_string(event).expect("events are text and numbers");
    text.push('\n');
    text
}
