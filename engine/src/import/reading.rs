//! Reading of a cluster and generation of its code: what an import and a sync have in common.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proxmox_mpc_generators::{Generated, Options, Previous, generate};
use proxmox_mpc_model::Cluster;
use proxmox_mpc_model::kinds::Kind;
use proxmox_mpc_twin::recording::{Recording, RecordingWriter};

use super::fetch::{self, FetchOptions, Fetched, FetchedAnswers};
use super::{ImportError, copy};
use crate::client::Client;
use crate::operation::{Context, Message, Step, StepKind};
use crate::workspace::lock::{self, Attempt, Holder, Lock};
use crate::workspace::{Workspace, WorkspaceError};

/// Source of the answers.
pub enum Source {
    /// A running cluster.
    Cluster(Box<Client>),
    /// A recording of a cluster.
    Recording(Recording),
}

/// Reads every answer that the code of these kinds needs, into the scratch folder. A login that sees nothing is refused:
/// its empty lists would look as if everything had been deleted.
pub(crate) async fn read(
    source: &Source,
    kinds: &[&'static Kind],
    scratch: &ScratchFolder,
    options: &FetchOptions,
    context: &Context,
) -> Result<Fetched, ImportError> {
    let writer = RecordingWriter::create(&scratch.recording())?;
    let fetched = match source {
        Source::Cluster(client) => fetch::record(client, kinds, writer, options, context).await?,
        Source::Recording(recording) => {
            let about = recording.about().clone();
            let copied = copy::copy(recording, kinds, writer, about, context).await?;
            Fetched { recording: copied.recording, asked: copied.answers, sent: 0, failures: Vec::new() }
        }
    };
    if Cluster::read(&fetched.recording)?.permissions.is_empty() {
        let login = fetched.recording.about().login.clone().unwrap_or_default();
        return Err(ImportError::Blind { login });
    }
    Ok(fetched)
}

/// Input of the generators.
pub(crate) struct Input {
    /// The answers.
    pub(crate) fetched: Fetched,
    /// The user's options.
    pub(crate) options: Options,
    /// The code so far.
    pub(crate) previous: Previous,
}

/// Generates the code on a thread of its own: for a large cluster this takes a while, and the user may cancel it.
pub(crate) async fn generate_code(input: Input, context: &Context) -> Result<(Input, Generated), ImportError> {
    let _step = Step::start(context, StepKind::GenerateCode);
    let work = context.compute(move || {
        let Input { fetched, options, previous } = &input;
        let generated = generate(&FetchedAnswers::from(fetched), options, previous);
        generated.map(|generated| (input, generated))
    });
    Ok(work.await?)
}

/// The interval at which a waiting import tries to lock the workspace.
const RETRY: Duration = Duration::from_millis(200);

/// Locks the workspace, and removes what killed imports left there.
pub(crate) async fn lock(workspace: &Workspace, wait: bool, now: &str, context: &Context) -> Result<Lock, ImportError> {
    let (us, mut announced) = (Holder::new(context.actor().name.clone(), now.to_owned()), false);
    loop {
        match lock::attempt(workspace, &us)? {
            Attempt::Locked(lock) => {
                workspace.clean()?;
                return Ok(lock);
            }
            Attempt::Busy(holder) if !wait => {
                return Err(WorkspaceError::Busy { folder: workspace.root().to_owned(), holder }.into());
            }
            Attempt::Busy(holder) => {
                if !std::mem::replace(&mut announced, true) {
                    context.message(Message::WaitingForLock { folder: workspace.root().to_owned(), holder });
                }
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// Temporary folder that the recording is written to before the workspace is changed.
pub(crate) struct ScratchFolder {
    folder: tempfile::TempDir,
}

impl ScratchFolder {
    /// Creates the folder beside the workspace, so that the recording can be renamed into it. `anywhere` is for an import
    /// that does not keep its recording.
    pub(crate) fn beside(workspace: &Workspace, anywhere: bool) -> Result<Self, ImportError> {
        let failed = |source| ImportError::Write { path: workspace.root().to_owned(), source };
        let folder = if anywhere { tempfile::tempdir().map_err(failed)? } else { workspace.unfinished()? };
        Ok(Self { folder })
    }

    pub(crate) fn recording(&self) -> PathBuf {
        self.folder.path().join("recording")
    }

    /// Moves the recording into the workspace, where it replaces the one before.
    pub(crate) fn move_recording(&self, path: &Path) -> Result<(), ImportError> {
        let failed = |source| ImportError::Write { path: path.to_owned(), source };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        match fs::rename(path, self.folder.path().join("before")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        fs::rename(self.recording(), path).map_err(failed)
    }
}
