//! `proxmox-mpc sync`: reads the cluster and merges what changed into the code of a workspace.

use std::path::PathBuf;

use proxmox_mpc_engine::sync::SyncRequest;

use super::connection::ConnectionOptions;
use super::import::provider_version;

/// Read the cluster and merge what changed into your code, as a git commit
///
/// Commits the pristine generated code to the branch proxmox-mpc/generated, whose log is the history of the cluster, and
/// merges that branch into the branch that is checked out. The merge goes by object and attribute: your files keep their
/// order, comments and form, whatever you moved, renamed, or put into variables, `for_each` or modules is found where it is
/// now, and what you deleted stays deleted. Where you and the cluster changed the same attribute, the merge stops with an
/// ordinary git conflict around it.
///
/// Sends only GET requests to the cluster. Nothing is pushed.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = AFTER_HELP)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Arguments {
    /// The workspace, in a git repository
    #[arg(value_name = "DIR", default_value = ".")]
    workspace: PathBuf,
    /// Take this recording for the cluster
    #[arg(long, value_name = "RECORDING")]
    from: Option<PathBuf>,
    /// Write nothing, and print what would be edited and why, with the patch
    #[arg(long)]
    dry_run: bool,
    /// Leave the merge on a new branch of this name, for a merge request, and the work tree alone
    #[arg(long, value_name = "NAME", conflicts_with_all = ["generated_only", "dry_run"])]
    branch: Option<String>,
    /// Commit to proxmox-mpc/generated, and merge nothing
    #[arg(long, conflicts_with = "dry_run")]
    generated_only: bool,
    /// Set changes that are not committed aside, and bring them back after the merge
    #[arg(long, conflicts_with_all = ["branch", "generated_only", "dry_run"])]
    autostash: bool,
    /// Rename the code of objects that have another name in Proxmox now, with `moved` blocks; without it, addresses stay
    ///
    /// References to them follow. A name that you gave stays.
    #[arg(long)]
    rename: bool,
    /// Look into this Terraform state for where objects live in the code: the output of `terraform show -json`
    ///
    /// A state file in terraform/ is read without it.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Prove the merged code afterwards, as `verify` does: only what changed since the last proof
    #[arg(long, conflicts_with_all = ["branch", "generated_only", "dry_run"])]
    verify: bool,
    /// Run this terraform or tofu instead of the one in PATH (`PROXMOX_MPC_TERRAFORM`)
    #[arg(long, value_name = "FILE", requires = "verify")]
    terraform_bin: Option<PathBuf>,
    /// Pin this version of the provider in the code; later syncs keep it
    #[arg(long, value_name = "VERSION", value_parser = provider_version)]
    provider_version: Option<String>,
    /// Wait for another operation on the workspace to end, instead of failing
    #[arg(long)]
    wait: bool,
    /// Allow up to this many objects to be removed from the generated code
    #[arg(long, value_name = "N")]
    allow_removal: Option<usize>,
    /// Stop if more than this part of the guests would be removed from the generated code
    #[arg(long, value_name = "PERCENT", default_value_t = 10, value_parser = clap::value_parser!(u8).range(0..=100))]
    removal_limit: u8,
    /// Do not ask running guests for their addresses, neither guest agents nor containers
    #[arg(long)]
    no_agent: bool,
    /// Send up to this many requests at once [default: 16]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: Option<u16>,
    #[command(flatten)]
    connection: ConnectionOptions,
}

const AFTER_HELP: &str = "\
Examples:
  proxmox-mpc sync                          read the cluster of this workspace and merge
  proxmox-mpc sync --dry-run                what would be edited, and why
  proxmox-mpc sync --verify                 merge, then prove with Terraform what changed
  proxmox-mpc sync --branch from-cluster    leave the merge on a branch for a merge request
  git log proxmox-mpc/generated             the history of the cluster

Exit codes: 0 merged or up to date, 3 conflicts wait in the work tree (resolve them and `git commit`, or `git merge --abort`),
1 failed.";

impl From<Arguments> for SyncRequest {
    fn from(arguments: Arguments) -> Self {
        Self {
            connection: arguments.connection.into(),
            workspace: arguments.workspace,
            from: arguments.from,
            dry_run: arguments.dry_run,
            branch: arguments.branch,
            generated_only: arguments.generated_only,
            autostash: arguments.autostash,
            rename: arguments.rename,
            state: arguments.state,
            verify: arguments.verify,
            terraform: arguments.terraform_bin,
            provider_version: arguments.provider_version,
            wait: arguments.wait,
            allow_removal: arguments.allow_removal,
            removal_limit: arguments.removal_limit,
            ask_guests: !arguments.no_agent,
            concurrency: arguments.concurrency,
        }
    }
}
