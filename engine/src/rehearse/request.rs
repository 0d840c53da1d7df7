//! Request of a rehearsal, and the recording that it uses.

use std::path::PathBuf;
use std::sync::Arc;

use proxmox_mpc_model::kinds::KINDS;
use proxmox_mpc_twin::Recording;
use proxmox_mpc_twin::recording::{RecordingError, RecordingWriter};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Rehearsal, RehearsalJob, rehearse};
use crate::client::Client;
use crate::import::fetch;
use crate::operation::{Context, Effect, Failure, Fault, Request};
use crate::settings::{self, Connection};
use crate::toolchain::terraform;
use crate::workbench::WorkbenchError;
use crate::workspace::Workspace;

/// Request to apply the code of a workspace to a twin, and to report what happened there.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RehearseRequest {
    /// The workspace, or a folder in it.
    pub workspace: PathBuf,
    /// Record the cluster first, and rehearse on that recording.
    pub live: bool,
    /// The connection to the cluster, for a live rehearsal.
    pub connection: Connection,
    /// The recording to rehearse on; without it, the one that the last import made.
    pub recording: Option<PathBuf>,
    /// Rehearse `terraform destroy`.
    pub destroy: bool,
    /// Also run the playbooks, after Terraform.
    pub ansible: bool,
    /// The API token whose privileges apply: `user@realm!name`.
    pub login: String,
    /// Files with values of variables, besides those that Terraform reads automatically.
    pub var_files: Vec<PathBuf>,
    /// The terraform or tofu to run; without it, the one in PATH.
    pub terraform: Option<PathBuf>,
    /// The ansible-playbook to run; without it, the one in PATH.
    pub ansible_playbook: Option<PathBuf>,
}

/// The default API token of a rehearsal, which may do everything.
pub const EVERYTHING: &str = "root@pam!twin";

impl Default for RehearseRequest {
    fn default() -> Self {
        Self {
            workspace: PathBuf::from("."),
            live: false,
            connection: Connection::default(),
            recording: None,
            destroy: false,
            ansible: false,
            login: EVERYTHING.to_owned(),
            var_files: Vec::new(),
            terraform: None,
            ansible_playbook: None,
        }
    }
}

/// There is no recording to rehearse on.
#[derive(Debug, thiserror::Error)]
#[error("there is no recording to rehearse on")]
struct NoRecordingToRehearse(#[from] RecordingError);

impl Fault for NoRecordingToRehearse {
    fn hints(&self) -> Vec<String> {
        vec![
            "Make a recording with `proxmox-mpc import`, or name another one with `--recording PATH`.".to_owned(),
            "To record the cluster as it is now, run again with `--live`.".to_owned(),
        ]
    }
}

impl Request for RehearseRequest {
    const NAME: &'static str = "rehearse";
    const EFFECT: Effect = Effect::Reads;
    type Report = Rehearsal;

    async fn run(self, context: Context) -> Result<Rehearsal, Failure> {
        let (now, workspace) = (context.now(), settings::workspace(&context, &self.workspace)?);
        // The recording of the cluster is removed with this folder.
        let folder = tempfile::tempdir().map_err(WorkbenchError::Scratch)?;
        let recording = if self.live {
            let record = self.record(folder.path().join("recording"), workspace.clone(), &now, &context);
            Some(context.unless_cancelled(record).await??)
        } else {
            None
        };
        context.block(move |context| self.rehearse(workspace, recording, now, context)).await
    }
}

impl RehearseRequest {
    fn rehearse(
        self,
        workspace: Workspace,
        recorded: Option<Recording>,
        now: String,
        context: &Context,
    ) -> Result<Rehearsal, Failure> {
        let recording = if let Some(recording) = recorded {
            recording
        } else {
            let path = self.recording.unwrap_or_else(|| workspace.recording());
            Recording::open(&path).map_err(NoRecordingToRehearse)?
        };
        let program = settings::terraform(context, self.terraform, Some(&workspace))?;
        let tool = terraform::find(program.as_deref(), context)?;
        let program = settings::ansible_playbook(context, self.ansible_playbook, Some(&workspace))?;
        let variable = |name| context.sources().variable(name).map(str::to_owned);
        let job = RehearsalJob {
            workspace,
            recording: Arc::new(recording),
            live: self.live,
            now,
            tool,
            var_files: self.var_files,
            login: self.login,
            destroy: self.destroy,
            ansible: self.ansible.then_some(program),
            given: context.sources().names("TF_VAR_"),
            selected: (variable("TF_WORKSPACE"), variable("TF_DATA_DIR")),
        };
        Ok(rehearse(&job, context)?)
    }

    /// Records the cluster at `path`.
    async fn record(
        &self,
        path: PathBuf,
        workspace: Workspace,
        now: &str,
        context: &Context,
    ) -> Result<Recording, Failure> {
        let connection = self.connection.clone();
        let concurrency = settings::concurrency(context, None, Some(&workspace))?;
        let settings = context.block(move |context| settings::of(context, connection, Some(&workspace))).await?;
        let client = Client::new(settings)?;
        let options = fetch::FetchOptions { concurrency, ask_guests: true, recorded_at: now.to_owned() };
        let writer = RecordingWriter::create(&path)?;
        Ok(fetch::record(&client, KINDS, writer, &options, context).await?.recording)
    }
}
