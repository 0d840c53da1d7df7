//! `twin`: digital twins of clusters.

mod limits;
mod serve;
mod synth;

use crate::commands::{Failure, Outcome};
use crate::ui::Ui;

/// Answer like a recorded cluster, or make one up
#[derive(clap::Args, Clone, Debug)]
#[command(arg_required_else_help = true, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    /// List what Proxmox can do and a twin cannot
    #[arg(long)]
    limits: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What is done with a twin.
#[derive(clap::Subcommand, Clone, Debug)]
enum Command {
    Serve(serve::Arguments),
    Synth(synth::Arguments),
}

impl Arguments {
    pub(super) fn run(self, ui: &Ui) -> Result<Outcome, Failure> {
        match self.command {
            Some(Command::Serve(arguments)) => arguments.run(ui),
            Some(Command::Synth(arguments)) => arguments.run(ui),
            None => limits::run(ui),
        }
    }
}
