//! The program's own log, which `-v` asks for: lines for people, JSON objects for programs.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::{self, Write};
use std::sync::Arc;

use proxmox_mpc_engine::operation::EventKind;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::ui::human::Screen;
use crate::ui::{EventFormat, Options, json};

/// Writes the log of this process to standard error, above the bars. Only the first call of a process has an effect.
pub(super) fn install(options: Options, screen: Arc<Screen>) {
    let (ours, theirs) = match options.verbosity {
        _ if options.quiet => (LevelFilter::ERROR, LevelFilter::ERROR),
        0 => (LevelFilter::WARN, LevelFilter::ERROR),
        1 => (LevelFilter::DEBUG, LevelFilter::WARN),
        _ => (LevelFilter::TRACE, LevelFilter::INFO),
    };
    // The name is a prefix: it matches `proxmox_mpc_twin` and the other crates.
    let filter = Targets::new().with_default(theirs).with_target("proxmox_mpc", ours);
    let (lines, objects) = match options.events {
        EventFormat::Human => {
            let lines = tracing_subscriber::fmt::layer().with_writer(Lines(screen));
            (Some(lines.with_ansi(false).without_time()), None)
        }
        EventFormat::Json => {
            panics(Arc::clone(&screen));
            (None, Some(Objects(screen)))
        }
    };
    tracing_subscriber::registry().with(lines).with(objects).with(filter).try_init().ok();
}

/// Prints a panic as a JSON object of the log as well.
fn panics(screen: Arc<Screen>) {
    std::panic::set_hook(Box::new(move |panic| {
        let fields = panic.location().map(|place| ("at".to_owned(), place.to_string()));
        let payload = panic.payload();
        let text = payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
        let message = text.unwrap_or("a bug").to_owned();
        print(&screen, "error".to_owned(), "panic", message, fields.into_iter().collect());
    }));
}

fn print(screen: &Screen, level: String, target: &str, message: String, fields: BTreeMap<String, String>) {
    let entry = EventKind::Log { level, target: target.to_owned(), message, fields };
    screen.print(&json::event(&proxmox_mpc_engine::operation::Event::outside(entry)));
}

/// Writes each entry of the log as a JSON object of the stream of events.
struct Objects(Arc<Screen>);

impl<S: Subscriber> Layer<S> for Objects {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let (level, target) = (event.metadata().level(), event.metadata().target());
        let message = fields.0.remove("message").unwrap_or_default();
        print(&self.0, level.as_str().to_lowercase(), target, message, fields.0);
    }
}

/// Fields of an entry, by name; the sentence is its `message`.
#[derive(Default)]
struct Fields(BTreeMap<String, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

struct Lines(Arc<Screen>);

/// One entry of the log, which is written when it is complete.
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
