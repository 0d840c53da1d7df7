//! Operations: their requests, contexts, events, reports and errors, and the request to stop one.

pub mod cancel;
pub mod clock;
pub mod confirmation;
mod context;
pub mod event;
pub mod fault;
pub mod listeners;
pub mod prompt;
pub mod report;
mod request;
mod step;
#[cfg(test)]
pub(crate) mod testing;
mod thread;

pub use cancel::{Cancel, Cause};
pub use clock::{Clock, SystemClock};
pub use confirmation::{Confirmation, Question};
pub use context::{Actor, Context, Face};
pub use event::{Event, EventKind, Message, OperationId, Sink, StepId, StepKind};
pub use fault::{Failure, Fault, FaultKind, Interrupted};
pub use listeners::Listeners;
pub use prompt::{Person, Prompt, PromptError};
pub use report::{Report, Service};
pub use request::{Declined, Effect, Request, run};
pub use step::Step;
