//! The commands of the command line, one file each: options whose documentation is the help, and the request that they
//! make. Completions and the manual are commands of this face alone.

mod check;
mod completions;
mod config;
mod connection;
mod context;
mod coverage;
mod demo;
mod diff;
mod drift;
mod explain;
mod extract;
mod history;
mod hooks;
mod import;
mod init;
mod man;
mod rehearse;
mod restore;
mod schema;
mod status;
mod sync;
mod twin;
mod verify;
mod version;

use clap::Subcommand;
use proxmox_mpc_engine::commands::SchemaRequest;
use proxmox_mpc_engine::demo::DemoRequest;
use proxmox_mpc_engine::explain::ExplainRequest;
use proxmox_mpc_engine::extract::ExtractRequest;
use proxmox_mpc_engine::import::ImportRequest;
use proxmox_mpc_engine::init::InitRequest;
use proxmox_mpc_engine::operation::{Context, Failure, Report, run};
use proxmox_mpc_engine::rehearse::RehearseRequest;
use proxmox_mpc_engine::sync::SyncRequest;
use proxmox_mpc_engine::timeline::{DiffRequest, HistoryRequest, RestoreRequest, StatusRequest};
use proxmox_mpc_engine::verify::VerifyRequest;
use proxmox_mpc_engine::version::VersionRequest;

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    Demo(demo::Arguments),
    Init(Box<init::Arguments>),
    Import(Box<import::Arguments>),
    Sync(Box<sync::Arguments>),
    Status(Box<status::Arguments>),
    Diff(Box<diff::Arguments>),
    Drift(Box<drift::Arguments>),
    History(history::Arguments),
    Restore(restore::Arguments),
    Extract(Box<extract::Arguments>),
    Check(check::Arguments),
    Hooks(hooks::Arguments),
    Verify(verify::Arguments),
    Rehearse(Box<rehearse::Arguments>),
    Coverage(coverage::Arguments),
    Explain(explain::Arguments),
    Twin(twin::Arguments),
    Config(config::Arguments),
    Context(context::Arguments),
    Schema(schema::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
    Version(version::Arguments),
}

/// Facts about the command line as a whole, for its commands.
pub struct Line {
    /// True if a longer report was asked for.
    pub verbose: bool,
    /// All commands and options, for completions and the manual.
    pub command: fn() -> clap::Command,
}

impl Command {
    /// Runs the command to its report.
    pub async fn run(self, context: &Context, line: Line) -> Result<Box<dyn Report>, Failure> {
        match self {
            Self::Demo(arguments) => run(context, DemoRequest::from(arguments)).await,
            Self::Init(arguments) => run(context, InitRequest::from(*arguments)).await,
            Self::Import(arguments) => run(context, ImportRequest::from(*arguments)).await,
            Self::Sync(arguments) => run(context, SyncRequest::from(*arguments)).await,
            Self::Status(arguments) => run(context, StatusRequest::from(*arguments)).await,
            Self::Diff(arguments) => run(context, DiffRequest::from(*arguments)).await,
            Self::Drift(arguments) => arguments.run(context).await,
            Self::History(arguments) => run(context, HistoryRequest::from(arguments)).await,
            Self::Restore(arguments) => run(context, RestoreRequest::from(arguments)).await,
            Self::Extract(arguments) => run(context, ExtractRequest::from(*arguments)).await,
            Self::Check(arguments) => arguments.run(context).await,
            Self::Hooks(arguments) => arguments.run(context).await,
            Self::Verify(arguments) => run(context, VerifyRequest::from(arguments)).await,
            Self::Rehearse(arguments) => run(context, RehearseRequest::from(*arguments)).await,
            Self::Coverage(arguments) => run(context, arguments.request(line.verbose)).await,
            Self::Explain(arguments) => run(context, ExplainRequest::from(arguments)).await,
            Self::Twin(arguments) => arguments.run(context).await,
            Self::Config(arguments) => arguments.run(context).await,
            Self::Context(arguments) => arguments.run(context).await,
            Self::Schema(arguments) => run(context, SchemaRequest::from(arguments)).await,
            Self::Completions(arguments) => Ok(Box::new(arguments.run((line.command)()))),
            Self::Man(arguments) => Ok(Box::new(arguments.run((line.command)())?)),
            Self::Version(version::Arguments) => run(context, VersionRequest {}).await,
        }
    }
}
