//! The commands, one file each: arguments whose documentation is the help, a `run`, and a report.
//!
//! The command line and the console read the same [`Command`]; nothing in a command assumes a terminal.

mod completions;
mod coverage;
mod demo;
mod explain;
mod import;
mod man;
mod rehearse;
mod twin;
mod verify;
mod version;

use std::fs;
use std::io;

use clap::Subcommand;

use crate::client::Client;
use crate::event::{Event, Sink as _};
use crate::fault::{Fault, FaultKind};
use crate::interrupt;
use crate::settings::{self, Flags, World};
use crate::toolchain::invocation::Invocation;
use crate::toolchain::process::{self, Stream};
use crate::ui::Ui;

/// What can be done.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    Demo(demo::Arguments),
    Import(Box<import::Arguments>),
    Verify(verify::Arguments),
    Rehearse(Box<rehearse::Arguments>),
    Coverage(coverage::Arguments),
    Explain(explain::Arguments),
    Twin(twin::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
    Version(version::Arguments),
}

impl Command {
    /// Does it, and prints its report.
    pub fn run(self, ui: &Ui) -> Result<Outcome, Failure> {
        match self {
            Self::Demo(arguments) => arguments.run(ui),
            Self::Import(arguments) => arguments.run(ui),
            Self::Verify(arguments) => arguments.run(ui),
            Self::Rehearse(arguments) => arguments.run(ui),
            Self::Coverage(arguments) => arguments.run(ui),
            Self::Explain(arguments) => arguments.run(ui),
            Self::Twin(arguments) => arguments.run(ui),
            Self::Completions(arguments) => arguments.run(ui),
            Self::Man(arguments) => arguments.run(ui),
            Self::Version(version::Arguments) => version::run(ui),
        }
    }
}

/// How a command ended that could say what it had to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Well.
    Done,
    /// Its report says why this is not what the user hoped for.
    Ended(FaultKind),
}

impl Outcome {
    /// The exit code of the process.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Ended(kind) => kind.exit_code(),
        }
    }
}

/// Any error of any room, on its way to the printer.
#[derive(Debug)]
pub struct Failure(Box<dyn Fault>);

impl Failure {
    /// The error itself.
    pub fn fault(&self) -> &dyn Fault {
        &*self.0
    }
}

impl<F: Fault> From<F> for Failure {
    fn from(fault: F) -> Self {
        Self(Box::new(fault))
    }
}

/// Why work that waits for the network did not come to its end.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    /// The runtime or the signals.
    #[error("the operating system refused threads or signals")]
    System(#[from] io::Error),
    /// The user stopped it.
    #[error("interrupted; nothing half done was left behind")]
    Interrupted,
}

impl Fault for Stopped {
    fn kind(&self) -> FaultKind {
        match self {
            Self::System(_) => FaultKind::Failed,
            Self::Interrupted => FaultKind::Interrupted,
        }
    }
}

/// Runs work that waits for the network until it ends or the user stops it; stopped work is dropped, and cleans up
/// behind itself.
fn wait<T>(work: impl Future<Output = T>) -> Result<T, Stopped> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (stop, mut stopped) = tokio::sync::mpsc::unbounded_channel();
    let listening = interrupt::listen(move |signal| {
        // Nobody waits for it any more once the work has ended.
        stop.send(signal).ok();
    })?;
    let outcome = runtime.block_on(async {
        tokio::select! {
            // Work that has come to its end has ended, whatever was asked of it meanwhile.
            biased;
            outcome = work => Some(outcome),
            _ = stopped.recv() => None,
        }
    });
    drop(listening);
    // What was left to itself on another thread is waited for by nobody.
    runtime.shutdown_background();
    outcome.ok_or(Stopped::Interrupted)
}

/// A client for the cluster that these options and the environment name. What the user should know of them is said.
fn client(options: Flags, ui: &Ui) -> Result<Client, Failure> {
    let world = World { variable: &settings::variable, read: &|path| fs::read_to_string(path), run: &secret };
    let settings = settings::resolve(options, Flags::default(), &world)?;
    for text in settings::cautions(&settings, &world) {
        ui.event(Event::Message { text });
    }
    Ok(Client::new(settings)?)
}

/// What a program prints, where that is a secret: it goes nowhere else. Its complaints go to the user.
fn secret(arguments: &[String]) -> Result<String, settings::Failure> {
    let (program, rest) = arguments.split_first().ok_or("there is no program to start")?;
    let invocation = rest.iter().fold(Invocation::new(program), Invocation::arg);
    let (mut printed, mut complaint) = (String::new(), String::new());
    let ended = process::run(&invocation, &(), |stream, line| {
        let text = if stream == Stream::Output { &mut printed } else { &mut complaint };
        text.push_str(&line);
        text.push('\n');
    })?;
    match ended.code {
        Some(0) => Ok(printed),
        _ => Err(format!("`{program}` failed: {}", complaint.trim()).into()),
    }
}

/// The result could not be written.
#[derive(Debug, thiserror::Error)]
#[error("could not write the result")]
pub struct Unwritten(#[from] io::Error);

impl Fault for Unwritten {}
