//! `proxmox-mpc init`: sets up a workspace for a cluster.

use std::path::PathBuf;

use proxmox_mpc_engine::init::InitRequest;

use super::connection::ConnectionOptions;

/// Set up a workspace for a cluster
///
/// Asks for a node, the certificate to trust and a login, as far as options, the environment and settings files do not say
/// them; tests the connection; and shows which privileges the login lacks for an import, for a plan and for an apply. Then
/// it writes proxmox-mpc.toml, .gitignore and README.md, and makes a git repository where there is none. Files that are there
/// stay as they are; a settings file keeps its comments and its other keys.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc init lab                                   ask for everything
  proxmox-mpc init lab --endpoint pve.example --yes      ask nothing; the token is in PROXMOX_VE_API_TOKEN
  proxmox-mpc init --endpoint pve.example --fingerprint AB:CD:… --api-token-command 'pass show pve'

No option takes a secret. A token that is typed in is kept in .proxmox-mpc/api-token, which git ignores, or nowhere.")]
pub struct Arguments {
    /// The folder of the workspace, which is created if needed
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// Ask nothing: take the defaults, and trust the certificate that the node shows
    #[arg(long, short)]
    yes: bool,
    /// Use the folder although it has files of something else, outside of every git repository
    #[arg(long)]
    force: bool,
    /// Make no git repository
    #[arg(long)]
    no_git: bool,
    #[command(flatten)]
    connection: ConnectionOptions,
}

impl From<Arguments> for InitRequest {
    fn from(arguments: Arguments) -> Self {
        Self {
            folder: arguments.folder,
            connection: arguments.connection.into(),
            yes: arguments.yes,
            force: arguments.force,
            git: !arguments.no_git,
        }
    }
}
