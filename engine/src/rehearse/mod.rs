//! The dress rehearsal: the workspace's code is applied to a twin, and what happened there is what would happen to the
//! cluster.
//!
//! What Terraform meant is in its plan; what really happened is in the twin's log and in the difference between the cluster
//! before and after. Where the two disagree there is a trap.

mod age;
mod error;
mod found;
mod guests;
mod lifted;
mod objects;
mod outside;
mod playbooks;
mod report;
mod request;
mod run;
mod state;
mod traps;

use std::path::PathBuf;
use std::sync::Arc;

use proxmox_mpc_twin::Recording;

pub use error::RehearseError;
pub use guests::{GuestEvent, What};
pub use objects::{Change, KeyChange, ObjectChange};
pub use playbooks::{FailedTask, Played};
pub use report::{By, Call, Protected, Reached, RecordingUsed, Refused, Rehearsal, Totals};
pub use request::{EVERYTHING, RehearseRequest};
pub use run::rehearse;
pub use state::StateUsed;
pub use traps::Trap;

use crate::toolchain::terraform::Tool;
use crate::workspace::Workspace;

/// What is rehearsed.
#[derive(Clone, Debug)]
pub struct Job {
    /// The workspace.
    pub workspace: Workspace,
    /// What the twin is made of.
    pub recording: Arc<Recording>,
    /// Whether the recording was made for this.
    pub live: bool,
    /// The time of the run: `2026-11-23T00:50:00Z`.
    pub now: String,
    /// Terraform or OpenTofu.
    pub tool: Tool,
    /// Files with values of variables, besides those that Terraform reads by itself.
    pub var_files: Vec<PathBuf>,
    /// The API token with whose rights it is rehearsed: `user@realm!name`.
    pub login: String,
    /// Rehearse `terraform destroy` instead of `terraform apply`.
    pub destroy: bool,
    /// The `ansible-playbook` to run the playbooks with as well.
    pub ansible: Option<PathBuf>,
    /// The names of the `TF_VAR_…` variables of the user, without that prefix.
    pub given: Vec<String>,
    /// `TF_WORKSPACE` and `TF_DATA_DIR` of the user.
    pub selected: (Option<String>, Option<String>),
}
