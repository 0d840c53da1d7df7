//! Rehearsal: applies the code of a workspace to a twin, and reports what happened there, as it would to the cluster.
//!
//! Terraform's plan says what it intends. The log of the twin, and the difference between the twin before and after, say what
//! really happened. Where the two disagree, there is a trap.

mod error;
mod guests;
mod objects;
mod observations;
mod playbooks;
mod protection;
mod recording_age;
mod report;
mod request;
mod run;
mod side_effects;
mod state;
mod traps;

use std::path::PathBuf;
use std::sync::Arc;

use proxmox_mpc_twin::Recording;

pub use error::RehearseError;
pub use guests::{GuestAction, GuestEvent};
pub use objects::{ChangeKind, KeyChange, ObjectChange};
pub use playbooks::{FailedTask, PlaybookResult};
pub use report::{Author, Call, ProtectedResource, Reached, RecordingUsed, RefusedCall, Rehearsal, Totals};
pub use request::{EVERYTHING, RehearseRequest};
pub use run::rehearse;
pub use state::StateUsed;
pub use traps::Trap;

use crate::toolchain::terraform::Tool;
use crate::workspace::Workspace;

/// A rehearsal that is ready to run.
#[derive(Clone, Debug)]
pub struct RehearsalJob {
    /// The workspace.
    pub workspace: Workspace,
    /// The recording that the twin answers from.
    pub recording: Arc<Recording>,
    /// True if the recording was made for this rehearsal.
    pub live: bool,
    /// The time of the run: `2026-11-23T00:50:00Z`.
    pub now: String,
    /// Terraform or OpenTofu.
    pub tool: Tool,
    /// Files with values of variables, besides those that Terraform reads automatically.
    pub var_files: Vec<PathBuf>,
    /// The API token whose privileges apply: `user@realm!name`.
    pub login: String,
    /// Rehearse `terraform destroy` instead of `terraform apply`.
    pub destroy: bool,
    /// The `ansible-playbook` to run the playbooks with; `None` to run no playbooks.
    pub ansible: Option<PathBuf>,
    /// The names of the user's `TF_VAR_…` variables, without that prefix.
    pub given: Vec<String>,
    /// The user's values of `TF_WORKSPACE` and `TF_DATA_DIR`.
    pub selected: (Option<String>, Option<String>),
}
