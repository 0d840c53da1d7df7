//! `completions`: what a shell needs to complete our commands.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::commands::{Failure, Outcome, Unwritten};
use crate::ui::Ui;

/// Print the completions for a shell
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc completions bash > ~/.local/share/bash-completion/completions/proxmox-mpc
  proxmox-mpc completions zsh > ~/.zfunc/_proxmox-mpc")]
pub struct Arguments {
    /// Which shell
    shell: Shell,
}

impl Arguments {
    pub(super) fn run(self, ui: &Ui) -> Result<Outcome, Failure> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "proxmox-mpc", &mut text);
        ui.text(&String::from_utf8_lossy(&text)).map_err(Unwritten)?;
        Ok(Outcome::Done)
    }
}
