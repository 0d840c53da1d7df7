//! `proxmox-mpc man`: prints the manual, or writes a page for each command.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{fs, io};

use proxmox_mpc_engine::operation::{Failure, Fault};

use crate::reports::Manual;

/// Print the manual, or write a page for each command
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc man | man -l -
  proxmox-mpc man --out ~/.local/share/man/man1")]
pub struct Arguments {
    /// Write a page for each command into this folder, which must exist
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// The pages could not be written.
#[derive(Debug, thiserror::Error)]
#[error("could not write the manual into `{}`", folder.display())]
struct Unwritten {
    folder: PathBuf,
    source: io::Error,
}

impl Fault for Unwritten {
    fn hints(&self) -> Vec<String> {
        match self.source.kind() {
            io::ErrorKind::NotFound => vec![format!("Create it first: `mkdir -p {}`.", self.folder.display())],
            _ => Vec::new(),
        }
    }
}

impl Arguments {
    pub(super) fn run(self, mut command: clap::Command) -> Result<Manual, Failure> {
        let mut pages = BTreeMap::new();
        command.build();
        page(&command, self.out.is_some(), &mut pages);
        if let Some(folder) = &self.out {
            for (name, text) in &pages {
                let written = fs::write(folder.join(name), text);
                written.map_err(|source| Unwritten { folder: folder.clone(), source })?;
            }
        }
        Ok(Manual { folder: self.out, pages })
    }
}

/// Adds the page of a command, and with `all` those of the commands below it.
fn page(command: &clap::Command, all: bool, pages: &mut BTreeMap<String, String>) {
    let man = clap_mangen::Man::new(command.clone());
    let mut text = Vec::new();
    man.render(&mut text).expect("writing to memory cannot fail");
    pages.insert(man.get_filename(), String::from_utf8_lossy(&text).into_owned());
    if all {
        command.get_subcommands().filter(|below| !below.is_hide_set()).for_each(|below| page(below, all, pages));
    }
}
