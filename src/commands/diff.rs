//! `proxmox-mpc diff`: shows what differs between two times of the cluster, or between its code and a person's.

use std::path::PathBuf;

use proxmox_mpc_engine::timeline::DiffRequest;

use super::connection::ConnectionOptions;

/// Show what changed in the cluster between two times, by object and setting
///
/// Reads the observations that syncs keep on the generated branch; no cluster is asked, unless with `--live`. Without a
/// time, shows what the last sync found. A time is a revision (`HEAD~3`, a commit, a tag: the sync that was merged into it)
/// or a date (`2026-11-01`, `2026-11-01T08:30`, `yesterday`, `3 days ago`), in UTC.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc diff                          what did the last sync find?
  proxmox-mpc diff 2026-11-01               what changed since that day?
  proxmox-mpc diff 2026-11-01..yesterday     what changed between two revisions or dates?
  proxmox-mpc diff --live --exit-code       did the cluster change since the last sync?
  proxmox-mpc diff --code                   what did I change in the generated code?

Exit codes: 0 success, 3 something differs (with `--exit-code`).")]
pub struct Arguments {
    /// One time, or two with `..` between them
    #[arg(value_name = "REV[..REV]")]
    range: Option<String>,
    /// The workspace
    #[arg(long, value_name = "DIR", default_value = ".")]
    workspace: PathBuf,
    /// Compare with the running cluster, with GET requests only
    #[arg(long, conflicts_with = "code")]
    live: bool,
    /// Compare the generated code with the code in the work tree
    #[arg(long)]
    code: bool,
    /// End with exit code 3 if anything differs
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    connection: ConnectionOptions,
}

impl From<Arguments> for DiffRequest {
    fn from(arguments: Arguments) -> Self {
        Self {
            workspace: arguments.workspace,
            range: arguments.range,
            live: arguments.live,
            code: arguments.code,
            exit_code: arguments.exit_code,
            connection: arguments.connection.into(),
        }
    }
}
