//! Errors of the commands that look at the timeline, and what to do about them.

use std::io;
use std::path::PathBuf;

use proxmox_mpc_generators::manifest::ManifestError;
use proxmox_mpc_model::observation::FileError;
use proxmox_mpc_model::{Identity, Moment, Unreadable};

use crate::history::HistoryError;
use crate::operation::{Fault, FaultKind};
use crate::settings::SettingsError;
use crate::workspace::WorkspaceError;

/// The reason why the timeline of a cluster cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum TimelineError {
    /// The workspace is in no git repository.
    #[error("`{}` is not in a git repository", folder.display())]
    NoRepository {
        /// The workspace.
        folder: PathBuf,
    },
    /// The workspace was never synced.
    #[error("there is no sync yet: the branch `{branch}` is not there")]
    NoSync {
        /// The generated branch.
        branch: String,
    },
    /// No object has this identity or name.
    #[error("no object is called `{word}`")]
    NoObject {
        /// The text.
        word: String,
    },
    /// Several objects have this name.
    #[error("several objects are called `{word}`: {}", identities.join(", "))]
    SeveralObjects {
        /// The text.
        word: String,
        /// Their identities.
        identities: Vec<String>,
    },
    /// Two answers to one question.
    #[error("`{one}` and `{other}` exclude each other")]
    Conflicting {
        /// An option.
        one: &'static str,
        /// Another.
        other: &'static str,
    },
    /// The settings are not usable.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Git refused.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// A file of an observation cannot be read back.
    #[error("the observation on the generated branch cannot be read")]
    Observation(#[from] FileError),
    /// A stored answer cannot be read back.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The manifest on the generated branch cannot be read.
    #[error("the manifest on the generated branch cannot be read")]
    Manifest {
        /// The reason.
        source: ManifestError,
    },
    /// The object had no Terraform code at that time.
    #[error("{object} had no Terraform code in the sync of {}", moment(*time))]
    NoFormerCode {
        /// The object.
        object: Identity,
        /// The time of the sync, in seconds since 1970 (UTC).
        time: i64,
    },
    /// The workspace is in use, or cannot be locked.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// A file of the workspace cannot be written.
    #[error("could not write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A file of the workspace cannot be read.
    #[error("could not read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

impl Fault for TimelineError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Settings(error) => error.kind(),
            Self::History(error) => error.kind(),
            Self::Workspace(error) => error.kind(),
            Self::NoFormerCode { .. }
            | Self::NoObject { .. }
            | Self::SeveralObjects { .. }
            | Self::Conflicting { .. } => FaultKind::Usage,
            _ => FaultKind::Failed,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::NoRepository { .. } => "`proxmox-mpc init` makes one, or run this in the folder of a workspace.",
            Self::NoSync { .. } => "`proxmox-mpc sync` reads the cluster and makes the branch.",
            Self::NoObject { .. } => "Name it as Proxmox-MPC does, as in `qemu/101`, or by the name of a guest.",
            Self::SeveralObjects { .. } => "Name one of them by its identity.",
            Self::Conflicting { .. } => "Use one of them.",
            Self::Observation(_) | Self::Manifest { .. } => {
                "Only syncs write this branch: `git log` shows who else has, and `git reflog` where it was before."
            }
            Self::NoFormerCode { .. } => {
                "`proxmox-mpc history` shows when it was there; what Ansible keeps is in the roles of `ansible/`."
            }
            Self::Settings(error) => return error.hints(),
            Self::History(error) => return error.hints(),
            Self::Workspace(error) => return error.hints(),
            Self::Unreadable(_) | Self::Read { .. } | Self::Write { .. } => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}

/// A time for people: `2026-11-30 10:12:00 UTC`.
fn moment(seconds: i64) -> String {
    format!("{} UTC", Moment::at(u64::try_from(seconds).unwrap_or_default()).spaced())
}
