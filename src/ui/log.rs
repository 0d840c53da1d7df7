//! The program's own log, for those who ask for it with `-v`.

use std::io::{self, Write};
use std::sync::Arc;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::ui::Options;
use crate::ui::human::Screen;

/// Writes the log of this process to its standard error, above the bars. The first printer of a process wins.
pub(super) fn install(options: Options, screen: Arc<Screen>) {
    let (ours, theirs) = match options.verbosity {
        _ if options.quiet => (LevelFilter::ERROR, LevelFilter::ERROR),
        0 => (LevelFilter::WARN, LevelFilter::ERROR),
        1 => (LevelFilter::DEBUG, LevelFilter::WARN),
        _ => (LevelFilter::TRACE, LevelFilter::INFO),
    };
    // The name is a prefix: it takes in `proxmox_mpc_twin` and the others.
    let filter = Targets::new().with_default(theirs).with_target("proxmox_mpc", ours);
    let layer = tracing_subscriber::fmt::layer().with_writer(Lines(screen)).with_ansi(false).without_time();
    tracing_subscriber::registry().with(layer).with(filter).try_init().ok();
}

struct Lines(Arc<Screen>);

/// Collects one entry of the log, which is written when it is whole.
struct Line<'a> {
    screen: &'a Screen,
    text: Vec<u8>,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { screen: &self.0, text: Vec::new() }
    }
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        if !self.text.is_empty() {
            self.screen.print(&String::from_utf8_lossy(&self.text));
        }
    }
}
