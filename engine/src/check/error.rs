//! Errors of checks, and what to do about them.

use std::path::PathBuf;

use proxmox_mpc_model::Unreadable;
use proxmox_mpc_twin::recording::RecordingError;

use crate::history::HistoryError;
use crate::operation::{Fault, FaultKind};
use crate::settings::SettingsError;
use crate::timeline::TimelineError;

/// The reason why nothing was checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// A file or folder that was named is not there.
    #[error("there is no `{}`", path.display())]
    NoFile {
        /// The path.
        path: PathBuf,
    },
    /// The settings are not usable.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A file cannot be read.
    #[error(transparent)]
    Files(#[from] TimelineError),
    /// The repository cannot be read.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The last recording cannot be read.
    #[error("the last recording of the cluster cannot be read")]
    Recording(#[from] RecordingError),
    /// An answer of the last recording cannot be read.
    #[error("the last recording of the cluster cannot be read")]
    Answer(#[from] Unreadable),
    /// There is no index to check.
    #[error("`{}` is not in a git repository", folder.display())]
    NoRepository {
        /// The folder.
        folder: PathBuf,
    },
    /// No rule has this name.
    #[error("there is no rule `{word}`")]
    NoRule {
        /// The word.
        word: String,
    },
}

impl Fault for CheckError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::NoFile { .. } | Self::NoRule { .. } | Self::NoRepository { .. } => FaultKind::Usage,
            Self::Settings(error) => error.kind(),
            Self::Files(error) => error.kind(),
            Self::History(error) => error.kind(),
            Self::Recording(_) | Self::Answer(_) => FaultKind::Failed,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::NoRule { .. } => vec!["`proxmox-mpc check --explain` lists every rule.".to_owned()],
            Self::Recording(_) | Self::Answer(_) => {
                vec!["`proxmox-mpc import` or `proxmox-mpc sync` writes a new one.".to_owned()]
            }
            Self::Settings(error) => error.hints(),
            Self::Files(error) => error.hints(),
            Self::History(error) => error.hints(),
            Self::NoFile { .. } | Self::NoRepository { .. } => Vec::new(),
        }
    }
}
