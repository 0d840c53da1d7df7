//! `twin`: digital twins of clusters.

mod serve;
mod synth;

use proxmox_mpc_engine::commands::run;
use proxmox_mpc_engine::operation::{Context, Failure, Report};
use proxmox_mpc_engine::twins::{LimitsRequest, ServeRequest, SynthesizeRequest};

/// Answer like a recorded cluster, or make one up
#[derive(clap::Args, Clone, Debug)]
#[command(arg_required_else_help = true, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    /// List what Proxmox can do and a twin cannot
    #[arg(long)]
    limits: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What is done with a twin.
#[derive(clap::Subcommand, Clone, Debug)]
enum Command {
    Serve(serve::Arguments),
    Synth(synth::Arguments),
}

impl Arguments {
    pub(super) async fn run(self, context: &Context) -> Result<Box<dyn Report>, Failure> {
        match self.command {
            Some(Command::Serve(arguments)) => run(context, ServeRequest::from(arguments)).await,
            Some(Command::Synth(arguments)) => run(context, SynthesizeRequest::from(arguments)).await,
            None => run(context, LimitsRequest {}).await,
        }
    }
}
