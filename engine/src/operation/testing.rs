//! Contexts for the tests of this crate.

use std::sync::{Arc, LazyLock, Mutex};

use tokio::runtime::Runtime;

use super::{Cancel, Context, Event, EventKind, Face, Sink};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("tests may start threads"));

/// The context of an operation, and the list of its events.
pub(crate) struct Followed {
    pub(crate) context: Context,
    events: Arc<Mutex<Vec<Event>>>,
}

/// Begins an operation that can be looked into.
pub(crate) fn followed() -> Followed {
    let events = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&events) as Arc<dyn Sink>;
    let face = Face { sink, ..Face::unattended(RUNTIME.handle().clone()) };
    Followed { context: face.operation(Cancel::default()), events }
}

impl Followed {
    /// The kinds of the events so far.
    pub(crate) fn kinds(&self) -> Vec<EventKind> {
        self.events.lock().expect("no test panics while it holds the list").iter().map(|e| e.kind.clone()).collect()
    }
}
