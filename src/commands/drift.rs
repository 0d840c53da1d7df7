//! `proxmox-mpc drift`: what changed in the cluster and the code does not say, and the ways out of it.

use std::path::PathBuf;

use clap::Subcommand;
use proxmox_mpc_engine::drift::{AcceptRequest, AdoptRequest, DriftRequest, DriftSource};
use proxmox_mpc_engine::operation::{Context, Failure, Report, run};
use proxmox_mpc_engine::rehearse::RehearseRequest;

use super::connection::ConnectionOptions;

/// Show what changed in the cluster that the code does not say
///
/// Compares three states: your code, the last sync that it has, and the cluster now. What you edited and have not applied yet
/// is no drift. What somebody changed in the cluster is, until the code says the same; in Proxmox's words and in those of the
/// code, with who did it and when where the cluster's task log tells. Sends only GET requests.
#[derive(clap::Args, Clone, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  proxmox-mpc drift                        what has drifted
  proxmox-mpc drift adopt qemu/101         take the cluster's values into the code
  proxmox-mpc drift revert                 the plan that would put the cluster back
  proxmox-mpc drift accept --all           leave it all as it is, and tell what changes from now on

Exit codes: 0 no drift, 3 drift, 1 failed."
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Look again every so many seconds, and tell each drift once, and when it has cleared
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "60", value_parser = clap::value_parser!(u32).range(1..))]
    watch: Option<u32>,
    #[command(flatten)]
    source: SourceArguments,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    Adopt(Box<AdoptArguments>),
    Revert(Box<RevertArguments>),
    Accept(Box<AcceptArguments>),
}

/// The workspace and the cluster.
#[derive(clap::Args, Clone, Debug)]
struct SourceArguments {
    /// The workspace
    #[arg(long, value_name = "DIR", default_value = ".")]
    workspace: PathBuf,
    /// Take this recording for the cluster
    #[arg(long, value_name = "RECORDING")]
    from: Option<PathBuf>,
    /// Send up to this many requests at once [default: 16]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: Option<u16>,
    #[command(flatten)]
    connection: ConnectionOptions,
}

/// Write the cluster's values into the code
///
/// Each value goes where the code has its own: the line of the block, a `.tfvars` entry, a local, the entry of a map. Nothing is
/// committed. Guests that are new or gone come into the code, or leave it, with `--all`.
#[derive(clap::Args, Clone, Debug)]
struct AdoptArguments {
    /// The objects: identities (`qemu/101`, `storage/local`), or names or VMIDs of guests
    #[arg(value_name = "OBJECT")]
    objects: Vec<String>,
    /// Adopt all drift
    #[arg(long, conflicts_with = "objects")]
    all: bool,
    /// Write nothing, and print the patch
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    source: SourceArguments,
}

/// Show the plan that would put the cluster back, rehearsed on a twin
///
/// Applies the code to a twin of the cluster as it is now, and shows each change with what it does to the guest. Nothing is sent
/// to the cluster but GET requests.
#[derive(clap::Args, Clone, Debug)]
struct RevertArguments {
    /// Run this terraform or tofu instead of the one in PATH (`PROXMOX_MPC_TERRAFORM`)
    #[arg(long, value_name = "FILE")]
    terraform_bin: Option<PathBuf>,
    #[command(flatten)]
    source: SourceArguments,
}

/// Accept drift as it is, so that only what changes from now on is told
///
/// The list is `drift-accepted.json` in the workspace, for committing. An object that changes again is told again.
#[derive(clap::Args, Clone, Debug)]
struct AcceptArguments {
    /// The objects: identities (`qemu/101`, `storage/local`), or names or VMIDs of guests
    #[arg(value_name = "OBJECT")]
    objects: Vec<String>,
    /// Accept all drift
    #[arg(long, conflicts_with = "objects")]
    all: bool,
    #[command(flatten)]
    source: SourceArguments,
}

impl Arguments {
    pub(super) async fn run(self, context: &Context) -> Result<Box<dyn Report>, Failure> {
        match self.command {
            None => run(context, DriftRequest { source: self.source.into(), watch: self.watch }).await,
            Some(Command::Adopt(arguments)) => {
                let AdoptArguments { objects, all, dry_run, source } = *arguments;
                run(context, AdoptRequest { source: source.into(), objects, all, dry_run }).await
            }
            Some(Command::Revert(arguments)) => run(context, RehearseRequest::from(*arguments)).await,
            Some(Command::Accept(arguments)) => {
                let AcceptArguments { objects, all, source } = *arguments;
                run(context, AcceptRequest { source: source.into(), objects, all }).await
            }
        }
    }
}

impl From<SourceArguments> for DriftSource {
    fn from(arguments: SourceArguments) -> Self {
        let SourceArguments { workspace, from, concurrency, connection } = arguments;
        Self { workspace, from, concurrency, connection: connection.into() }
    }
}

impl From<RevertArguments> for RehearseRequest {
    fn from(arguments: RevertArguments) -> Self {
        let RevertArguments { terraform_bin, source } = arguments;
        Self {
            workspace: source.workspace,
            live: source.from.is_none(),
            recording: source.from,
            connection: source.connection.into(),
            terraform: terraform_bin,
            ..Self::default()
        }
    }
}
