//! Events and errors for programs: one JSON object a line.

use serde::Serialize;

use crate::event::Event;
use crate::fault::Fault;
use crate::ui::error::causes;

/// An event as a line.
pub(super) fn event(event: &Event) -> String {
    line(event)
}

/// An error as a line: `{"type": "fault", "message", "causes", "hints", "exit_code"}`.
pub(super) fn fault(fault: &dyn Fault) -> String {
    #[derive(Serialize)]
    struct Line {
        r#type: &'static str,
        message: String,
        causes: Vec<String>,
        hints: Vec<String>,
        exit_code: u8,
    }
    line(&Line {
        r#type: "fault",
        message: fault.to_string(),
        causes: causes(fault),
        hints: fault.hints(),
        exit_code: fault.kind().exit_code(),
    })
}

fn line(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string(value).expect("events are text and numbers");
    text.push('\n');
    text
}
