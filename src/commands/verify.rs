//! `verify`: the proof that the code is the cluster.

use std::path::PathBuf;
use std::sync::Arc;

use proxmox_mpc_twin::Recording;
use proxmox_mpc_twin::recording::RecordingError;

use crate::commands::{Failure, Outcome, Unwritten};
use crate::event::{Event, Sink as _};
use crate::fault::Fault;
use crate::settings::provider_caution;
use crate::toolchain::terraform;
use crate::ui::Ui;
use crate::verify::{self, Proof, ProofRecord};
use crate::workspace;

/// Prove with Terraform that the code is the cluster
///
/// Runs `terraform plan` on a copy of the code, against a twin of the recording that the import made: it needs no
/// right on the cluster and costs it nothing. The proof is good when everything is imported and nothing would be
/// added, changed or destroyed.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  proxmox-mpc verify lab           plan the code in lab/ against its own recording
  proxmox-mpc verify lab --live    plan it against the cluster, with your state and variables

Exit codes: 0 the code is the cluster, 3 something differs, 1 there is no proof.")]
pub struct Arguments {
    /// The folder that the import wrote
    #[arg(value_name = "DIR", default_value = ".")]
    workspace: PathBuf,
    /// Plan against the cluster, with your own state, credentials and variables; nothing is written to either
    #[arg(long)]
    live: bool,
    /// The recording to prove against, in place of the one that the last import made
    #[arg(long, value_name = "PATH", conflicts_with = "live")]
    recording: Option<PathBuf>,
    /// The terraform or tofu to run, in place of the one that PATH has (`PROXMOX_MPC_TERRAFORM`)
    #[arg(long, value_name = "FILE")]
    terraform_bin: Option<PathBuf>,
    /// Also write the proof in short, with digests of what it is about, to this file
    #[arg(long, value_name = "FILE", conflicts_with = "live")]
    proof: Option<PathBuf>,
}

/// There is nothing to prove against.
#[derive(Debug, thiserror::Error)]
enum RecordingFault {
    #[error("there is nothing to prove against")]
    Open(#[from] RecordingError),
}

impl Fault for RecordingFault {
    fn hints(&self) -> Vec<String> {
        vec![
            "An import makes a recording; `--recording PATH` names another one.".to_owned(),
            "To plan against the cluster itself, run again with `--live`.".to_owned(),
        ]
    }
}

impl Arguments {
    pub(super) fn run(self, ui: &Ui) -> Result<Outcome, Failure> {
        let choice = self
            .terraform_bin
            .clone()
            .or_else(|| crate::settings::variable("PROXMOX_MPC_TERRAFORM").map(PathBuf::from));
        let stored = self.workspace.join(workspace::RECORDING);
        let proof = if self.live {
            if let Some(text) = provider_caution(&crate::settings::variable) {
                ui.event(Event::Message { text });
            }
            // Without a recording there is nobody to warn of.
            let recording = Recording::open(&stored).ok();
            let tool = terraform::find(choice.as_deref(), ui)?;
            verify::live(&self.workspace, recording.as_ref(), &tool, ui)?
        } else {
            let path = self.recording.as_ref().unwrap_or(&stored);
            let recording = Arc::new(Recording::open(path).map_err(RecordingFault::Open)?);
            let tool = terraform::find(choice.as_deref(), ui)?;
            let proof = verify::against_twin(&self.workspace, Arc::clone(&recording), &tool, ui)?;
            self.record(&proof, &recording)?;
            proof
        };
        ui.report(&proof).map_err(Unwritten)?;
        Ok(proof.fault_kind().map_or(Outcome::Done, Outcome::Ended))
    }

    fn record(&self, proof: &Proof, recording: &Recording) -> Result<(), Failure> {
        let Some(path) = &self.proof else { return Ok(()) };
        let files = verify::generated(&self.workspace, &verify::manifest(&self.workspace)?)?;
        if let Some(record) = ProofRecord::new(proof, verify::digest(recording)?, files) {
            record.write(path)?;
        }
        Ok(())
    }
}
