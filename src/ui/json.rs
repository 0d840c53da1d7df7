//! Events and errors for programs: one JSON object a line.

use std::collections::BTreeMap;

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

/// An entry of the log as a line: `{"type": "log", "level": "warn", "target", "message", "fields"}`.
pub(super) fn log(level: &str, target: &str, message: &str, fields: &BTreeMap<String, String>) -> String {
    #[derive(Serialize)]
    struct Line<'a> {
        r#type: &'static str,
        level: String,
        target: &'a str,
        message: &'a str,
        fields: &'a BTreeMap<String, String>,
    }
    line(&Line { r#type: "log", level: level.to_lowercase(), target, message, fields })
}

fn line(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string(value).expect("events are text and numbers");
    text.push('\n');
    text
}
