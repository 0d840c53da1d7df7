//! Request of a proof, against a twin or against the cluster.

use std::path::PathBuf;
use std::sync::Arc;

use proxmox_mpc_twin::Recording;
use proxmox_mpc_twin::recording::RecordingError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Proof, ProofRecord, changed, digest, generated, live, manifest};
use crate::operation::{Context, Effect, Failure, Fault, Message, Request};
use crate::settings::{self, provider_caution};
use crate::toolchain::terraform;

/// Request to prove with Terraform that the code is the cluster.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VerifyRequest {
    /// The workspace, or a folder in it.
    pub workspace: PathBuf,
    /// Prove all of the code, and not only what changed since the last proof.
    pub all: bool,
    /// Plan against the cluster, with the user's own state, credentials and variables.
    pub live: bool,
    /// The recording to prove against; without it, the one that the last import made.
    pub recording: Option<PathBuf>,
    /// The terraform or tofu to run; without it, the one in PATH.
    pub terraform: Option<PathBuf>,
    /// The file to write a short proof to, with digests of the recording and of the code.
    pub proof: Option<PathBuf>,
}

/// There is no recording to prove against.
#[derive(Debug, thiserror::Error)]
#[error("there is no recording to prove the code against")]
struct NoRecordingToProve(#[from] RecordingError);

impl Fault for NoRecordingToProve {
    fn hints(&self) -> Vec<String> {
        vec![
            "Make a recording with `proxmox-mpc import`, or name another one with `--recording PATH`.".to_owned(),
            "To plan against the cluster itself, run again with `--live`.".to_owned(),
        ]
    }
}

impl Request for VerifyRequest {
    const NAME: &'static str = "verify";
    const EFFECT: Effect = Effect::Reads;
    type Report = Proof;

    async fn run(self, context: Context) -> Result<Proof, Failure> {
        context.block(move |context| self.prove(context)).await
    }
}

impl VerifyRequest {
    fn prove(&self, context: &Context) -> Result<Proof, Failure> {
        let workspace = settings::workspace(context, &self.workspace)?;
        let program = settings::terraform(context, self.terraform.clone(), Some(&workspace))?;
        if self.live {
            let variable = |name: &str| context.sources().variable(name).map(str::to_owned);
            if let Some(caution) = provider_caution(&variable) {
                context.message(Message::Caution(caution));
            }
            // The recording is optional: it is needed only for warnings and explanations.
            let recording = Recording::open(&workspace.recording()).ok();
            let tool = terraform::find(program.as_deref(), context)?;
            return Ok(live(&workspace, recording.as_ref(), &tool, context)?);
        }
        let path = self.recording.clone().unwrap_or_else(|| workspace.recording());
        let recording = Arc::new(Recording::open(&path).map_err(NoRecordingToProve)?);
        // A proof to keep elsewhere has the counts of the whole plan.
        let all = self.all || self.proof.is_some();
        let proof = changed::prove(&workspace, (&path, &recording), program.as_deref(), all, context)?;
        if let Some(path) = &self.proof {
            let files = generated(&workspace, &manifest(&workspace)?)?;
            if let Some(record) = ProofRecord::new(&proof, digest(&recording)?, files) {
                record.write(path)?;
            }
        }
        Ok(proof)
    }
}
