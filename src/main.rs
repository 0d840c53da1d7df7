//! The one binary: reads the command line, runs the command, and ends with its exit code.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser as _;
use proxmox_mpc::cli::Cli;
use proxmox_mpc::commands::Failure;
use proxmox_mpc::fault::{Fault, FaultKind};
use proxmox_mpc::ui::{EventFormat, Options, Ui};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(usage(&error)),
    };
    let ui = Ui::new(cli.global.into());
    let run = AssertUnwindSafe(|| match cli.command.run(&ui) {
        Ok(outcome) => outcome.exit_code(),
        Err(failure) => failed(&ui, &failure),
    });
    // The panic's own message has been printed where it happened.
    ExitCode::from(catch_unwind(run).unwrap_or(FaultKind::Bug.exit_code()))
}

/// Help and version are errors to clap as well; it knows which stream and which exit code each has.
fn usage(error: &clap::Error) -> u8 {
    let code = u8::try_from(error.exit_code()).unwrap_or(FaultKind::Usage.exit_code());
    if error.use_stderr() && wants_json(std::env::args()) {
        let options = Options { events: EventFormat::Json, ..Options::default() };
        Ui::new(options).fault(&Usage::new(error));
    } else if let Err(closed) = error.print() {
        // Whoever closed the stream does not read that either.
        tracing::debug!(%closed, "the help could not be printed");
    }
    code
}

/// Whether a command line that could not be read asks for events as JSON.
fn wants_json(arguments: impl Iterator<Item = String>) -> bool {
    let arguments: Vec<String> = arguments.collect();
    let apart = arguments.windows(2).any(|pair| pair[0] == "--events" && pair[1] == "json");
    apart || arguments.iter().any(|argument| argument == "--events=json")
}

/// What is wrong with the command line, in clap's words.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Usage {
    message: String,
    hints: Vec<String>,
}

impl Usage {
    fn new(error: &clap::Error) -> Self {
        let text = error.render().to_string();
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned);
        let message = lines.next().unwrap_or_default();
        Self { message: message.trim_start_matches("error: ").to_owned(), hints: lines.collect() }
    }
}

impl Fault for Usage {
    fn kind(&self) -> FaultKind {
        FaultKind::Usage
    }

    fn hints(&self) -> Vec<String> {
        self.hints.clone()
    }
}

fn failed(ui: &Ui, failure: &Failure) -> u8 {
    ui.fault(failure.fault());
    failure.fault().kind().exit_code()
}
