//! `proxmox-mpc context`: lists clusters by name, shows the one that counts, and chooses one.

use clap::Subcommand;
use proxmox_mpc_engine::operation::{Context, Failure, Report, run};
use proxmox_mpc_engine::settings::contexts::{ContextListRequest, ContextShowRequest, ContextUseRequest};

/// List clusters by name, and choose one
///
/// A context is a cluster with a name: in your own config.toml as `[contexts.prod]`, or in the proxmox-mpc.toml of a workspace
/// that holds several clusters, each in its folder.
#[derive(clap::Args, Clone, Debug)]
#[command(arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    List(ListArguments),
    Show(ShowArguments),
    Use(UseArguments),
}

/// List the contexts that the current folder knows
#[derive(clap::Args, Clone, Debug)]
struct ListArguments {}

/// Show the context that counts in the current folder, and why
#[derive(clap::Args, Clone, Debug)]
struct ShowArguments {}

/// Choose a context for the commands to come
///
/// A context of a workspace counts in that workspace. One of your own counts outside of every workspace, and in its own: a
/// folder with settings never means another cluster because of a choice that was made elsewhere.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc context use prod
  proxmox-mpc context use -       go back to the one before")]
struct UseArguments {
    /// The name, or `-` for the one that was chosen before
    #[arg(allow_hyphen_values = true)]
    name: String,
}

impl Arguments {
    pub(super) async fn run(self, context: &Context) -> Result<Box<dyn Report>, Failure> {
        match self.command {
            Command::List(ListArguments {}) => run(context, ContextListRequest {}).await,
            Command::Show(ShowArguments {}) => run(context, ContextShowRequest {}).await,
            Command::Use(UseArguments { name }) => run(context, ContextUseRequest { name }).await,
        }
    }
}
