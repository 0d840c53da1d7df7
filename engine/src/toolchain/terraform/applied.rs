//! What a run of `apply` says while it runs.

use crate::operation::event::{Diagnostic, EventKind, StepKind};
use crate::operation::{Context, Step};
use crate::toolchain::terraform::{Counts, UiMessage, message};

/// Everything that a run of `apply` said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// What was done, in the order in which it ended.
    pub steps: Vec<AppliedStep>,
    /// The numbers of the last summary; `None` where the run failed.
    pub counts: Option<Counts>,
    /// Errors and warnings, in order.
    pub diagnostics: Vec<Diagnostic>,
}

/// One thing that Terraform did to one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedStep {
    /// Its address.
    pub address: String,
    /// Terraform's word: `create`, `update`, `delete`.
    pub action: String,
    /// Whether it came to a good end.
    pub done: bool,
}

/// Reads the lines of a run while they come.
pub struct ApplyReader {
    applied: Applied,
    program: String,
    context: Context,
    step: Step,
    total: u64,
}

impl ApplyReader {
    /// A reader of what the program called `program` writes while it does `what`, in `total` steps.
    pub fn new(program: &str, what: StepKind, total: u64, context: &Context) -> Self {
        let step = Step::start(context, what);
        Self { applied: Applied::default(), program: program.to_owned(), context: step.context(), step, total }
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

    /// What the lines said.
    pub fn finish(self) -> Applied {
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
