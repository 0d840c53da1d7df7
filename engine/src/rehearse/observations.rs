//! Observations of a run, and the report that is made from them.

use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_model::Identity;
use proxmox_mpc_model::schema::Verb;
use proxmox_mpc_twin::server::LoggedWrite;

use crate::operation::event::Diagnostic;
use crate::rehearse::guests::{self, GuestAction};
use crate::rehearse::objects::{ObjectChange, Snapshot};
use crate::rehearse::playbooks::PlaybookResult;
use crate::rehearse::report::{
    Author, Call, ProtectedResource, Reached, RecordingUsed, RefusedCall, Rehearsal, Totals,
};
use crate::rehearse::state::StateUsed;
use crate::rehearse::traps::{self, Evidence};
use crate::toolchain::terraform::{Action, AppliedStep, Difference, PlannedResource};

/// Observations of a run: what Terraform planned and did, and what the twin saw.
pub(super) struct Observations {
    pub(super) planned: Vec<PlannedResource>,
    pub(super) plan: Vec<Difference>,
    pub(super) steps: Vec<AppliedStep>,
    pub(super) writes: Vec<LoggedWrite>,
    /// The number of writes by Terraform; the later ones are by the playbooks.
    pub(super) terraform: usize,
    pub(super) addresses: BTreeMap<Identity, String>,
    pub(super) errors: Vec<Diagnostic>,
    pub(super) again: Vec<Difference>,
    pub(super) reached: Reached,
    pub(super) playbooks: Option<PlaybookResult>,
    /// The guests whose agent did not answer when the cluster was recorded.
    pub(super) silent: BTreeSet<Identity>,
}

/// Origin of a report: the state, the recording and the versions that it is based on.
pub(super) struct ReportOrigin {
    pub(super) destroy: bool,
    pub(super) state: StateUsed,
    pub(super) recording: RecordingUsed,
    pub(super) tool: String,
    pub(super) provider: Option<String>,
}

impl Observations {
    /// Makes the report.
    pub(super) fn report(
        self,
        before: &Snapshot,
        after: &Snapshot,
        protected: Vec<ProtectedResource>,
        origin: ReportOrigin,
    ) -> Rehearsal {
        let replaced = self.replaced();
        let mut objects = before.compare(after, |identity| replaced.contains(identity));
        for object in &mut objects {
            object.address = self.addresses.get(&object.identity).cloned();
        }
        let mut in_force = before.in_force(after);
        for guest in &mut in_force {
            guest.address = self.addresses.get(&guest.identity).cloned();
        }
        let traps = traps::find(&self.evidence(before, after, &objects));
        let name = |identity: &Identity| before.name(identity).or_else(|| after.name(identity)).map(str::to_owned);
        let (refused, beyond) = self.refused();
        let unchanged = |planned: &&PlannedResource| planned.action.is_none() && planned.importing.is_some();
        let imported = self.planned.iter().filter(unchanged).count();
        let ReportOrigin { destroy, state, recording, tool, provider } = origin;
        let mut rehearsal = Rehearsal {
            totals: Totals::default(),
            destroy,
            reached: self.reached,
            protected,
            objects,
            in_force,
            guests: guests::events(&self.writes, &before.running, name),
            refused,
            beyond,
            traps,
            calls: self.calls(),
            errors: self.errors,
            plan: self.plan,
            again: self.again,
            playbooks: self.playbooks,
            state,
            recording,
            tool,
            provider,
        };
        rehearsal.count(imported);
        rehearsal
    }

    fn evidence<'a>(&'a self, before: &'a Snapshot, after: &'a Snapshot, objects: &'a [ObjectChange]) -> Evidence<'a> {
        Evidence {
            planned: &self.planned,
            writes: &self.writes,
            before,
            after,
            objects,
            again: &self.again,
            errors: &self.errors,
            addresses: &self.addresses,
            silent: &self.silent,
        }
    }

    /// The objects that were destroyed and created again under the same identity.
    fn replaced(&self) -> BTreeSet<Identity> {
        let gone = self.steps.iter().filter(|step| step.action == "delete" && step.done);
        let gone: BTreeSet<&String> = gone.map(|step| &step.address).collect();
        let replaced = self.planned.iter().filter(|planned| planned.action == Some(Action::Replace));
        let replaced: BTreeSet<&String> =
            replaced.map(|planned| &planned.address).filter(|address| gone.contains(address)).collect();
        let by_plan = self.addresses.iter().filter(|(_, address)| replaced.contains(address));
        let events = self.writes.iter().filter(|write| write.succeeded()).filter_map(guests::event);
        let destroyed = events.filter(|(_, action, _)| *action == GuestAction::Destroy).map(|(identity, ..)| identity);
        by_plan.map(|(identity, _)| identity.clone()).chain(destroyed).collect()
    }

    fn calls(&self) -> Vec<Call> {
        let by = |index| if index < self.terraform { Author::Terraform } else { Author::Ansible };
        self.writes.iter().enumerate().map(|(index, write)| Call::new(by(index), write)).collect()
    }

    /// Refused calls: those that Proxmox would refuse, and those that the twin cannot answer. A repeated call counts once.
    fn refused(&self) -> (Vec<RefusedCall>, Vec<RefusedCall>) {
        let (mut refused, mut beyond): (Vec<RefusedCall>, Vec<RefusedCall>) = Default::default();
        for write in &self.writes {
            let Some(why) = write.failure() else { continue };
            let list = if write.status == 501 { &mut beyond } else { &mut refused };
            let call = format!("{} {}", write.verb, write.path);
            if let Some(known) = list.iter_mut().find(|known| known.call == call && known.why == why) {
                known.times += 1;
                continue;
            }
            let identity = guests::subject(write);
            let address = identity.as_ref().and_then(|identity| self.address(write, identity));
            let task = write.task.as_ref().map(|task| task.kind.clone());
            list.push(RefusedCall { call, identity, address, task, why: why.to_owned(), times: 1 });
        }
        (refused, beyond)
    }

    /// The Terraform address that a call belongs to. A call that creates an object belongs to the resource that creates it,
    /// not to one that has the identity already.
    fn address(&self, write: &LoggedWrite, identity: &Identity) -> Option<String> {
        let creates = |(_, action, _): (_, GuestAction, _)| matches!(action, GuestAction::Create | GuestAction::Clone);
        let is_pool = identity.prefix() == "pool";
        let is_new = write.verb == Verb::Post && (is_pool || guests::event(write).is_some_and(creates));
        if !is_new {
            return self.addresses.get(identity).cloned();
        }
        let is_it = |planned: &&PlannedResource| {
            let pool = is_pool && planned.attribute("pool_id") == identity.id();
            planned.creates() && (pool || guests::planned(planned).as_ref() == Some(identity))
        };
        self.planned.iter().find(is_it).map(|planned| planned.address.clone())
    }
}
