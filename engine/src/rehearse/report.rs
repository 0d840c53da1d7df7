//! Report of a rehearsal.

use proxmox_mpc_model::Identity;
use proxmox_mpc_twin::server::LoggedWrite;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::operation::FaultKind;
use crate::operation::event::Diagnostic;
use crate::operation::report::ReportType;
use crate::rehearse::guests::{GuestAction, GuestEvent};
use crate::rehearse::objects::{ChangeKind, InForce, ObjectChange};
use crate::rehearse::playbooks::PlaybookResult;
use crate::rehearse::state::StateUsed;
use crate::rehearse::traps::Trap;
use crate::toolchain::terraform::{Action, Difference};

/// Report of a rehearsal: what would happen to the cluster.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Rehearsal {
    /// The counts of objects, guests and refused calls.
    pub totals: Totals,
    /// True for a rehearsed destroy, false for an apply.
    pub destroy: bool,
    /// The extent of the rehearsal.
    pub reached: Reached,
    /// Resources that Terraform would refuse to destroy (`prevent_destroy`). If there are any, it does nothing at all.
    pub protected: Vec<ProtectedResource>,
    /// Changes of objects, as the twin shows them.
    pub objects: Vec<ObjectChange>,
    /// Pending changes of guests that were there before, and would be applied by a start during the apply.
    pub in_force: Vec<InForce>,
    /// Events of guests as a whole, in the order of the calls.
    pub guests: Vec<GuestEvent>,
    /// Calls that would be refused, and tasks that would fail.
    pub refused: Vec<RefusedCall>,
    /// Errors of Terraform.
    pub errors: Vec<Diagnostic>,
    /// Calls that the twin could not answer: it is unknown what they would do.
    pub beyond: Vec<RefusedCall>,
    /// Known traps of the provider that the apply would step into.
    pub traps: Vec<Trap>,
    /// The plan of Terraform.
    pub plan: Vec<Difference>,
    /// Differences of a second plan, right after the apply.
    pub again: Vec<Difference>,
    /// The result of the playbooks, if they were requested.
    pub playbooks: Option<PlaybookResult>,
    /// Every writing call, in order.
    pub calls: Vec<Call>,
    /// The state that the rehearsal started from.
    pub state: StateUsed,
    /// The recording that the twin answered from.
    pub recording: RecordingUsed,
    /// The program and its version: `Terraform 1.11.4`.
    pub tool: String,
    /// The version of the provider, from the lock file.
    pub provider: Option<String>,
}

/// Counts of a rehearsal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Objects that would be imported into Terraform's state unchanged.
    pub imported: usize,
    /// Objects that would be created.
    pub created: usize,
    /// Objects that would be changed.
    pub changed: usize,
    /// Objects that would be destroyed and created again.
    pub replaced: usize,
    /// Objects that would be destroyed.
    pub destroyed: usize,
    /// Running guests that would be down for a time.
    pub restarted: usize,
    /// Running guests that would be down afterwards, without those that would be destroyed.
    pub stopped: usize,
    /// Guests that would migrate to another node.
    pub migrated: usize,
    /// Calls that would be refused, and tasks that would fail.
    pub refused: usize,
}

/// Extent of a rehearsal: how far it got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reached {
    /// Terraform stopped before it had a plan.
    NoPlan,
    /// The plan had nothing to do.
    Nothing,
    /// The apply stopped with errors.
    Failed,
    /// The apply stopped at a call that the twin cannot answer: nothing is known of the rest.
    Limit,
    /// The apply succeeded.
    Applied,
}

/// A resource with `prevent_destroy` that the plan would destroy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProtectedResource {
    /// The address of the resource.
    pub address: String,
    /// The planned action: `destroy` or `replace`.
    pub action: Action,
}

