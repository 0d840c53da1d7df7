//! `proxmox-mpc completions`: prints the completion script of a shell.

use clap_complete::Shell;

use crate::reports::Completions;

/// Print the completion script of a shell
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc completions bash > ~/.local/share/bash-completion/completions/proxmox-mpc
  proxmox-mpc completions zsh > ~/.zfunc/_proxmox-mpc")]
pub struct Arguments {
    /// The shell
    shell: Shell,
}

impl Arguments {
    pub(super) fn run(self, mut command: clap::Command) -> Completions {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut command, "proxmox-mpc", &mut text);
        Completions { shell: self.shell.to_string(), script: String::from_utf8_lossy(&text).into_owned() }
    }
}
