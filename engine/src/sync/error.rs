//! Errors of a sync, with what to do about them.

use std::path::PathBuf;

use proxmox_mpc_generators::manifest::ManifestError;
use proxmox_mpc_model::Unreadable;
use proxmox_mpc_model::observation::FileError;

use crate::history::HistoryError;
use crate::import::ImportError;
use crate::operation::{Fault, FaultKind};
use crate::settings::SettingsError;
use crate::timeline::TimelineError;

/// The sync failed.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The cluster could not be read, or its code not be generated.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// Git could not do what was asked of it.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The settings are not usable.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The task log could not be read.
    #[error(transparent)]
    Timeline(#[from] TimelineError),
    /// The workspace is under no version control.
    #[error("`{}` is in no git repository", folder.display())]
    NoRepository {
        /// The workspace.
        folder: PathBuf,
    },
    /// The manifest at HEAD is not valid.
    #[error("`manifest.json` at HEAD cannot be used")]
    Manifest(#[source] ManifestError),
    /// An observation under version control is not valid.
    #[error("the observations of the generated branch cannot be read")]
    Observation(#[from] FileError),
}

impl From<Unreadable> for SyncError {
    fn from(source: Unreadable) -> Self {
        ImportError::from(source).into()
    }
}

impl Fault for SyncError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Import(error) => error.kind(),
            Self::History(error) => error.kind(),
            Self::Settings(error) => error.kind(),
            Self::Timeline(error) => error.kind(),
            Self::NoRepository { .. } => FaultKind::Usage,
            Self::Manifest(_) | Self::Observation(_) => FaultKind::Failed,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            // What an import advises is right here, but for the name of the command.
            Self::Import(error @ ImportError::Removal { .. }) => {
                error.hints().into_iter().map(|hint| hint.replace("import again", "sync again")).collect()
            }
            Self::Import(error) => error.hints(),
            Self::History(error) => error.hints(),
            Self::Settings(error) => error.hints(),
            Self::Timeline(error) => error.hints(),
            Self::NoRepository { folder } => vec![
                format!("`proxmox-mpc init {}` makes one, and writes the settings of the workspace.", folder.display()),
                "`proxmox-mpc import` writes the code without git.".to_owned(),
            ],
            Self::Manifest(ManifestError::Newer(_)) => {
                vec!["Install the version of proxmox-mpc that wrote it, or a newer one.".to_owned()]
            }
            Self::Manifest(_) => {
                vec![
                    "`git log -p manifest.json` shows who changed it; `git checkout REV manifest.json` restores it."
                        .to_owned(),
                ]
            }
            Self::Observation(_) => vec![
                "Nobody but proxmox-mpc should commit to the generated branch: `git log` of it shows who did."
                    .to_owned(),
                "`git branch -m` gives it another name; the next sync begins a new one.".to_owned(),
            ],
        }
    }
}
