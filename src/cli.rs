//! The command line: the commands, and what they all understand.

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
  proxmox-mpc demo             see it at work on a recorded cluster
  proxmox-mpc import --help    what it needs to read yours

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 differences found, 130 interrupted, 70 a bug of ours."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What every command understands.
    #[command(flatten)]
    pub global: Global,
}

/// What every command understands.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// How to write the result
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORM", hide_possible_values = false)]
    pub output: OutputFormat,
    /// How to write progress, notices and errors to standard error
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORM")]
    pub events: EventFormat,
    /// Say more on standard error; twice for every step
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// Say nothing but errors and the result in short
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

impl From<Global> for Options {
    fn from(global: Global) -> Self {
        Self { output: global.output, events: global.events, quiet: global.quiet, verbosity: global.verbose }
    }
}
