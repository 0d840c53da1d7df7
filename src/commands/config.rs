//! `proxmox-mpc config`: shows settings with their sources, and changes them in a settings file.

use clap::Subcommand;
use proxmox_mpc_engine::operation::{Context, Failure, Report, run};
use proxmox_mpc_engine::settings::config::{
    ConfigGetRequest, ConfigListRequest, ConfigSetRequest, ConfigUnsetRequest, SettingsScope,
};

/// Show settings and where each comes from, and change them
#[derive(clap::Args, Clone, Debug)]
#[command(arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    List(ListArguments),
    Get(GetArguments),
    Set(SetArguments),
    Unset(UnsetArguments),
}

/// List every setting with its value and its source
///
/// The sources are, uppermost first: options, the environment, the context, the workspace's proxmox-mpc.toml, your own
/// config.toml, defaults. Secrets are shown as set or not set.
#[derive(clap::Args, Clone, Debug)]
struct ListArguments {}

/// Print the value of one setting
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Exit codes: 0 the setting has a value, 1 it has none.")]
struct GetArguments {
    /// The key, as in `endpoints` or `contexts.prod.endpoints`
    key: String,
}

/// Give a setting a value in a settings file
///
/// Writes the file of the workspace that the current folder is in, or your own outside of every workspace. Comments and
/// everything else in the file stay. Paths are relative to the folder of the file.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc config set endpoints pve1.example pve2.example
  proxmox-mpc config set --user terraform tofu
  proxmox-mpc config set --user contexts.prod.endpoints pve.example")]
struct SetArguments {
    /// The key, as in `endpoints` or `contexts.prod.endpoints`
    key: String,
    /// The value; of a list its elements, also separated by commas
    #[arg(required = true, value_name = "VALUE")]
    values: Vec<String>,
    #[command(flatten)]
    file: FileOptions,
}

/// Remove a setting from a settings file
#[derive(clap::Args, Clone, Debug)]
struct UnsetArguments {
    /// The key, as in `endpoints` or `contexts.prod.endpoints`
    key: String,
    #[command(flatten)]
    file: FileOptions,
}

#[derive(clap::Args, Clone, Copy, Debug)]
struct FileOptions {
    /// Write your own settings file
    #[arg(long, conflicts_with = "workspace")]
    user: bool,
    /// Write the settings file of the workspace
    #[arg(long)]
    workspace: bool,
}

impl FileOptions {
    fn scope(self) -> Option<SettingsScope> {
        match (self.user, self.workspace) {
            (true, _) => Some(SettingsScope::User),
            (_, true) => Some(SettingsScope::Workspace),
            _ => None,
        }
    }
}

impl Arguments {
    pub(super) async fn run(self, context: &Context) -> Result<Box<dyn Report>, Failure> {
        match self.command {
            Command::List(ListArguments {}) => run(context, ConfigListRequest {}).await,
            Command::Get(GetArguments { key }) => run(context, ConfigGetRequest { key }).await,
            Command::Set(SetArguments { key, values, file }) => {
                run(context, ConfigSetRequest { key, values, scope: file.scope() }).await
            }
            Command::Unset(UnsetArguments { key, file }) => {
                run(context, ConfigUnsetRequest { key, scope: file.scope() }).await
            }
        }
    }
}
