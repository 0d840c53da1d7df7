//! Step: a part of an operation that a person may have to wait for.

use super::{Context, EventKind, StepId, StepKind};

/// A step that says when it begins, how far it is and, when dropped, that it is over.
pub struct Step {
    context: Context,
    id: StepId,
}

impl Step {
    /// Begins a step of the operation.
    pub fn start(context: &Context, what: StepKind) -> Self {
        let id = context.next_step();
        context.event(EventKind::Started { step: id, what });
        Self { context: context.clone(), id }
    }

    /// Says how far it is.
    pub fn progress(&self, done: u64, total: Option<u64>) {
        self.context.event(EventKind::Progress { step: self.id, done, total });
    }

    /// The context of what happens within the step.
    #[must_use]
    pub fn context(&self) -> Context {
        self.context.within(self.id)
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.context.event(EventKind::Finished { step: self.id });
    }
}
