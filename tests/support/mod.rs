//! Support for all subjects: clusters, the program itself, snapshots in one place, and tests that are skipped aloud.

pub(crate) mod clusters;
pub(crate) mod program;
mod snapshot;
pub(crate) mod workspaces;

use std::io::Write as _;

pub(crate) use snapshot::{screen, snapshot};

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
