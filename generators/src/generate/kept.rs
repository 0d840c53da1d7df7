//! Code that a run does not generate again: code that stays byte for byte, code that is removed, and edits in kept code.

use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_code::references::{self, Successor};
use proxmox_mpc_model::{Identity, Listing};

use super::Generation;
use crate::addresses::natural;
use crate::ansible;
use crate::coverage::{Coverage, Fate, ObjectCoverage, Outcome};
use crate::kinds::{TRANSLATIONS, Translation};
use crate::manifest::{self, Fingerprint};
use crate::workspace::{KeptCode, ObjectGroup, RemovedCode};

impl Generation<'_> {
    /// Adds the coverage of excluded objects: as code if code of them is kept, otherwise as excluded.
    pub(super) fn cover_excluded(&mut self, mut everything: Coverage) {
        let code: BTreeSet<&String> = self.addresses.values().collect();
        let tasks: BTreeSet<&Identity> = self.roles.values().flatten().map(|((_, identity), _)| identity).collect();
        for identity in &self.out.excluded {
            let Some(translation) =
                TRANSLATIONS.iter().find(|translation| translation.model().prefix == identity.prefix())
            else {
                continue;
            };
            let coverage = everything.objects.remove(identity);
            let coverage = coverage.unwrap_or_else(|| ObjectCoverage {
                kind: translation.kind.into(),
                name: None,
                outcome: Outcome::Excluded,
                keys: self.known_fates.share(BTreeMap::new()),
            });
            let outcome = match (self.addresses.get(identity), coverage.outcome) {
                (Some(address), _) => Outcome::Terraform { address: address.clone() },
                (None, Outcome::Terraform { address }) if code.contains(&address) => Outcome::Terraform { address },
                (None, outcome @ Outcome::Ansible { .. }) if tasks.contains(identity) => outcome,
                // What no code can say is not waiting to be chosen.
                (None, outcome @ (Outcome::BuiltIn | Outcome::Fact | Outcome::NotImportable { .. })) => outcome,
                _ => Outcome::Excluded,
            };
            let keys = match outcome {
                Outcome::Excluded => {
                    let fate = |fate: &Fate| if *fate == Fate::Volatile { Fate::Volatile } else { Fate::Excluded };
                    self.known_fates.share(coverage.keys.iter().map(|(key, one)| (key.clone(), fate(one))).collect())
                }
                _ => coverage.keys,
            };
            let coverage = ObjectCoverage { kind: coverage.kind, name: coverage.name, outcome, keys };
            self.out.coverage.objects.insert(identity.clone(), coverage);
        }
    }

    /// Keeps the code of an object that is not generated again, byte for byte: without it, the next plan would destroy the
    /// object. Returns true if there is Terraform code to keep.
    pub(super) fn keep(&mut self, translation: &'static Translation, identity: &Identity, reason: &str) -> bool {
        let before = self.previous.manifest.objects.get(identity);
        let skip = self
            .options
            .mapping
            .as_ref()
            .and_then(|mapping| mapping.objects.get(identity))
            .or(before)
            .filter(|place| place.skip);
        if let Some(place) = before.or(skip) {
            let skip = skip.is_some();
            self.out.manifest.objects.insert(identity.clone(), manifest::ManifestEntry { skip, ..place.clone() });
        }
        if let Some(role) = translation.role.map(|role| role(identity))
            && let Some(text) = self.previous_code.task(&ansible::tasks_file(role), identity)
        {
            self.roles.entry(role).or_default().insert(natural(identity), text.to_owned());
            let known = self.previous.manifest.tasks.get(identity).copied();
            if let Some(known) = self.kept_fingerprint(&ansible::tasks_file(role), text, text, known) {
                self.out.manifest.tasks.insert(identity.clone(), known);
            }
            if before.is_none() {
                self.out.kept.push(KeptCode {
                    identity: identity.clone(),
                    address: ansible::tasks_file(role),
                    reason: reason.to_owned(),
                });
            }
        }
        let Some(place) = before else { return false };
        let path = format!("terraform/{}", translation.file);
        let Some(text) = self.previous_code.resource(&path, &place.address) else { return false };
        let was = text;
        let text = references::update(text, |address| self.successor(address));
        let block = self.kept_fingerprint(&path, was, &text, place.block);
        if let Some(place) = self.out.manifest.objects.get_mut(identity) {
            place.block = block;
        }
        let variables = references::variables(&text);
        self.variable_kinds.extend(variables.iter().map(|name| (name.clone(), translation.kind)));
        self.kept_variables.extend(variables);
        self.texts.insert(natural(identity), text);
        self.addresses.insert(identity.clone(), place.address.clone());
        self.out.kept.push(KeptCode {
            identity: identity.clone(),
            address: place.address.clone(),
            reason: reason.to_owned(),
        });
        true
    }

    /// Fingerprint of kept code: `was` is the code in the workspace, `now` the code with updated references. Code that somebody
    /// has edited keeps its `known` fingerprint, so that a later run still sees the edit.
    fn kept_fingerprint(
        &mut self,
        path: &str,
        was: &str,
        now: &str,
        known: Option<Fingerprint>,
    ) -> Option<Fingerprint> {
        if self.previous.touched.contains(path) && known != Some(Fingerprint::of(was)) {
            self.out.edited.insert(path.to_owned());
            return known;
        }
        Some(Fingerprint::of(now))
    }

    /// Keeps the host of a guest in the inventory. In an edited file, every kept host counts as edited.
    pub(super) fn keep_host(&mut self, identity: &Identity) {
        if self.inventory.keep(identity) && self.previous.touched.contains(ansible::GUESTS) {
            self.out.edited.insert(ansible::GUESTS.to_owned());
        }
    }

    /// The fate of the object that had this address.
    fn successor(&self, address: &str) -> Option<Successor> {
        let identity = self.before.get(address)?;
        Some(match self.addresses.get(identity) {
            Some(address) => Successor::Address(address.clone()),
            None => Successor::Removed((*identity).clone()),
        })
    }

    /// Handles objects that are in the manifest but not in the list: their code is removed if the list is complete, and kept
    /// otherwise.
    pub(super) fn absent(&mut self, translation: &'static Translation, listing: &Listing) {
        let listed: BTreeSet<&Identity> = listing.entries.iter().map(|entry| &entry.identity).collect();
        let prefix = translation.model().prefix;
        let before = &self.previous.manifest.objects;
        let absent = before.iter().filter(|(identity, _)| identity.prefix() == prefix && !listed.contains(identity));
        for (identity, place) in absent {
            match &listing.incomplete {
                Some(reason) => _ = self.keep(translation, identity, &format!("the list is not complete: {reason}")),
                None => self.out.gone.push(RemovedCode { identity: identity.clone(), address: place.address.clone() }),
            }
        }
        if listing.incomplete.is_some() {
            for identity in self.inventory.before(prefix).iter().filter(|identity| !listed.contains(identity)) {
                self.keep_host(identity);
            }
        }
        let tasks: Vec<_> =
            self.previous_code.tasks(prefix).filter(|(identity, _)| !before.contains_key(identity)).collect();
        let known = before.keys().filter(|identity| identity.prefix() == prefix);
        for family in known.chain(tasks.iter().map(|(identity, _)| identity)).flat_map(ObjectGroup::of) {
            *self.out.known.entry(family).or_default() += 1;
        }
        for (identity, file) in tasks.into_iter().filter(|(identity, _)| !listed.contains(identity)) {
            match &listing.incomplete {
                Some(reason) => _ = self.keep(translation, &identity, &format!("the list is not complete: {reason}")),
                None => self.out.gone.push(RemovedCode { identity, address: file }),
            }
        }
    }
}
