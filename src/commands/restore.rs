//! `proxmox-mpc restore`: brings a former state of an object back into the code of the work tree.

use std::path::PathBuf;

use proxmox_mpc_engine::timeline::RestoreRequest;

/// Bring a former state of an object back into the code, never into the cluster
///
/// Takes the generated code of the object as it was at that time, and merges the difference into your work tree: where you
/// moved or rewrote the code, the values are edited there. Nothing is committed. An object that is gone since comes back as
/// a block without an `import` block: an apply would create it anew, without its data.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc restore qemu/101 --at 2026-11-20 --dry-run    print the patch
  proxmox-mpc restore web --at HEAD~3                       edit the code
  proxmox-mpc rehearse                                      then: what would an apply do?

Exit codes: 0 success, 3 there are conflicts, which stand in the files.")]
pub struct Arguments {
    /// The object: its identity (`qemu/101`, `storage/local`), or the name or VMID of a guest
    #[arg(value_name = "OBJECT")]
    object: String,
    /// The time: a revision (the sync that was merged into it) or a date, in UTC
    #[arg(long, value_name = "REV")]
    at: String,
    /// The workspace
    #[arg(long, value_name = "DIR", default_value = ".")]
    workspace: PathBuf,
    /// Write nothing, and print the patch
    #[arg(long)]
    dry_run: bool,
}

impl From<Arguments> for RestoreRequest {
    fn from(arguments: Arguments) -> Self {
        Self { workspace: arguments.workspace, object: arguments.object, at: arguments.at, dry_run: arguments.dry_run }
    }
}
