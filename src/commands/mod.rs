//! The commands, one file each: arguments whose documentation is the help, a `run`, and a report.
//!
//! The command line and the console read the same [`Command`]; nothing in a command assumes a terminal.

mod completions;
mod man;
mod twin;
mod verify;
mod version;

use std::io;

use clap::Subcommand;

use crate::fault::{Fault, FaultKind};
use crate::ui::Ui;

/// What can be done.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    Verify(verify::Arguments),
    #[command(subcommand)]
    Twin(twin::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
    Version(version::Arguments),
}

impl Command {
    /// Does it, and prints its report.
    pub fn run(self, ui: &Ui) -> Result<Outcome, Failure> {
        match self {
            Self::Verify(arguments) => arguments.run(ui),
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

/// The result could not be written.
#[derive(Debug, thiserror::Error)]
#[error("could not write the result")]
pub struct Unwritten(#[from] io::Error);

impl Fault for Unwritten {}
