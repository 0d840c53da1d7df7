//! Errors of a rehearsal, with what to do about them.

use std::io;
use std::path::PathBuf;

use proxmox_mpc_model::Unreadable;

use crate::operation::fault::{Fault, FaultKind};
use crate::toolchain::process::ProcessError;
use crate::toolchain::terraform::TerraformError;
use crate::workbench::WorkbenchError;

/// The rehearsal failed.
#[derive(Debug, thiserror::Error)]
pub enum RehearseError {
    /// The code could not be tried out.
    #[error(transparent)]
    Workbench(#[from] WorkbenchError),
    /// An answer of the twin cannot be read.
    #[error("the answers of the twin cannot be read")]
    Twin(#[from] Unreadable),
    /// The apply would have side effects outside of the twin.
    #[error("the apply would have side effects outside of the twin:\n{}", what.join("\n"))]
    Outside {
        /// The side effects, one sentence each.
        what: Vec<String>,
    },
    /// The workspace has no playbooks.
    #[error("there is no playbook `{}`", path.display())]
    NoPlaybook {
        /// The missing playbook.
        path: PathBuf,
    },
    /// Ansible is not installed.
    #[error("`{}` is not installed here", program.display())]
    NoAnsible {
        /// The missing program.
        program: PathBuf,
    },
    /// Ansible could not be run.
    #[error("the playbooks could not be rehearsed")]
    Ansible(#[source] ProcessError),
    /// Terraform could not be run.
    #[error(transparent)]
    Terraform(#[from] TerraformError),
    /// The playbooks could not be copied.
    #[error("could not copy `{}`", path.display())]
    Copy {
        /// The folder of the playbooks.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}

impl Fault for RehearseError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Workbench(error) => error.kind(),
            Self::Ansible(error) => error.kind(),
            Self::Terraform(error) => error.kind(),
            _ => FaultKind::Failed,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Workbench(error) => error.hints(),
            Self::Twin(_) => vec!["Import again, or record the cluster now with `--live`.".to_owned()],
            Self::Outside { .. } => vec![
                "Keep resources of other providers, and provisioners, in another root module: a rehearsal may change \
                 nothing but its twin."
                    .to_owned(),
            ],
            Self::NoPlaybook { .. } => {
                vec!["An import writes it if the cluster has settings that Terraform cannot manage.".to_owned()]
            }
            Self::NoAnsible { .. } => vec![
                "Install it (`pipx install ansible-core`), or name it with `--ansible-bin FILE`.".to_owned(),
                "Leave out `--ansible` to rehearse only Terraform.".to_owned(),
            ],
            Self::Ansible(error) => error.hints(),
            Self::Terraform(error) => error.hints(),
            Self::Copy { .. } => vec!["Set the variable TMPDIR to another folder for temporary files.".to_owned()],
        }
    }
}
