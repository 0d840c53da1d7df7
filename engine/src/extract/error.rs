//! Errors of extractions, and what to do about them.

use std::io;
use std::path::PathBuf;

use proxmox_mpc_code::configuration::PathError;
use proxmox_mpc_code::extract::Refusal;
use proxmox_mpc_twin::recording::RecordingError;

use crate::operation::{Fault, FaultKind};
use crate::settings::SettingsError;
use crate::timeline::TimelineError;
use crate::verify::VerifyError;

/// The reason why nothing was extracted.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// The code cannot be refactored in this way.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The attribute is not a path.
    #[error(transparent)]
    Path(#[from] PathError),
    /// No object has this identity.
    #[error("the manifest has no object `{word}`")]
    NoObject {
        /// The text.
        word: String,
    },
    /// The settings are not usable.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A file of the workspace cannot be read or written.
    #[error(transparent)]
    Files(#[from] TimelineError),
    /// There is no recording to prove the code against.
    #[error("nothing proves that this changes nothing: there is no recording")]
    NoRecording(#[source] RecordingError),
    /// The code could not be planned.
    #[error("nothing proves that this changes nothing")]
    NoProof(#[source] VerifyError),
    /// The manifest cannot be read.
    #[error(transparent)]
    Manifest(VerifyError),
    /// The copy for the proof cannot be made.
    #[error("could not copy `{}` for the proof", path.display())]
    Copy {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The refactored code is planned otherwise than the code before.
    #[error("the refactored code would not be the same: {difference}")]
    Differs {
        /// The difference, as a sentence.
        difference: String,
    },
}

impl Fault for ExtractError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Refused(_) | Self::Path(_) | Self::NoObject { .. } => FaultKind::Usage,
            Self::Settings(error) => error.kind(),
            Self::Files(error) => error.kind(),
            Self::NoProof(error) | Self::Manifest(error) => error.kind(),
            Self::Differs { .. } | Self::NoRecording(_) | Self::Copy { .. } => FaultKind::Failed,
        }
    }

    fn hints(&self) -> Vec<String> {
        let without = "With `--no-proof` the code is written all the same.";
        match self {
            Self::Settings(error) => error.hints(),
            Self::Files(error) => error.hints(),
            Self::Manifest(error) => error.hints(),
            Self::NoProof(error) => error.hints().into_iter().chain([without.to_owned()]).collect(),
            Self::NoRecording(_) => vec![
                "`proxmox-mpc sync` makes a recording; `--recording PATH` names another one.".to_owned(),
                without.to_owned(),
            ],
            Self::Differs { .. } => {
                vec!["Nothing was written. `--dry-run` prints the patch.".to_owned()]
            }
            Self::NoObject { .. } => vec!["Name it as in manifest.json (`qemu/101`), or by its address.".to_owned()],
            Self::Refused(_) | Self::Path(_) | Self::Copy { .. } => Vec::new(),
        }
    }
}
