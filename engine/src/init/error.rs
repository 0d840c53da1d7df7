//! Errors of the set-up of a workspace, and what to do about them.

use std::io;
use std::path::PathBuf;

use crate::operation::fault::{Fault, FaultKind};

/// A workspace could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The folder has files of something else.
    #[error("`{}` has files of something else: {}", folder.display(), names.join(", "))]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
        /// The first of its files.
        names: Vec<String>,
    },
    /// The workspace should not be where it was asked for.
    #[error("nothing was changed")]
    Declined,
    /// Nobody trusts the certificate.
    #[error("the certificate of {endpoint} is not trusted, and nothing was written")]
    Distrusted {
        /// The node.
        endpoint: String,
        /// The fingerprint that it showed.
        fingerprint: String,
    },
    /// The folder cannot be written to.
    #[error("cannot write into `{}`", folder.display())]
    Unwritable {
        /// The folder, or the one that it would be made in.
        folder: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A file is where the folder should be.
    #[error("`{}` is not a folder", path.display())]
    NotAFolder {
        /// The file.
        path: PathBuf,
    },
    /// A file could not be read or written.
    #[error("could not {action} `{}`", path.display())]
    File {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The permissions of the login could not be read.
    #[error("Proxmox does not say what `{login}` may do: {status} {reason}")]
    Permissions {
        /// The login.
        login: String,
        /// The status of the answer.
        status: u16,
        /// The reason phrase.
        reason: String,
    },
    /// Git refused.
    #[error("the git repository cannot be used")]
    Git(#[from] git2::Error),
}

impl Fault for InitError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::NotEmpty { .. } => FaultKind::Usage,
            Self::Declined => FaultKind::Interrupted,
            _ => FaultKind::Failed,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::NotEmpty { .. } => {
                "Choose an empty folder, or use this one with `--force`: its files stay as they are.".to_owned()
            }
            Self::Distrusted { fingerprint, .. } => {
                return vec![
                    "Compare the fingerprint with the node's: `pvenode cert info` in its shell, or System > Certificates in the \
                     web interface."
                        .to_owned(),
                    format!("If it is the same, run again with `--fingerprint {fingerprint}`."),
                ];
            }
            Self::Unwritable { .. } => "Choose a folder that you may write to.".to_owned(),
            Self::NotAFolder { .. } => "Choose another folder.".to_owned(),
            Self::Permissions { .. } => "Check that the endpoint is a Proxmox VE node.".to_owned(),
            Self::Git(_) => "`--no-git` leaves the repository alone.".to_owned(),
            Self::Declined | Self::File { .. } => return Vec::new(),
        };
        vec![hint]
    }
}
