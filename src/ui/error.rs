//! Errors for people: what failed, why, and what to do.

use std::fmt::Write as _;

use proxmox_mpc_engine::operation::fault::{Fault, causes};

use crate::page::harmless;
use crate::ui::human::{ERROR, NOTE};

/// Formats an error: a line `error:`, then `caused by:` for each source, then `hint:` for each hint.
pub(super) fn human(fault: &dyn Fault) -> String {
    let mut text = format!("{ERROR}error:{ERROR:#} {}\n", harmless(&fault.to_string()));
    for cause in causes(fault) {
        writeln!(text, "{ERROR}caused by:{ERROR:#} {}", harmless(&cause)).expect("writing to a string cannot fail");
    }
    for hint in fault.hints() {
        writeln!(text, "{NOTE}hint:{NOTE:#} {}", harmless(&hint)).expect("writing to a string cannot fail");
    }
    text
}