/// A call that would be refused, or whose task would fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefusedCall {
    /// The call: `POST nodes/pve1/qemu`.
    pub call: String,
    /// The guest or object that the call is about, if it names one.
    pub identity: Option<Identity>,
    /// The Terraform address of the object.
    pub address: Option<String>,
    /// The kind of the task that failed; none for a call that was refused at once.
    pub task: Option<String>,
    /// The reason, in Proxmox's words.
    pub why: String,
    /// The number of times that the call was sent.
    pub times: usize,
}

/// A writing call.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Call {
    /// The author of the call.
    pub by: Author,
    /// The time, in seconds since the start of the twin.
    pub at: f64,
    /// The method: `POST`.
    pub method: String,
    /// The path: `nodes/pve1/qemu`.
    pub path: String,
    /// The parameters, with a placeholder for each secret.
    pub parameters: Map<String, Value>,
    /// The status of the answer.
    pub status: u16,
    /// The kind of task that it started.
    pub task: Option<String>,
    /// The reason why it failed, in Proxmox's words.
    pub failure: Option<String>,
}

/// Author of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// Terraform's provider.
    Terraform,
    /// The playbooks.
    Ansible,
}

/// The recording that the twin answered from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordingUsed {
    /// The time when it was made: `2026-11-23T00:50:00Z`.
    pub recorded_at: String,
    /// Its age: `3 hours`.
    pub age: Option<String>,
    /// True if it was made for this rehearsal.
    pub live: bool,
    /// The number of requests that the recording has no answer for: 0 in a good rehearsal.
    pub unknown: u64,
}

impl ReportType for Rehearsal {
    const KIND: &'static str = "rehearsal";

    fn ended(&self) -> Option<FaultKind> {
        self.fault_kind()
    }
}

impl Rehearsal {
    /// The kind of failure that the command ends with; `None` if nothing would be destroyed or replaced, and nothing would
    /// fail. A loss comes before a failure.
    pub fn fault_kind(&self) -> Option<FaultKind> {
        let lost = self.totals.destroyed + self.totals.replaced > 0 || !self.protected.is_empty();
        let failed = matches!(self.reached, Reached::NoPlan | Reached::Failed | Reached::Limit)
            || self.playbooks.as_ref().is_some_and(|playbooks| !playbooks.succeeded());
        match (lost, failed) {
            (true, _) => Some(FaultKind::Differences),
            (false, true) => Some(FaultKind::Failed),
            (false, false) => None,
        }
    }

    /// Sets the totals.
    pub(super) fn count(&mut self, imported: usize) {
        let of = |change| self.objects.iter().filter(|object| object.change == change).count();
        let (mut restarted, mut stopped) = (0, 0);
        let mut seen = std::collections::BTreeSet::new();
        for event in self.guests.iter().rev().filter(|event| event.failure.is_none()) {
            // The last event of a guest decides its state at the end.
            let last = seen.insert(&event.identity);
            let rebooted = matches!(event.what, GuestAction::Reboot | GuestAction::Reset);
            restarted += usize::from(last && (event.down.is_some() || rebooted));
            stopped += usize::from(
                last && matches!(event.what, GuestAction::Stop | GuestAction::Shutdown | GuestAction::Suspend),
            );
        }
        let migrated = self.guests.iter().filter(|event| event.what == GuestAction::Migrate && event.failure.is_none());
        self.totals = Totals {
            imported,
            created: of(ChangeKind::Created),
            changed: of(ChangeKind::Changed),
            replaced: of(ChangeKind::Replaced),
            destroyed: of(ChangeKind::Destroyed),
            restarted,
            stopped,
            migrated: migrated.count(),
            refused: self.refused.len(),
        };
    }
}

impl Call {
    pub(super) fn new(by: Author, write: &LoggedWrite) -> Self {
        Self {
            by,
            at: (write.at.as_secs_f64() * 10.0).round() / 10.0,
            method: write.verb.to_string(),
            path: write.path.to_string(),
            parameters: write.parameters.clone(),
            status: write.status,
            task: write.task.as_ref().map(|task| task.kind.clone()),
            failure: write.failure().map(str::to_owned),
        }
    }
}
