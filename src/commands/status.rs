//! `proxmox-mpc status`: shows where a workspace stands between the cluster, the generated branch and a person's code.

use std::path::PathBuf;

use proxmox_mpc_engine::timeline::StatusRequest;

use super::connection::ConnectionOptions;

/// Show where the workspace stands: last sync, merged and open work, your changes
///
/// Compares the generated branch, the current branch and the work tree: syncs that are not merged yet, objects whose code
/// you changed, moved or took out, open conflicts, and files that are not committed. Asks no cluster, unless with `--live`.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc status            show the workspace that the current folder is in
  proxmox-mpc status --live     also show what changed in the cluster since the last sync

With `--live`, only GET requests are sent, and nothing is written.")]
pub struct Arguments {
    /// The workspace
    #[arg(value_name = "DIR", default_value = ".")]
    workspace: PathBuf,
    /// Look at the running cluster, and show what changed since the last sync
    #[arg(long)]
    live: bool,
    #[command(flatten)]
    connection: ConnectionOptions,
}

impl From<Arguments> for StatusRequest {
    fn from(arguments: Arguments) -> Self {
        Self { workspace: arguments.workspace, live: arguments.live, connection: arguments.connection.into() }
    }
}
