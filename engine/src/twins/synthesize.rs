//! Synthesize: makes up a recording of a cluster.

use std::path::PathBuf;

use proxmox_mpc_twin::recording::{RecordingError, RecordingWriter};
use proxmox_mpc_twin::synth::{Size, about, synthesize};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operation::report::ReportType;
use crate::operation::{Context, Effect, Failure, Fault, FaultKind, Interrupted, Request, Step, StepKind};

/// Request to make up a recording. The same numbers and the same seed give the same bytes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SynthesizeRequest {
    /// The place of the recording: a folder, or a file whose name ends in `.tar.zst`.
    pub recording: PathBuf,
    /// The number of nodes.
    pub nodes: u32,
    /// The number of guests.
    pub guests: u32,
    /// The seed: another one makes another cluster of the same size.
    pub seed: u64,
}

/// Report of a recording that was made up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Synthesis {
    /// The place of the recording.
    pub recording: PathBuf,
    /// The number of its nodes.
    pub nodes: u32,
    /// The number of its guests.
    pub guests: u32,
    /// The seed that it was made from.
    pub seed: u64,
    /// The number of its answers.
    pub answers: u64,
}

impl ReportType for Synthesis {
    const KIND: &'static str = "synthesis";
}

/// The recording could not be made up.
#[derive(Debug, thiserror::Error)]
enum SynthesisError {
    #[error("could not make up the recording")]
    Recording(#[from] RecordingError),
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl Fault for SynthesisError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Recording(error) => error.kind(),
            Self::Interrupted(error) => error.kind(),
        }
    }
}

/// The number of answers between two events of progress.
const PROGRESS: u64 = 500;

impl Request for SynthesizeRequest {
    const NAME: &'static str = "twin synth";
    const EFFECT: Effect = Effect::WritesElsewhere;
    type Report = Synthesis;

    async fn run(self, context: Context) -> Result<Synthesis, Failure> {
        Ok(context.block(move |context| self.write(context)).await?)
    }
}

impl SynthesizeRequest {
    fn write(self, context: &Context) -> Result<Synthesis, SynthesisError> {
        let step = Step::start(context, StepKind::Synthesize);
        let size = Size { nodes: self.nodes, guests: self.guests };
        let writer = RecordingWriter::create(&self.recording)?;
        let mut answers = 0;
        for (path, answer) in synthesize(size, self.seed) {
            context.cancel().check()?;
            writer.put(&path, &answer)?;
            answers += 1;
            if answers % PROGRESS == 0 {
                step.progress(answers, None);
            }
        }
        writer.finish_unless(&about(size), &|| context.cancel().requested())?;
        let Self { recording, nodes, guests, seed } = self;
        Ok(Synthesis { recording, nodes, guests, seed, answers })
    }
}
