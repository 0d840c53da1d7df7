//! Errors of drift, with the way on.

use std::io;
use std::path::PathBuf;

use proxmox_mpc_model::Identity;

use crate::operation::{Fault, FaultKind};
use crate::sync::SyncError;
use crate::timeline::TimelineError;

/// Error of a command about drift.
#[derive(Debug, thiserror::Error)]
pub enum DriftError {
    /// The code has no sync: there is nothing that the cluster can have drifted from.
    #[error("the code in {} has never been synced with the cluster", folder.display())]
    NoSync {
        /// The workspace.
        folder: PathBuf,
    },
    /// Rules in the settings that cannot be read.
    #[error("the rules of drift in {} cannot be read: {problem}", path.display())]
    Rules {
        /// The settings file.
        path: PathBuf,
        /// The problem.
        problem: String,
    },
    /// A rule whose end is no date.
    #[error("`{text}` in {} is not a date such as 2027-01-31", path.display())]
    Date {
        /// The settings file.
        path: PathBuf,
        /// The text.
        text: String,
    },
    /// The file of accepted drift cannot be read or written.
    #[error("{} cannot be read or written", path.display())]
    Accepted {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// An object that has not drifted.
    #[error("{word} has not drifted")]
    NoDrift {
        /// The object, as it was named.
        word: String,
    },
    /// Objects were named, and all were asked for.
    #[error("name the objects, or all of them with --all")]
    NoChoice,
    /// An object that only a sync can take into the code, or out of it.
    #[error("{identity} is {state} in the cluster")]
    OnlySync {
        /// The object.
        identity: Identity,
        /// `new` or `gone`.
        state: &'static str,
    },
    /// The comparison failed.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// The repository cannot be read.
    #[error(transparent)]
    Timeline(#[from] TimelineError),
}

impl Fault for DriftError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Sync(error) => error.kind(),
            Self::Timeline(error) => error.kind(),
            Self::NoChoice => FaultKind::Usage,
            _ => FaultKind::Failed,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Sync(error) => return error.hints(),
            Self::Timeline(error) => return error.hints(),
            Self::NoSync { .. } => "Run `proxmox-mpc sync` first.".to_owned(),
            Self::Rules { .. } | Self::Date { .. } => "A rule is shown in docs/drift.md.".to_owned(),
            Self::Accepted { path, .. } => format!("If {} is broken, delete it and accept again.", path.display()),
            Self::NoDrift { .. } => "`proxmox-mpc drift` lists what has drifted.".to_owned(),
            Self::NoChoice => "For example: `proxmox-mpc drift adopt qemu/101`.".to_owned(),
            Self::OnlySync { .. } => {
                "Take it over with `proxmox-mpc sync`, or with everything else by `drift adopt --all`.".to_owned()
            }
        };
        vec![hint]
    }
}
