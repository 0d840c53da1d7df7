//! What every subject needs: clusters, the program itself, snapshots in one place, and skipping aloud.

pub(crate) mod clusters;
pub(crate) mod program;
pub(crate) mod workspaces;

use std::io::Write as _;
use std::sync::{Arc, LazyLock, Mutex};

use proxmox_mpc_engine::operation::{Cancel, Context, Event, Face, Listeners, Sink};
use proxmox_mpc_engine::settings::Sources;
use tokio::runtime::Runtime;

/// Compares text with `snapshots/<name>.snap`; `cargo insta review`, or `INSTA_UPDATE=always`, renews it.
///
/// Every setting of a snapshot stands here, so that all of them live in one folder and none names a file of the
/// machine that made it.
#[track_caller]
pub(crate) fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// Ends a test that this machine cannot run, and says so and why on its output.
macro_rules! skip {
    ($($why:tt)*) => {{
        crate::support::say(&format!("skipped {}: {}\n", module_path!(), format_args!($($why)*)));
        return;
    }};
}
pub(crate) use skip;

/// Writes straight to the stream: the test harness captures what tests print that pass.
#[expect(clippy::disallowed_methods, reason = "a test that was left out must be seen to be")]
pub(crate) fn say(line: &str) {
    std::io::stderr().write_all(line.as_bytes()).expect("the standard error stream is writable");
}

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
