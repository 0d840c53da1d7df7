//! Reader of the output of `apply`.

use crate::operation::event::{Diagnostic, EventKind, StepKind};
use crate::operation::{Context, Step};
use crate::toolchain::terraform::{Counts, UiMessage, message};

/// Result of a run of `apply`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApplyResult {
    /// The actions, in the order in which they ended.
    pub steps: Vec<AppliedStep>,
    /// The counts of the last summary; `None` if the run failed.
    pub counts: Option<Counts>,
    /// Errors and warnings, in order.
    pub diagnostics: Vec<Diagnostic>,
}

/// Action of Terraform on an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedStep {
    /// The address of the object.
    pub address: String,
    /// The action, in Terraform's words: `create`, `update`, `delete`.
    pub action: String,
    /// True if the action succeeded.
    pub done: bool,
}

/// Reader of the output of `apply`, which sends events while it reads.
pub struct ApplyReader {
    applied: ApplyResult,
    program: String,
    context: Context,
    step: Step,
    total: u64,
}

impl ApplyReader {
    /// Creates a reader for the output of `program`, and starts the step `what` of `total` actions.
    pub fn new(program: &str, what: StepKind, total: u64, context: &Context) -> Self {
        let step = Step::start(context, what);
        Self { applied: ApplyResult::default(), program: program.to_owned(), context: step.context(), step, total }
    }

    /// Takes the next line.
    pub fn line(&mut self, line: &str) {
        match message(line) {
            UiMessage::Ended(step) => {
                self.applied.steps.push(step);
                let done = u64::try_from(self.applied.steps.len()).unwrap_or(u64::MAX);
                self.step.progress(done, Some(self.total.max(done)));
            }
            UiMessage::Summary(counts) => self.applied.counts = Some(counts),
            UiMessage::Diagnostic(diagnostic) => {
                self.context.event(EventKind::Diagnostic(diagnostic.clone()));
                self.applied.diagnostics.push(diagnostic);
            }
            UiMessage::Text(line) if !line.trim().is_empty() => {
                self.context.event(EventKind::Text { program: self.program.clone(), line });
            }
            _ => {}
        }
    }

    /// The result of the run.
    pub fn finish(self) -> ApplyResult {
        self.applied
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::event::Severity;
    use crate::operation::testing::followed;

    /// Lines of Terraform 1.11.4, shortened to what is read.
    #[test]
    fn steps_errors_and_numbers_are_read() {
        let lines = [
            r#"{"@message":"a.b: Creating...","type":"apply_start","hook":{"resource":{"addr":"a.b"},"action":"create"}}"#,
            r#"{"@message":"a.b: Creation complete","type":"apply_complete","hook":{"resource":{"addr":"a.b"},"action":"create","elapsed_seconds":1}}"#,
            r#"{"@message":"c.d: Destroying...","type":"apply_start","hook":{"resource":{"addr":"c.d"},"action":"delete"}}"#,
            r#"{"@message":"c.d: Destruction errored","type":"apply_errored","hook":{"resource":{"addr":"c.d"},"action":"delete"}}"#,
            r#"{"type":"diagnostic","diagnostic":{"severity":"error","summary":"no","address":"c.d"}}"#,
        ];
        let mut reader = ApplyReader::new("terraform", StepKind::RehearseApply, 2, &followed().context);
        for line in lines {
            reader.line(line);
        }
        let applied = reader.finish();
        let steps: Vec<_> =
            applied.steps.iter().map(|step| (step.address.as_str(), step.action.as_str(), step.done)).collect();
        assert_eq!(steps, [("a.b", "create", true), ("c.d", "delete", false)]);
        assert_eq!(applied.counts, None);
        assert_eq!(applied.diagnostics[0].severity, Severity::Error);
    }
}
