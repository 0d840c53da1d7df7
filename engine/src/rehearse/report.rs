//! What a rehearsal found: the value that programs read.

use proxmox_mpc_model::Identity;
use proxmox_mpc_twin::server::LoggedWrite;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::operation::event::Diagnostic;
use crate::operation::report::ReportType;
use crate::operation::{FaultKind, Report};
use crate::rehearse::guests::{GuestEvent, What};
use crate::rehearse::objects::{Change, InForce, ObjectChange};
use crate::rehearse::playbooks::Played;
use crate::rehearse::state::StateUsed;
use crate::rehearse::traps::Trap;
use crate::toolchain::terraform::{Action, Difference};

/// What would happen to the cluster.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Rehearsal {
    /// In numbers.
    pub totals: Totals,
    /// What was rehearsed: an apply, or a destroy.
    pub destroy: bool,
    /// How far it came.
    pub reached: Reached,
    /// What Terraform would refuse to destroy (`prevent_destroy`). With any, it does nothing of the rest.
    pub protected: Vec<Protected>,
    /// What would become of objects, as the twin shows it.
    pub objects: Vec<ObjectChange>,
    /// What waited for a guest's next start, and comes into force with a start on the way.
    pub in_force: Vec<InForce>,
    /// What would be done with guests as a whole, in the order in which the calls reached the twin.
    pub guests: Vec<GuestEvent>,
    /// Calls that would be refused and tasks that would fail.
    pub refused: Vec<Refused>,
    /// What Terraform would stop with.
    pub errors: Vec<Diagnostic>,
    /// What the twin could not do: of this nothing is known.
    pub beyond: Vec<Refused>,
    /// The traps on the way.
    pub traps: Vec<Trap>,
    /// What Terraform means to do, in its own words.
    pub plan: Vec<Difference>,
    /// What Terraform would change once more if it were asked again, although nothing was changed in between.
    pub again: Vec<Difference>,
    /// What came of the playbooks, where they were asked for.
    pub playbooks: Option<Played>,
    /// Every writing call, in order.
    pub calls: Vec<Call>,
    /// Which state it began with.
    pub state: StateUsed,
    /// The recording that the twin was made of.
    pub recording: RecordingUsed,
    /// `Terraform 1.11.4`.
    pub tool: String,
    /// The provider's version, from the lock file.
    pub provider: Option<String>,
}

/// The numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Objects that come into Terraform's state and stay as they are.
    pub imported: usize,
    /// Objects that would be there.
    pub created: usize,
    /// Objects that would be another way.
    pub changed: usize,
    /// Objects that would be destroyed and made anew.
    pub replaced: usize,
    /// Objects that would be gone.
    pub destroyed: usize,
    /// Guests that run and would be down for a time.
    pub restarted: usize,
    /// Guests that run and would be down afterwards, those that are destroyed not counted.
    pub stopped: usize,
    /// Guests that would move to another node.
    pub migrated: usize,
    /// Calls that would be refused, and tasks that would fail.
    pub refused: usize,
}

/// How far a rehearsal came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reached {
    /// Terraform stopped before it had a plan.
    NoPlan,
    /// There is nothing to do.
    Nothing,
    /// The apply stopped with errors.
    Failed,
    /// The apply stopped at what the twin cannot do: nothing is known of the rest.
    Limit,
    /// The apply came to its end.
    Applied,
}

/// A resource with `prevent_destroy` that the plan would destroy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Protected {
    /// Its address.
    pub address: String,
    /// `destroy` or `replace`.
    pub action: Action,
}

/// A call that would be refused, or whose task would fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refused {
    /// `POST nodes/pve1/qemu`.
    pub call: String,
    /// The guest or object that it is about, where the call tells one.
    pub identity: Option<Identity>,
    /// Its Terraform address.
    pub address: Option<String>,
    /// The task that failed; `None` for a call that was refused at once.
    pub task: Option<String>,
    /// In Proxmox's words.
    pub why: String,
    /// How often it was tried.
    pub times: usize,
}

/// One writing call.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Call {
    /// Who made it.
    pub by: By,
    /// In seconds from the start of the twin.
    pub at: f64,
    /// `POST`.
    pub method: String,
    /// `nodes/pve1/qemu`.
    pub path: String,
    /// The parameters, a placeholder for each secret.
    pub parameters: Map<String, Value>,
    /// The status of the answer.
    pub status: u16,
    /// The kind of task that it started.
    pub task: Option<String>,
    /// Why it did nothing, in Proxmox's words.
    pub failure: Option<String>,
}

/// Who wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Terraform's provider.
    Terraform,
    /// The playbooks.
    Ansible,
}

/// The recording that the twin was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordingUsed {
    /// When it was made: `2026-11-23T00:50:00Z`.
    pub recorded_at: String,
    /// How long ago that is: `3 hours`.
    pub age: Option<String>,
    /// Whether it was made for this rehearsal.
    pub live: bool,
    /// Where the twin's answers do not come from the cluster but from nobody: 0 in a good rehearsal.
    pub unknown: u64,
}

impl Report for Rehearsal {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn ended(&self) -> Option<FaultKind> {
        self.fault_kind()
    }
}

impl ReportType for Rehearsal {
    const KIND: &'static str = "rehearsal";
}

impl Rehearsal {
    /// What the command ends with: `None` where nothing would be destroyed or replaced and nothing would fail.
    pub fn fault_kind(&self) -> Option<FaultKind> {
        let lost = self.totals.destroyed + self.totals.replaced > 0 || !self.protected.is_empty();
        let failed = matches!(self.reached, Reached::NoPlan | Reached::Failed | Reached::Limit)
            || self.playbooks.as_ref().is_some_and(|played| !played.succeeded());
        match (lost, failed) {
            (true, _) => Some(FaultKind::Differences),
            (false, true) => Some(FaultKind::Failed),
            (false, false) => None,
        }
    }

    /// Counts what was found.
    pub(super) fn count(&mut self, imported: usize) {
        let of = |change| self.objects.iter().filter(|object| object.change == change).count();
        let (mut restarted, mut stopped) = (0, 0);
        let mut seen = std::collections::BTreeSet::new();
        for event in self.guests.iter().rev().filter(|event| event.failure.is_none()) {
            // The last thing that happens to a guest says how it ends.
            let last = seen.insert(&event.identity);
            let rebooted = matches!(event.what, What::Reboot | What::Reset);
            restarted += usize::from(last && (event.down.is_some() || rebooted));
            stopped += usize::from(last && matches!(event.what, What::Stop | What::Shutdown | What::Suspend));
        }
        let migrated = self.guests.iter().filter(|event| event.what == What::Migrate && event.failure.is_none());
        self.totals = Totals {
            imported,
            created: of(Change::Created),
            changed: of(Change::Changed),
            replaced: of(Change::Replaced),
            destroyed: of(Change::Destroyed),
            restarted,
            stopped,
            migrated: migrated.count(),
            refused: self.refused.len(),
        };
    }
}

impl Call {
    pub(super) fn new(by: By, write: &LoggedWrite) -> Self {
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
