//! The command line: its commands, and the options that all of them share.

use clap::{ArgAction, Args, Parser};

use crate::commands::Command;
use crate::ui::{EventFormat, Options, OutputFormat};

/// Turn a Proxmox VE cluster into Terraform code, and prove that the code is the cluster
#[derive(Clone, Debug, Parser)]
#[command(
    name = "proxmox-mpc",
    bin_name = "proxmox-mpc",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = "First steps:
  proxmox-mpc demo        try it on a recorded cluster
  proxmox-mpc init lab    set up a workspace for yours

Exit codes: 0 success, 1 failure, 2 wrong usage, 3 differences found, 130 interrupted, 70 a bug in this program."
)]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
    /// The options of every command.
    #[command(flatten)]
    pub global: Global,
}

/// The options of every command.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Format of the result, on standard output
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT", hide_possible_values = false)]
    pub output: OutputFormat,
    /// Format of progress, messages and errors, on standard error
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub events: EventFormat,
    /// Print more on standard error; twice for every step
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// Print only errors, messages and a short result
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Use the cluster of this name (`PROXMOX_MPC_CONTEXT`); `proxmox-mpc context list` lists the names
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
}

impl From<Global> for Options {
    fn from(global: Global) -> Self {
        Self { output: global.output, events: global.events, quiet: global.quiet, verbosity: global.verbose }
    }
}
