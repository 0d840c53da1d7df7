//! Why there is no rehearsal, and what to do about it.

use std::io;
use std::path::PathBuf;

use proxmox_mpc_model::Unreadable;

use crate::operation::fault::{Fault, FaultKind};
use crate::toolchain::process::ProcessError;
use crate::toolchain::terraform::TerraformError;
use crate::workbench::WorkbenchError;

/// Why there is no rehearsal.
#[derive(Debug, thiserror::Error)]
pub enum RehearseError {
    /// The code could not be tried out at all.
    #[error(transparent)]
    Workbench(#[from] WorkbenchError),
    /// The recording, or what the twin made of it, cannot be read.
    #[error("the twin cannot be read")]
    Twin(#[from] Unreadable),
    /// The apply would do something that is not on the twin.
    #[error("an apply would really do something outside of the twin:\n{}", what.join("\n"))]
    Outside {
        /// What.
        what: Vec<String>,
    },
    /// There are no playbooks.
    #[error("there is no playbook `{}`", path.display())]
    NoPlaybook {
        /// Where it should be.
        path: PathBuf,
    },
    /// There is no Ansible.
    #[error("`{}` is not installed here", program.display())]
    NoAnsible {
        /// What was to be started.
        program: PathBuf,
    },
    /// Ansible could not be run to its end.
    #[error("the playbooks could not be rehearsed")]
    Ansible(#[source] ProcessError),
    /// Terraform could not be run.
    #[error(transparent)]
    Terraform(#[from] TerraformError),
    /// The copy of the playbooks cannot be made.
    #[error("could not copy `{}`", path.display())]
    Copy {
        /// What.
        path: PathBuf,
        /// Why.
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
                "Keep what is not Proxmox's in a root module of its own: a rehearsal changes nothing but its twin."
                    .to_owned(),
            ],
            Self::NoPlaybook { .. } => {
                vec!["An import writes it where there is something that Terraform cannot say.".to_owned()]
            }
            Self::NoAnsible { .. } => vec![
                "Install it (`pipx install ansible-core`), or name it with `--ansible-bin FILE`.".to_owned(),
                "Without `--ansible` only Terraform is rehearsed.".to_owned(),
            ],
            Self::Ansible(error) => error.hints(),
            Self::Terraform(error) => error.hints(),
            Self::Copy { .. } => vec!["Choose a folder for temporary files with the variable TMPDIR.".to_owned()],
        }
    }
}
