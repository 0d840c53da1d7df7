//! `proxmox-mpc hooks`: installs `check` as a hook of git, or removes it.

use std::path::PathBuf;

use clap::Subcommand;
use proxmox_mpc_engine::hooks::{HooksInstallRequest, HooksUninstallRequest};
use proxmox_mpc_engine::operation::{Context, Failure, Report, run};

/// Check the code before every commit, with a hook of git
///
/// The hook runs `proxmox-mpc check --staged`: what is checked is what is committed, also where a file is staged in part. For
/// the program `pre-commit`, the repository of proxmox-mpc has a `.pre-commit-hooks.yaml`.
#[derive(clap::Args, Clone, Debug)]
#[command(arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Install the hook; a hook of somebody else stays as it is
    Install(Place),
    /// Remove the hook; a hook of somebody else stays as it is
    Uninstall(Place),
}

#[derive(clap::Args, Clone, Debug)]
struct Place {
    /// The workspace, or any folder in the repository
    #[arg(value_name = "DIR", default_value = ".")]
    workspace: PathBuf,
}

impl Arguments {
    pub(super) async fn run(self, context: &Context) -> Result<Box<dyn Report>, Failure> {
        match self.command {
            Command::Install(Place { workspace }) => run(context, HooksInstallRequest { workspace }).await,
            Command::Uninstall(Place { workspace }) => run(context, HooksUninstallRequest { workspace }).await,
        }
    }
}
