//! `man`: the manual, a page for each command.

use std::io;
use std::path::PathBuf;

use clap::CommandFactory as _;

use crate::cli::Cli;
use crate::commands::{Failure, Outcome, Unwritten};
use crate::fault::Fault;
use crate::ui::Ui;

/// Print the manual, or write a page for each command
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc man | man -l -
  proxmox-mpc man --out ~/.local/share/man/man1")]
pub struct Arguments {
    /// Write a page for each command into this folder, which must be there
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// The pages could not be written.
#[derive(Debug, thiserror::Error)]
#[error("could not write the manual into `{}`", folder.display())]
struct Pages {
    folder: PathBuf,
    source: io::Error,
}

impl Fault for Pages {
    fn hints(&self) -> Vec<String> {
        match self.source.kind() {
            io::ErrorKind::NotFound => vec![format!("Make it first: `mkdir -p {}`.", self.folder.display())],
            _ => Vec::new(),
        }
    }
}

impl Arguments {
    pub(super) fn run(self, ui: &Ui) -> Result<Outcome, Failure> {
        let command = Cli::command();
        if let Some(folder) = self.out {
            clap_mangen::generate_to(command, &folder).map_err(|source| Pages { folder, source })?;
            return Ok(Outcome::Done);
        }
        let mut text = Vec::new();
        clap_mangen::Man::new(command).render(&mut text).map_err(Unwritten)?;
        ui.text(&String::from_utf8_lossy(&text)).map_err(Unwritten)?;
        Ok(Outcome::Done)
    }
}
