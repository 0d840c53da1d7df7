//! `rehearse`: what an apply would do to the cluster, seen on a twin.

use std::path::PathBuf;
use std::sync::Arc;

use proxmox_mpc_model::kinds::KINDS;
use proxmox_mpc_twin::Recording;
use proxmox_mpc_twin::recording::{RecordingError, RecordingWriter};

use super::{Failure, Outcome, Unwritten, wait};
use crate::clock;
use crate::fault::Fault;
use crate::import::fetch;
use crate::rehearse::{self, Job};
use crate::settings::{self, Flags};
use crate::toolchain::terraform;
use crate::ui::Ui;
use crate::workbench::WorkbenchError;
use crate::workspace;

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
    #[arg(long = "as", value_name = "USER@REALM!NAME", default_value = "root@pam!twin", value_parser = token)]
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
    connection: Flags,
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

/// There is nothing to rehearse on.
#[derive(Debug, thiserror::Error)]
enum RecordingFault {
    #[error("there is nothing to make a twin of")]
    Open(#[from] RecordingError),
}

impl Fault for RecordingFault {
    fn hints(&self) -> Vec<String> {
        vec![
            "An import makes a recording; `--recording PATH` names another one.".to_owned(),
            "To record the cluster as it is now, run again with `--live`.".to_owned(),
        ]
    }
}

impl Arguments {
    pub(super) fn run(self, ui: &Ui) -> Result<Outcome, Failure> {
        let choice =
            self.terraform_bin.clone().or_else(|| settings::variable("PROXMOX_MPC_TERRAFORM").map(PathBuf::from));
        let now = clock::now();
        // The recording of the cluster is gone with this folder.
        let folder = tempfile::tempdir().map_err(WorkbenchError::Scratch)?;
        let recording = if self.live {
            self.record(&folder.path().join("recording"), &now, ui)?
        } else {
            let stored = self.workspace.join(workspace::RECORDING);
            Recording::open(self.recording.as_ref().unwrap_or(&stored)).map_err(RecordingFault::Open)?
        };
        let tool = terraform::find(choice.as_deref(), ui)?;
        let program = self.ansible_bin.unwrap_or_else(|| PathBuf::from("ansible-playbook"));
        let job = Job {
            workspace: self.workspace,
            recording: Arc::new(recording),
            live: self.live,
            now,
            tool,
            var_files: self.var_file,
            login: self.login,
            destroy: self.destroy,
            ansible: self.ansible.then_some(program),
            given: settings::variables("TF_VAR_"),
            selected: (settings::variable("TF_WORKSPACE"), settings::variable("TF_DATA_DIR")),
        };
        let rehearsal = rehearse::rehearse(&job, ui)?;
        ui.report(&rehearsal).map_err(Unwritten)?;
        Ok(rehearsal.fault_kind().map_or(Outcome::Done, Outcome::Ended))
    }

    /// Asks the cluster for everything, and keeps the answers in `place`.
    fn record(&self, place: &std::path::Path, now: &str, ui: &Ui) -> Result<Recording, Failure> {
        let client = super::client(self.connection.clone(), ui)?;
        let options = fetch::Options { concurrency: 16, ask_guests: true, recorded_at: now.to_owned() };
        let writer = RecordingWriter::create(place)?;
        Ok(wait(fetch::record(&client, KINDS, writer, &options, ui))??.recording)
    }
}
