//! `proxmox-mpc history`: shows the life of an object, or the syncs of the cluster.

use std::path::PathBuf;

use proxmox_mpc_engine::timeline::HistoryRequest;

/// Show the history of an object, or of the cluster
///
/// Reads the observations that syncs keep on the generated branch. An object keeps its history when it is renamed or moves
/// to another node. Users and times are those of the cluster's task log: most settings are changed without a task, and then
/// nobody knows who did it.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc history               list the syncs
  proxmox-mpc history qemu/101      show what happened to this virtual machine
  proxmox-mpc history web           the same, by its name")]
pub struct Arguments {
    /// The object: its identity (`qemu/101`, `storage/local`), or the name or VMID of a guest
    #[arg(value_name = "OBJECT")]
    object: Option<String>,
    /// The workspace
    #[arg(long, value_name = "DIR", default_value = ".")]
    workspace: PathBuf,
    /// Show only this many entries, the newest
    #[arg(long, short = 'n', value_name = "N")]
    limit: Option<usize>,
}

impl From<Arguments> for HistoryRequest {
    fn from(arguments: Arguments) -> Self {
        Self { workspace: arguments.workspace, object: arguments.object, limit: arguments.limit }
    }
}
