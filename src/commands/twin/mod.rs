//! `proxmox-mpc twin`: serves a twin of a recorded cluster, makes up a recording, or lists what a twin cannot do.

mod serve;
mod synth;

use proxmox_mpc_engine::operation::{Context, Failure, Report, run};
use proxmox_mpc_engine::twins::{LimitsRequest, ServeRequest, SynthesizeRequest};

/// Serve a twin of a recorded cluster, or make up a recording
#[derive(clap::Args, Clone, Debug)]
#[command(arg_required_else_help = true, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    /// List the API calls of Proxmox that a twin cannot answer
    #[arg(long)]
    limits: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

/// The commands below `twin`.
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
