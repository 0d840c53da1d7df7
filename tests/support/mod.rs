//! Support for all subjects: clusters, the program itself, snapshots in one place, and tests that are skipped aloud.

pub(crate) mod clusters;
pub(crate) mod postgresql;
pub(crate) mod program;
mod snapshot;
pub(crate) mod tools;
pub(crate) mod workspaces;

use std::sync::{Arc, LazyLock, Mutex};

use proxmox_mpc_engine::operation::{Cancel, Context, Event, Face, Listeners, Sink};
use proxmox_mpc_engine::settings::Sources;
use tokio::runtime::Runtime;

pub(crate) use snapshot::{filtered, screen, snapshot};

/// The threads of every operation in these tests.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("the tests may start threads"));

/// A face that prints nothing: an empty environment, events to `sink`.
pub(crate) fn face(sink: Arc<dyn Sink>) -> Face {
    Face { sink, ..Face::unattended(RUNTIME.handle().clone()) }
}

/// The context of an operation that nobody follows.
pub(crate) fn context() -> Context {
    face(Arc::new(Listeners::default())).operation(Cancel::default())
}

/// The context of an operation, and the list of its events.
pub(crate) fn followed() -> (Context, Arc<Mutex<Vec<Event>>>) {
    let events = Arc::new(Mutex::new(Vec::new()));
    (face(Arc::clone(&events) as Arc<dyn Sink>).operation(Cancel::default()), events)
}

/// The value of a variable of this process.
pub(crate) fn variable(name: &str) -> Option<String> {
    Sources::of_process().variable(name).map(str::to_owned)
}
