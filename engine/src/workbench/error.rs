//! Errors of trying out code, with what to do about them.

use std::io;
use std::path::{Path, PathBuf};

use proxmox_mpc_code::SyntaxError;
use proxmox_mpc_generators::manifest::ManifestError;
use proxmox_mpc_model::Unreadable;
use proxmox_mpc_twin::server::TwinError;

use crate::operation::{Fault, FaultKind};
use crate::toolchain::terraform::{TerraformError, ToolError};

/// The code could not be tried out, so that nothing is known about it.
#[derive(Debug, thiserror::Error)]
pub enum WorkbenchError {
    /// A file of the workspace cannot be read.
    #[error("could not read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The folder has no code.
    #[error("there is no Terraform code in `{}`", folder.display())]
    NoCode {
        /// The folder.
        folder: PathBuf,
    },
    /// The code is not HCL.
    #[error("`{}` is not valid HCL", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The error of the parser.
        source: Box<SyntaxError>,
    },
    /// The manifest is not valid.
    #[error("`{}` cannot be used", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// The problem.
        source: ManifestError,
    },
    /// The temporary copy of the code could not be made.
    #[error("could not write the temporary copy of the code")]
    Scratch(#[source] io::Error),
    /// The twin does not start.
    #[error("could not start the twin")]
    Twin(#[from] TwinError),
    /// The recording is damaged.
    #[error("the recording is damaged")]
    Recording(#[from] Unreadable),
    /// There is no usable Terraform.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// Terraform failed.
    #[error(transparent)]
    Terraform(#[from] TerraformError),
}

impl WorkbenchError {
    pub(crate) fn read(path: &Path, source: io::Error) -> Self {
        Self::Read { path: path.to_owned(), source }
    }
}

impl Fault for WorkbenchError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Terraform(error) => error.kind(),
            Self::Tool(error) => error.kind(),
            _ => FaultKind::Failed,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Tool(error) => error.hints(),
            Self::Terraform(error) => error.hints(),
            Self::NoCode { .. } => {
                vec!["Import a cluster first: `proxmox-mpc import ENDPOINT --out DIR`.".to_owned()]
            }
            Self::Manifest { .. } => vec!["Restore it from version control, or import again.".to_owned()],
            Self::Scratch(_) => {
                vec!["Set the variable TMPDIR to another folder for temporary files.".to_owned()]
            }
            Self::Recording(_) => vec!["Import again, or run this against the cluster with `--live`.".to_owned()],
            Self::Read { .. } | Self::Syntax { .. } | Self::Twin(_) => Vec::new(),
        }
    }
}
