//! `version`: which version this is, and of what else it depends.

use serde::Serialize;

use crate::commands::{Failure, Outcome, Unwritten};
use crate::ui::{Page, Report, Ui};

/// Print the version, and the versions of what it works with
#[derive(clap::Args, Clone, Debug)]
pub struct Arguments;

#[derive(Serialize)]
struct Versions {
    version: &'static str,
    provider: String,
    terraform: &'static str,
    recording: u32,
}

impl Report for Versions {
    fn human(&self, page: &mut Page) {
        page.line(format!("proxmox-mpc {}", self.version));
        page.line(format!("provider    {}", self.provider));
        page.line(format!("terraform   {} (or OpenTofu)", self.terraform));
        page.line(format!("recordings  format {}", self.recording));
    }
}

/// Prints the versions.
pub(super) fn run(ui: &Ui) -> Result<Outcome, Failure> {
    ui.report(&Versions {
        version: env!("CARGO_PKG_VERSION"),
        provider: format!("{} {}", proxmox_mpc_generators::bpg::SOURCE, proxmox_mpc_generators::bpg::VERSION),
        terraform: proxmox_mpc_generators::bpg::TERRAFORM,
        recording: proxmox_mpc_twin::recording::FORMAT,
    })
    .map_err(Unwritten)?;
    Ok(Outcome::Done)
}
