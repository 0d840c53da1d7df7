//! `proxmox-mpc demo`: imports a recorded cluster and proves the code, without a cluster at hand.

use std::path::PathBuf;

use proxmox_mpc_engine::demo::DemoRequest;

/// Try everything on a recorded cluster: import it over HTTPS, write the code, and prove it
///
/// Starts a twin of a recorded three-node cluster on loopback and imports it like any other cluster. Needs no cluster and
/// no network. The proof is made if Terraform can install the provider.
#[derive(clap::Args, Clone, Debug)]
pub struct Arguments {
    /// Write the code into this folder
    #[arg(long, short, value_name = "DIR", default_value = "proxmox-mpc-demo")]
    out: PathBuf,
}

impl From<Arguments> for DemoRequest {
    fn from(arguments: Arguments) -> Self {
        Self { out: arguments.out }
    }
}
