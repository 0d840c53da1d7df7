//! `proxmox-mpc rehearse`: applies the code to a twin, and shows what happened to it.

use std::path::PathBuf;

use proxmox_mpc_engine::rehearse::{EVERYTHING, RehearseRequest};

use super::connection::ConnectionOptions;

/// Show what an apply would do to the cluster, by applying the code to a twin
///
/// Starts a twin of the last recording, applies a copy of the workspace's Terraform to it, and reports what happened there:
/// objects created, changed and destroyed, guests restarted or replaced and in which order, calls that Proxmox would refuse,
/// and the known traps of the provider. Starts from a copy of the workspace's state, which `terraform state pull` reads; a
/// workspace whose imports were never applied works as well. Nothing is written outside of a temporary copy.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc rehearse lab              what would `terraform apply` in lab/terraform do to the cluster?
  proxmox-mpc rehearse lab --live       what would it do to the cluster as it is now?
  proxmox-mpc rehearse lab --ansible    what would the playbooks do after it?
  proxmox-mpc rehearse lab --destroy    what would `terraform destroy` do?

Exit codes: 0 the apply would succeed and destroy nothing, 3 something would be destroyed or replaced, 1 the apply would
fail, or could not be rehearsed.")]
pub struct Arguments {
    /// The folder that the import wrote
    #[arg(value_name = "DIR", default_value = ".")]
    workspace: PathBuf,
    /// Record the cluster first, with GET requests only, and rehearse on that recording
    #[arg(long, conflicts_with = "recording")]
    live: bool,
    /// Rehearse on this recording instead of the one that the last import made
    #[arg(long, value_name = "PATH")]
    recording: Option<PathBuf>,
    /// Rehearse `terraform destroy`
    #[arg(long, conflicts_with = "ansible")]
    destroy: bool,
    /// Also run the playbooks, after Terraform: the plays for localhost, which use the API
    #[arg(long)]
    ansible: bool,
    /// Rehearse with the privileges that this API token has in the recording; a token name that the user does not have
    /// stands for all privileges of the user
    #[arg(long = "as", value_name = "USER@REALM!NAME", default_value = EVERYTHING, value_parser = token)]
    login: String,
    /// Also take values of variables from this file, besides terraform.tfvars and *.auto.tfvars; may be given more than once
    ///
    /// Variables without a value get a placeholder.
    #[arg(long, value_name = "FILE")]
    var_file: Vec<PathBuf>,
    /// Run this terraform or tofu instead of the one in PATH (`PROXMOX_MPC_TERRAFORM`)
    #[arg(long, value_name = "FILE")]
    terraform_bin: Option<PathBuf>,
    /// Run this ansible-playbook instead of the one in PATH
    #[arg(long, value_name = "FILE", requires = "ansible")]
    ansible_bin: Option<PathBuf>,
    #[command(flatten)]
    connection: ConnectionOptions,
}

impl From<Arguments> for RehearseRequest {
    fn from(arguments: Arguments) -> Self {
        Self {
            workspace: arguments.workspace,
            live: arguments.live,
            connection: arguments.connection.into(),
            recording: arguments.recording,
            destroy: arguments.destroy,
            ansible: arguments.ansible,
            login: arguments.login,
            var_files: arguments.var_file,
            terraform: arguments.terraform_bin,
            ansible_playbook: arguments.ansible_bin,
        }
    }
}

/// Parses the name of an API token, without its secret.
fn token(text: &str) -> Result<String, String> {
    let parts = text.split_once('!').map(|(user, name)| (user.rsplit_once('@'), name));
    match parts {
        Some((Some((user, realm)), name)) if ![user, realm, name].contains(&"") && !name.contains('=') => {
            Ok(text.to_owned())
        }
        _ => Err("not the name of a token: it has the form `user@realm!name`, without the secret".to_owned()),
    }
}
