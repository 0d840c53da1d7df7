//! The binary: reads the command line, runs the command, and ends with its exit code.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::{io, io::IsTerminal as _};

use clap::{CommandFactory as _, Parser as _};
use proxmox_mpc::cli::Cli;
use proxmox_mpc::commands::{Command, Line};
use proxmox_mpc::signals;
use proxmox_mpc::ui::{EventFormat, Options, Terminal, Ui};
use proxmox_mpc_engine::operation::confirmation::Never;
use proxmox_mpc_engine::operation::{
    Actor, Cancel, Context, Face, Failure, Fault, FaultKind, Listeners, Sink, SystemClock,
};
use proxmox_mpc_engine::settings::Sources;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(usage(&error)),
    };
    let context = cli.global.context.clone();
    let ui = Arc::new(Ui::new(cli.global.into()));
    let run = AssertUnwindSafe(|| {
        run(cli.command, context, &ui).unwrap_or_else(|failure| {
            ui.fault(failure.fault());
            failure.fault().kind().exit_code()
        })
    });
    // The panic's own message has been printed where it happened.
    ExitCode::from(catch_unwind(run).unwrap_or(FaultKind::Bug.exit_code()))
}

/// Runs the command in a context, if one was asked for, and returns the exit code.
fn run(command: Command, context: Option<String>, ui: &Arc<Ui>) -> Result<u8, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(SystemError::from)?;
    let (cancel, listeners) = (Cancel::default(), Listeners::default());
    let _printer = listeners.follow(Arc::clone(ui) as Arc<dyn Sink>);
    let _signals = signals::stop(cancel.clone(), at_terminal()).map_err(SystemError::from)?;
    let sources = Arc::new(Sources::of_process().with_context(context));
    let face = Face {
        actor: actor(&sources),
        sources,
        clock: Arc::new(SystemClock),
        sink: Arc::new(listeners),
        confirmation: Arc::new(Never),
        person: Arc::new(Terminal::new(Arc::clone(ui))),
        runtime: runtime.handle().clone(),
    };
    let context = face.operation(cancel);
    let code = runtime.block_on(report(command, &context, ui));
    // Computations that nobody waits for any more end with the process.
    runtime.shutdown_background();
    code
}

/// Runs the command, prints its report, and waits for the service that some reports start (a server).
async fn report(command: Command, context: &Context, ui: &Ui) -> Result<u8, Failure> {
    let mut report = command.run(context, Line { verbose: ui.verbose(), command: Cli::command }).await?;
    ui.report(&*report).map_err(Unwritten)?;
    if let Some(service) = report.service() {
        service.await;
    }
    Ok(report.ended().map_or(0, FaultKind::exit_code))
}

/// The actor of the operation: the user of this process.
fn actor(sources: &Sources) -> Actor {
    let name = ["USER", "LOGNAME"].into_iter().find_map(|name| sources.variable(name));
    Actor { name: name.unwrap_or("unknown").to_owned(), face: "command line".to_owned() }
}

/// Reports whether Ctrl-C comes from a terminal, which also sends it to the programs that we started.
#[expect(clippy::disallowed_methods, reason = "asks about the stream, writes nothing")]
fn at_terminal() -> bool {
    io::stdin().is_terminal() || io::stderr().is_terminal()
}

/// Threads could not be started, or signals not be received.
#[derive(Debug, thiserror::Error)]
#[error("could not start threads or receive signals")]
struct SystemError(#[from] io::Error);

impl Fault for SystemError {}

/// The result could not be written.
#[derive(Debug, thiserror::Error)]
#[error("could not write the result")]
struct Unwritten(#[source] io::Error);

impl Fault for Unwritten {}

/// Prints what clap answers instead of a command: an error, the help or the version, each on its own stream. Returns its
/// exit code.
fn usage(error: &clap::Error) -> u8 {
    let code = u8::try_from(error.exit_code()).unwrap_or(FaultKind::Usage.exit_code());
    if error.use_stderr() && wants_json(std::env::args()) {
        let options = Options { events: EventFormat::Json, ..Options::default() };
        Ui::new(options).fault(&Usage::new(error));
    } else if let Err(closed) = error.print() {
        // The reader closed the stream, and would not see an error there either.
        tracing::debug!(%closed, "the help could not be printed");
    }
    code
}

/// Reports whether a command line that could not be parsed asks for events as JSON.
fn wants_json(arguments: impl Iterator<Item = String>) -> bool {
    let arguments: Vec<String> = arguments.collect();
    let apart = arguments.windows(2).any(|pair| pair[0] == "--events" && pair[1] == "json");
    apart || arguments.iter().any(|argument| argument == "--events=json")
}

/// A command line that could not be parsed, in clap's words.
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
