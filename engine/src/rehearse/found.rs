//! What a run left to be judged, and the report that it makes.

use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_model::Identity;
use proxmox_mpc_model::schema::Verb;
use proxmox_mpc_twin::server::LoggedWrite;

use crate::operation::event::Diagnostic;
use crate::rehearse::guests::{self, What};
use crate::rehearse::objects::{ObjectChange, Snapshot};
use crate::rehearse::playbooks::Played;
use crate::rehearse::report::{By, Call, Protected, Reached, RecordingUsed, Refused, Rehearsal, Totals};
use crate::rehearse::state::StateUsed;
use crate::rehearse::traps::{self, Evidence};
use crate::toolchain::terraform::{Action, AppliedStep, Difference, Planned};

/// What a run left to be judged.
pub(super) struct Found {
    pub(super) planned: Vec<Planned>,
    pub(super) plan: Vec<Difference>,
    pub(super) steps: Vec<AppliedStep>,
    pub(super) writes: Vec<LoggedWrite>,
    /// How many of the writes are Terraform's; the others are the playbooks'.
    pub(super) terraform: usize,
    pub(super) addresses: BTreeMap<Identity, String>,
    pub(super) errors: Vec<Diagnostic>,
    pub(super) again: Vec<Difference>,
    pub(super) reached: Reached,
    pub(super) played: Option<Played>,
    /// The guests whose agent did not answer when the cluster was recorded.
    pub(super) silent: BTreeSet<Identity>,
}

/// What a report says of where it comes from.
pub(super) struct Origin {
    pub(super) destroy: bool,
    pub(super) state: StateUsed,
    pub(super) recording: RecordingUsed,
    pub(super) tool: String,
    pub(super) provider: Option<String>,
}

impl Found {
    /// Puts the report together.
    pub(super) fn judge(
        self,
        before: &Snapshot,
        after: &Snapshot,
        protected: Vec<Protected>,
        origin: Origin,
    ) -> Rehearsal {
        let anew = self.anew();
        let mut objects = before.compare(after, |identity| anew.contains(identity));
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
        let unchanged = |planned: &&Planned| planned.action.is_none() && planned.importing.is_some();
        let imported = self.planned.iter().filter(unchanged).count();
        let Origin { destroy, state, recording, tool, provider } = origin;
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
            playbooks: self.played,
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

    /// The objects that are another one after, although one of their identity is there on both sides.
    fn anew(&self) -> BTreeSet<Identity> {
        let gone = self.steps.iter().filter(|step| step.action == "delete" && step.done);
        let gone: BTreeSet<&String> = gone.map(|step| &step.address).collect();
        let replaced = self.planned.iter().filter(|planned| planned.action == Some(Action::Replace));
        let replaced: BTreeSet<&String> =
            replaced.map(|planned| &planned.address).filter(|address| gone.contains(address)).collect();
        let meant = self.addresses.iter().filter(|(_, address)| replaced.contains(address));
        let ended = self.writes.iter().filter(|write| write.succeeded()).filter_map(guests::event);
        let ended = ended.filter(|(_, what, _)| *what == What::Destroy).map(|(identity, ..)| identity);
        meant.map(|(identity, _)| identity.clone()).chain(ended).collect()
    }

    fn calls(&self) -> Vec<Call> {
        let by = |index| if index < self.terraform { By::Terraform } else { By::Ansible };
        self.writes.iter().enumerate().map(|(index, write)| Call::new(by(index), write)).collect()
    }

    /// What was refused: by Proxmox's rules, and for want of a rule of the twin's. A call that is repeated counts once.
    fn refused(&self) -> (Vec<Refused>, Vec<Refused>) {
        let (mut refused, mut beyond): (Vec<Refused>, Vec<Refused>) = Default::default();
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
            list.push(Refused { call, identity, address, task, why: why.to_owned(), times: 1 });
        }
        (refused, beyond)
    }

    /// Whose call this is: of what is to be made the one that makes it, not the one that is there already.
    fn address(&self, write: &LoggedWrite, identity: &Identity) -> Option<String> {
        let makes = |(_, what, _): (_, What, _)| matches!(what, What::Create | What::Clone);
        let is_pool = identity.prefix() == "pool";
        let is_new = write.verb == Verb::Post && (is_pool || guests::event(write).is_some_and(makes));
        if !is_new {
            return self.addresses.get(identity).cloned();
        }
        let is_it = |planned: &&Planned| {
            let pool = is_pool && planned.attribute("pool_id") == identity.id();
            planned.creates() && (pool || guests::planned(planned).as_ref() == Some(identity))
        };
        self.planned.iter().find(is_it).map(|planned| planned.address.clone())
    }
}
