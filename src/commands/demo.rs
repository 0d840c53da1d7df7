//! `proxmox-mpc demo`: the whole way from a cluster to proven code, with no cluster at hand.

use std::path::PathBuf;

use proxmox_mpc_engine::demo::DemoRequest;

/// Show everything on a recorded cluster: import it over HTTPS, write the code, and prove it
///
/// Starts a twin of a recorded three-node cluster on loopback and treats it like any cluster. Needs no cluster and no
/// network; where Terraform can install the provider it goes on to the proof.
#[derive(clap::Args, Clone, Debug)]
pub struct Arguments {
    /// Where to write the code
    #[arg(long, short, value_name = "DIR", default_value = "proxmox-mpc-demo")]
    out: PathBuf,
}

impl From<Arguments> for DemoRequest {
    fn from(arguments: Arguments) -> Self {
        Self { out: arguments.out }
    }
}
