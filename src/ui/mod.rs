//! The only room that prints: results on standard output; progress, messages and errors on standard error.

mod error;
mod human;
mod json;
mod log;
mod person;
mod report;
mod sentences;

use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, Mutex, PoisonError};

use proxmox_mpc_engine::operation::{Event, EventKind, Fault, Report, Sink};

pub use person::Terminal;

use crate::page::Page;
use crate::print::{self, Length};

/// Format of results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum OutputFormat {
    /// Tables and sentences for people
    #[default]
    Table,
    /// One JSON document
    Json,
    /// One YAML document
    Yaml,
}

/// Format of events and errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum EventFormat {
    /// Progress bars and sentences for people
    #[default]
    Human,
    /// One JSON object on each line
    Json,
}

/// Options of the printer: formats, and how much is printed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Format of results.
    pub output: OutputFormat,
    /// Format of events and errors.
    pub events: EventFormat,
    /// Print only errors, messages and short results.
    pub quiet: bool,
    /// The number of `-v` options. 1 adds output of programs and the log, 2 every step of it.
    pub verbosity: u8,
}

/// Printer of everything that the program writes to its streams.
pub struct Ui {
    options: Options,
    output: Mutex<Box<dyn Write + Send>>,
    screen: Arc<human::Screen>,
    width: Option<usize>,
}

impl Ui {
    /// The printer of this process. It uses colours only if the stream is a terminal and `NO_COLOR` is not set.
    #[expect(clippy::disallowed_methods, reason = "this is the one room that prints")]
    pub fn new(options: Options) -> Self {
        let terminal = io::stderr().is_terminal();
        let width = terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
        let screen = human::Screen::new(Box::new(anstream::stderr()), terminal && !options.quiet);
        let ui = Self::with(options, Box::new(anstream::stdout()), screen, width);
        log::install(options, Arc::clone(&ui.screen));
        ui
    }

    /// A printer into buffers, as wide as `width` columns.
    pub fn captured(options: Options, output: &Captured, errors: &Captured, width: Option<usize>) -> Self {
        let screen = human::Screen::new(Box::new(errors.clone()), false);
        Self::with(options, Box::new(output.clone()), screen, width)
    }

    fn with(options: Options, output: Box<dyn Write + Send>, screen: human::Screen, width: Option<usize>) -> Self {
        Self { options, output: Mutex::new(output), screen: Arc::new(screen), width }
    }

    /// Reports whether the user asked for more output.
    pub fn verbose(&self) -> bool {
        self.options.verbosity > 0
    }

    /// Prints the result of a command. A reader that closes the pipe early (`| head`) is not an error.
    pub fn report(&self, report: &dyn Report) -> io::Result<()> {
        let text = match self.options.output {
            OutputFormat::Table => {
                let mut page = Page::new(self.width);
                let length = if self.options.quiet { Length::Brief } else { Length::Full };
                if !print::print(report, length, &mut page) {
                    return Err(io::Error::other(format!("no printer for reports of kind `{}`", report.kind())));
                }
                page.finish()
            }
            OutputFormat::Json => report::json(report)?,
            OutputFormat::Yaml => report::yaml(report)?,
        };
        self.write(&text)
    }

    /// Prints a page that is not a report: the figures of a benchmark.
    pub fn page(&self, write: impl FnOnce(&mut Page)) -> io::Result<()> {
        let mut page = Page::new(self.width);
        write(&mut page);
        self.write(&page.finish())
    }

    /// Prints a line on standard error.
    pub fn line(&self, line: &str) {
        self.screen.print(&format!("{line}\n"));
    }

    fn write(&self, text: &str) -> io::Result<()> {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }

    /// Prints an error with its causes and hints.
    pub fn fault(&self, fault: &dyn Fault) {
        self.screen.print(&match self.options.events {
            EventFormat::Human => error::human(fault),
            EventFormat::Json => json::event(&Event::fault(fault)),
        });
    }
}

impl Sink for Ui {
    fn event(&self, event: &Event) {
        match self.options.events {
            _ if self.options.quiet && !matches!(event.kind, EventKind::Message(_)) => {}
            EventFormat::Json => self.screen.print(&json::event(event)),
            EventFormat::Human => self.screen.event(event, self.options.verbosity),
        }
    }
}

/// A buffer that a printer writes to and a test reads.
#[derive(Clone, Debug, Default)]
pub struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    /// The text that was written so far, without colours.
    pub fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        anstream::adapter::strip_str(&String::from_utf8_lossy(&bytes)).to_string()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
