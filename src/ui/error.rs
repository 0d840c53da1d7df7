//! Errors for people: what failed, why, and what to do.

use std::error::Error;
use std::fmt::Write as _;

use crate::fault::Fault;
use crate::ui::harmless::harmless;
use crate::ui::human::{ERROR, NOTE};

/// `error:`, then `caused by:` for each source, then `hint:` for each hint.
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

/// The messages of the sources, outermost first. A source that says what its parent said already is left out:
/// transparent wrappers do that.
pub(super) fn causes(fault: &dyn Fault) -> Vec<String> {
    let mut said = fault.to_string();
    let mut causes = Vec::new();
    let mut next: Option<&(dyn Error + 'static)> = fault.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if text != said {
            causes.push(text.clone());
            said = text;
        }
        next = cause.source();
    }
    causes
}

/// An error and its causes in one sentence, for a list of what went wrong beside the rest.
pub fn sentence(fault: &dyn Fault) -> String {
    std::iter::once(fault.to_string()).chain(causes(fault)).collect::<Vec<_>>().join(": ")
}
