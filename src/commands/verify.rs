//! `proxmox-mpc verify`: proves with Terraform that the code is the cluster.

use std::path::PathBuf;

use proxmox_mpc_engine::verify::VerifyRequest;

/// Prove with Terraform that the code is the cluster
///
/// Runs `terraform plan` on a copy of the code, against a twin of the recording that the import made. It sends no request
/// to the cluster. The proof holds if everything is imported and nothing would be added, changed or destroyed.
///
/// Objects whose code and answers have not changed since their last proof are not planned again.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc verify lab           plan the code in lab/ against its own recording
  proxmox-mpc verify lab --live    plan the code against the cluster, with your state and variables

Exit codes: 0 the code is the cluster, 3 something differs, 1 there is no proof.")]
pub struct Arguments {
    /// The folder that the import wrote
    #[arg(value_name = "DIR", default_value = ".")]
    workspace: PathBuf,
    /// Prove all of the code, and not only what changed since the last proof
    #[arg(long, conflicts_with = "live")]
    all: bool,
    /// Plan against the cluster, with your own state, credentials and variables, and without changing any of them
    #[arg(long)]
    live: bool,
    /// Use this recording instead of the one that the last import made
    #[arg(long, value_name = "PATH", conflicts_with = "live")]
    recording: Option<PathBuf>,
    /// Run this terraform or tofu instead of the one in PATH (`PROXMOX_MPC_TERRAFORM`)
    #[arg(long, value_name = "FILE")]
    terraform_bin: Option<PathBuf>,
    /// Also write a short proof, with digests of the recording and of the code, to this file
    #[arg(long, value_name = "FILE", conflicts_with = "live")]
    proof: Option<PathBuf>,
}

impl From<Arguments> for VerifyRequest {
    fn from(arguments: Arguments) -> Self {
        Self {
            workspace: arguments.workspace,
            all: arguments.all,
            live: arguments.live,
            recording: arguments.recording,
            terraform: arguments.terraform_bin,
            proof: arguments.proof,
        }
    }
}
