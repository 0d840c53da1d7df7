//! Copy of a recording: only the answers that an import would ask the cluster for.
//!
//! A workspace then has the same answers, without secrets, whether it was imported from a cluster or from a recording of
//! it, which may have many more.

use proxmox_mpc_model::kinds::Kind;
use proxmox_mpc_model::{Answers as _, Cluster};
use proxmox_mpc_twin::recording::{About, Recording, RecordingWriter};

use super::ImportError;
use super::store::Store;
use crate::operation::{Context, Step, StepKind};

/// The copied answers.
pub(super) struct Copied {
    /// The recording of them.
    pub(super) recording: Recording,
    /// The number of answers.
    pub(super) answers: u64,
}

/// Copies every answer that an import of these kinds asks for, as far as the recording has them.
pub(super) async fn copy(
    from: &Recording,
    kinds: &[&'static Kind],
    writer: RecordingWriter,
    about: About,
    context: &Context,
) -> Result<Copied, ImportError> {
    let step = Step::start(context, StepKind::ReadRecording);
    let mut store = Store::start(writer, kinds, true);
    let mut wanted = Cluster::overview();
    let (mut answers, mut done, mut asked) = (0, 0, 0);
    while !wanted.is_empty() {
        asked += wanted.len() as u64;
        for path in wanted {
            if let Some(answer) = from.text(&path)? {
                answers += 1;
                store.put(path, answer).await?;
            }
            done += 1;
            step.progress(done, Some(asked));
        }
        wanted = store.plan().await?;
    }
    Ok(Copied { recording: store.finish(about).await?, answers })
}
