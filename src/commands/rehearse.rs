//! `proxmox-mpc rehearse`: what an apply would do to the cluster, seen on a twin.

use std::path::PathBuf;

use proxmox_mpc_engine::rehearse::{EVERYTHING, RehearseRequest};

use super::connection::ConnectionOptions;

/// Show what an apply would do to the cluster, by doing it to a twin
///
/// Starts a twin of the last recording, applies a copy of the workspace's Terraform to it, and reports what happened there:
/// objects created, changed and destroyed, guests restarted or replaced and in which order, calls that Proxmox would refuse,
/// and the known traps of the provider. Begins with a copy of the workspace's state (`terraform state pull` is the one thing
/// that is read outside); a workspace whose imports were never applied works as well. Nothing is written outside of a scratch
/// copy.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc rehearse lab              what would `terraform apply` in lab/terraform do to the cluster?
  proxmox-mpc rehearse lab --live       the same, on the cluster as it is now
  proxmox-mpc rehearse lab --ansible    and then the playbooks
  proxmox-mpc rehearse lab --destroy    what would `terraform destroy` do?

Exit codes: 0 nothing would be lost and all would go well, 3 something would be destroyed or replaced, 1 the apply would fail,
or there is no rehearsal.")]
pub struct Arguments {
    /// The folder that the import wrote
    #[arg(value_name = "DIR", default_value = ".")]
    workspace: PathBuf,
    /// Record the cluster first, and rehearse on that; asks it nothing but GETs
    #[arg(long, conflicts_with = "recording")]
    live: bool,
    /// The recording to rehearse on, in place of the one that the last import made
    #[arg(long, value_name = "PATH")]
    recording: Option<PathBuf>,
    /// Rehearse `terraform destroy`
    #[arg(long, conflicts_with = "ansible")]
    destroy: bool,
    /// Run the playbooks as well, after Terraform: the plays for localhost, which are those that ask the API
    #[arg(long)]
    ansible: bool,
    /// Rehearse with the rights of this API token, as the recording has them; a name that the user does not have stands for
    /// all that the user may
    #[arg(long = "as", value_name = "USER@REALM!NAME", default_value = EVERYTHING, value_parser = token)]
    login: String,
    /// Take values of variables from this file, beside terraform.tfvars and *.auto.tfvars; may be given more than once
    ///
    /// Variables without a value get one that stands for it.
    #[arg(long, value_name = "FILE")]
    var_file: Vec<PathBuf>,
    /// The terraform or tofu to run, in place of the one that PATH has (`PROXMOX_MPC_TERRAFORM`)
    #[arg(long, value_name = "FILE")]
    terraform_bin: Option<PathBuf>,
    /// The ansible-playbook to run, in place of the one that PATH has
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

/// The name of an API token, without its secret.
fn token(text: &str) -> Result<String, String> {
    let parts = text.split_once('!').map(|(user, name)| (user.rsplit_once('@'), name));
    match parts {
        Some((Some((user, realm)), name)) if ![user, realm, name].contains(&"") && !name.contains('=') => {
            Ok(text.to_owned())
        }
        _ => Err("it takes `user@realm!name`, without the secret".to_owned()),
    }
}
