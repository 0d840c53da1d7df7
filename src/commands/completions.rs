//! `proxmox-mpc completions`: prints the completion script of a shell.

use clap::CommandFactory as _;
use clap_complete::Shell;
use proxmox_mpc_engine::operation::Report;
use proxmox_mpc_engine::operation::report::ReportType;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cli::Cli;

/// Print the completion script of a shell
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc completions bash > ~/.local/share/bash-completion/completions/proxmox-mpc
  proxmox-mpc completions zsh > ~/.zfunc/_proxmox-mpc")]
pub struct Arguments {
    /// The shell
    shell: Shell,
}

/// Completions of the command line for a shell.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Completions {
    /// The shell: `bash`.
    pub(crate) shell: String,
    /// The script that the shell reads.
    pub(crate) script: String,
}

impl Report for Completions {
    fn kind(&self) -> &'static str {
        Self::KIND
    }
}

impl ReportType for Completions {
    const KIND: &'static str = "completions";
}

impl Arguments {
    pub(super) fn run(self) -> Completions {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "proxmox-mpc", &mut text);
        Completions { shell: self.shell.to_string(), script: String::from_utf8_lossy(&text).into_owned() }
    }
}
