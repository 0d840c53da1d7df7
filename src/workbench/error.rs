//! Why code could not be tried out, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use proxmox_mpc_generators::manifest::ManifestError;
use proxmox_mpc_model::Unreadable;
use proxmox_mpc_twin::server::TwinError;

use crate::event::Diagnostic;
use crate::fault::{Fault, FaultKind};
use crate::toolchain::process::ProcessError;
use crate::toolchain::terraform::ToolError;

/// Why nothing can be said about the code, neither good nor bad.
#[derive(Debug, thiserror::Error)]
pub enum WorkbenchError {
    /// A file of the workspace cannot be read.
    #[error("could not read `{}`", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no code.
    #[error("there is no Terraform code in `{}`", folder.display())]
    NoCode {
        /// Where it should be.
        folder: PathBuf,
    },
    /// The code is not HCL.
    #[error("`{}` is not valid HCL", path.display())]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        source: Box<hcl_edit::parser::Error>,
    },
    /// The manifest cannot be read.
    #[error("`{}` cannot be used", path.display())]
    Manifest {
        /// Which.
        path: PathBuf,
        /// Why.
        source: ManifestError,
    },
    /// The copy that the work is done on cannot be made.
    #[error("could not write the scratch copy of the code")]
    Scratch(#[source] io::Error),
    /// The twin does not start.
    #[error("could not start the twin")]
    Twin(#[from] TwinError),
    /// The runtime of the twin does not start.
    #[error("could not start the threads of the twin")]
    Runtime(#[source] io::Error),
    /// The recording is damaged.
    #[error("the recording is damaged")]
    Recording(#[from] Unreadable),
    /// There is no Terraform to ask.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// Terraform could not be run to its end.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The provider is neither here nor can it be fetched.
    #[error("the provider cannot be installed here: {why}")]
    Provider {
        /// What Terraform says, in one line.
        why: String,
    },
    /// Terraform does not take the code, or refuses for another reason.
    #[error("`{tool} init` failed{}", words(diagnostics))]
    Init {
        /// `terraform` or `tofu`.
        tool: String,
        /// Its errors.
        diagnostics: Vec<Diagnostic>,
    },
    /// The plan file cannot be read back.
    #[error("`{tool} show` did not print the plan")]
    Show {
        /// `terraform` or `tofu`.
        tool: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl WorkbenchError {
    pub(crate) fn read(path: &Path, source: io::Error) -> Self {
        Self::Read { path: path.to_owned(), source }
    }
}

fn words(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().fold(String::new(), |text, found| text + "\n" + &found.summary + "\n" + found.detail.trim_end())
}

impl Fault for WorkbenchError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Process(error) => error.kind(),
            Self::Tool(error) => error.kind(),
            _ => FaultKind::Failed,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Tool(error) => error.hints(),
            Self::Process(error) => error.hints(),
            Self::NoCode { .. } => {
                vec!["Make some first: `proxmox-mpc import ENDPOINT --out DIR`.".to_owned()]
            }
            Self::Manifest { .. } => vec!["Restore it from version control, or import again.".to_owned()],
            Self::Scratch(_) => {
                vec!["Choose a folder for temporary files with the variable TMPDIR.".to_owned()]
            }
            Self::Recording(_) => vec!["Import again, or run this against the cluster with `--live`.".to_owned()],
            Self::Provider { .. } => vec![
                "Without a way to the registry, name a mirror in the Terraform CLI configuration \
                 (https://developer.hashicorp.com/terraform/cli/config/config-file#provider-installation)."
                    .to_owned(),
                "Where another version of the provider is at hand, the code can pin that: `proxmox-mpc import --provider-version`."
                    .to_owned(),
            ],
            Self::Read { .. }
            | Self::Syntax { .. }
            | Self::Twin(_)
            | Self::Runtime(_)
            | Self::Init { .. }
            | Self::Show { .. } => Vec::new(),
        }
    }
}
