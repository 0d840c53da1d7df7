//! Context: what an operation is given by the face that starts it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use super::confirmation::Never;
use super::prompt::Nobody;
use super::{
    Cancel, Clock, Confirmation, Event, EventKind, Interrupted, Listeners, Message, OperationId, Person, Question,
    Sink, StepId, SystemClock, clock, thread,
};
use crate::settings::Sources;

/// Actor: the person or program that asks for an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Actor {
    /// The person or program: `alice@laptop`.
    pub name: String,
    /// The face through which it asks: `command line`.
    pub face: String,
}

impl fmt::Display for Actor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

/// Face: a command line, a console or a server, with what it gives to every operation that it starts.
#[derive(Clone)]
pub struct Face {
    /// The sources of settings.
    pub sources: Arc<Sources>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The listener to events.
    pub sink: Arc<dyn Sink>,
    /// The person or program that asks.
    pub actor: Actor,
    /// The answer to questions before a cluster is changed.
    pub confirmation: Arc<dyn Confirmation>,
    /// The person who answers questions of an operation.
    pub person: Arc<dyn Person>,
    /// The threads of this process, for everything that waits for the network.
    pub runtime: Handle,
}

impl Face {
    /// A face without anybody: nobody follows the events or agrees to anything, and there is no environment.
    pub fn unattended(runtime: Handle) -> Self {
        Self {
            sources: Arc::new(Sources::default()),
            clock: Arc::new(SystemClock),
            sink: Arc::new(Listeners::default()),
            actor: Actor { name: "nobody".to_owned(), face: "none".to_owned() },
            confirmation: Arc::new(Never),
            person: Arc::new(Nobody),
            runtime,
        }
    }

    /// The context of a new operation, which `cancel` stops.
    pub fn operation(&self, cancel: Cancel) -> Context {
        let shared = Shared { face: self.clone(), operation: OperationId::new(), steps: AtomicU64::new(0) };
        Context { shared: Arc::new(shared), cancel, step: None }
    }
}

/// The context of one operation. Clones belong to the same operation.
#[derive(Clone)]
pub struct Context {
    shared: Arc<Shared>,
    cancel: Cancel,
    step: Option<StepId>,
}

struct Shared {
    face: Face,
    operation: OperationId,
    steps: AtomicU64,
}

impl Context {
    /// The operation's id.
    pub fn operation(&self) -> &OperationId {
        &self.shared.operation
    }

    /// The sources of settings.
    pub fn sources(&self) -> &Sources {
        &self.shared.face.sources
    }

    /// The person or program that asks.
    pub fn actor(&self) -> &Actor {
        &self.shared.face.actor
    }

    /// The request to stop.
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// The threads for what waits for the network.
    pub fn runtime(&self) -> &Handle {
        &self.shared.face.runtime
    }

    /// The time in whole seconds: `2026-11-23T00:50:00Z`.
    pub fn now(&self) -> String {
        clock::seconds(self.shared.face.clock.now())
    }

    /// The time in seconds since 1970 (UTC).
    pub fn seconds(&self) -> i64 {
        self.shared.face.clock.now().unix_timestamp()
    }

    /// True if whoever may agree to the action does so.
    pub fn confirm(&self, question: &Question) -> bool {
        self.shared.face.confirmation.confirm(question)
    }

    /// The person who answers questions. Waiting for an answer blocks (`Context::block`).
    pub fn person(&self) -> &dyn Person {
        &*self.shared.face.person
    }

    /// Tells everybody who follows.
    pub fn event(&self, kind: EventKind) {
        let time = clock::milliseconds(self.shared.face.clock.now());
        let event = Event { operation: Some(self.shared.operation.clone()), time, parent: self.step, kind };
        self.shared.face.sink.event(&event);
    }

    /// Tells whoever waits.
    pub fn message(&self, message: Message) {
        self.event(EventKind::Message(message));
    }

    /// Does asynchronous work until it ends or the operation is stopped; stopped work is dropped, and cleans up behind
    /// itself.
    pub async fn unless_cancelled<T>(&self, work: impl Future<Output = T>) -> Result<T, Interrupted> {
        tokio::select! {
            // Work that has come to its end has ended, whatever was asked of it meanwhile.
            biased;
            outcome = work => Ok(outcome),
            () = self.cancel.wait() => Err(Interrupted),
        }
    }

    /// Does work that keeps a processor busy and writes nothing, on a thread of its own. Dropping the future leaves the
    /// thread to itself.
    pub async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        thread::compute(&self.shared.face.runtime, work).await
    }

    /// Does work that blocks (files, programs) on a thread of its own. The work looks at its context for the request to
    /// stop; dropping the future is such a request, and waits until the work has ended and cleaned up behind itself.
    pub async fn block<T: Send + 'static>(&self, work: impl FnOnce(&Self) -> T + Send + 'static) -> T {
        let inner = Self { cancel: self.cancel.child(), ..self.clone() };
        let cancel = inner.cancel.clone();
        thread::block(&self.shared.face.runtime, cancel, move || work(&inner)).await
    }

    pub(super) fn next_step(&self) -> StepId {
        StepId(self.shared.steps.fetch_add(1, Ordering::Relaxed) + 1)
    }

    pub(super) fn within(&self, step: StepId) -> Self {
        Self { step: Some(step), ..self.clone() }
    }
}
