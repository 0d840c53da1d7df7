//! Objects of a kind: each becomes a resource block, Ansible tasks, or a line of the coverage report.

use std::collections::BTreeMap;

use proxmox_mpc_model::kinds::{Class, Write};
use proxmox_mpc_model::schema::{Release, Verb};
use proxmox_mpc_model::{Cluster, Entry, Identity, Listing, Object, Unread, Unreadable};

use super::Generation;
use crate::addresses::natural;
use crate::ansible::{self, Role, Task};
use crate::coverage::{Fate, ObjectCoverage, Outcome};
use crate::draft::{Draft, Obstacle, Remark, RowError, is_default, title};
use crate::files;
use crate::kinds::{Context, Destination, Namespace, Translation};
use crate::manifest::{Fingerprint, Manifest};
use crate::workspace::Notice;

/// Reason for a key that is in no table and that the API accepts.
const NEWER: &str = "no rule speaks of this key, which a newer release of Proxmox VE has; the API takes it";

/// Reason for a key of [`Class::Shown`].
const SHOWN: &str = "Proxmox's API shows it and does not take it";

impl Generation<'_> {
    /// Generates the code of the objects of one kind.
    pub(super) fn kind(&mut self, translation: &'static Translation, listing: &Listing) -> Result<(), Unreadable> {
        let kind = translation.model();
        self.out.found.insert(kind.id, listing.entries.len());
        match &listing.incomplete {
            Some(reasons) if self.options.selection.may_include_kind(kind) => {
                self.out.unread.push(Unread::list(kind.prefix, reasons.clone()));
            }
            Some(_) => self.out.coverage.not_read.push(kind.id),
            None => {}
        }
        for entry in &listing.entries {
            if let Some(reason) = self.exclusion(translation, entry) {
                self.keep(translation, &entry.identity, &reason);
                self.keep_host(&entry.identity);
                self.out.excluded.insert(entry.identity.clone());
                continue;
            }
            let reading = kind.read(self.cluster, entry)?;
            if translation.namespace == Namespace::Guests {
                let keys = reading.as_ref().ok().map(|object| &object.keys);
                self.inventory.add(self.cluster, entry, keys)?;
            }
            match reading {
                Ok(object) => self.object(translation, &object)?,
                Err(reason) => {
                    self.keep(translation, &entry.identity, &format!("it could not be read: {}", reason.of_object()));
                    self.out.unread.push(Unread::object(entry.identity.clone(), reason));
                }
            }
        }
        self.absent(translation, listing);
        let blocks = std::mem::take(&mut self.texts);
        self.out.files.extend(files::of_kind(translation, blocks));
        Ok(())
    }

    /// The reason if the user excludes the object.
    fn exclusion(&self, translation: &Translation, entry: &Entry) -> Option<String> {
        let skipped = |manifest: &Manifest| manifest.objects.get(&entry.identity).map(|place| place.skip);
        let mapping = self.options.mapping.as_ref().and_then(skipped);
        if mapping.or_else(|| skipped(&self.previous.manifest)).unwrap_or(false) {
            return Some("excluded by the mapping".to_owned());
        }
        (!self.options.selection.includes(translation.model(), entry)).then(|| "excluded by the filters".to_owned())
    }

    fn object(&mut self, translation: &'static Translation, object: &Object) -> Result<(), Unreadable> {
        let context = Context { cluster: self.cluster, addresses: &self.addresses };
        let of_all = |fate: Fate| object.keys.keys().map(|key| (key.clone(), fate.clone())).collect();
        match (translation.destination)(object, &context) {
            Ok(Destination::Resource(resource, import_id)) => {
                self.resource(translation, object, resource, import_id)?;
            }
            Ok(Destination::PartOf(address)) => {
                self.cover(translation, object, Outcome::Terraform { address }, of_all(Fate::Terraform));
            }
            Ok(Destination::Ansible(reason)) => {
                self.not_importable(translation, object, Obstacle::new(reason), BTreeMap::new());
            }
            Ok(Destination::BuiltIn) => {
                let fate = |key: &String| match translation.model().key(key).map(|key| key.class) {
                    Some(Class::Volatile) => Fate::Volatile,
                    Some(_) => Fate::Default,
                    None => Fate::NotCovered,
                };
                let keys = object.keys.keys().map(|key| (key.clone(), fate(key))).collect();
                self.cover(translation, object, Outcome::BuiltIn, keys);
            }
            Ok(Destination::Fact) => self.cover(translation, object, Outcome::Fact, of_all(Fate::Volatile)),
            Ok(Destination::FactWithRemark(remark)) => {
                self.notice(object, None, remark);
                self.cover(translation, object, Outcome::Fact, of_all(Fate::Volatile));
            }
            Err(obstacle) => self.not_importable(translation, object, obstacle, BTreeMap::new()),
        }
        Ok(())
    }

    /// Generates a resource block, unless a row finds an obstacle.
    fn resource(
        &mut self,
        translation: &'static Translation,
        object: &Object,
        resource: &'static str,
        import_id: String,
    ) -> Result<(), Unreadable> {
        let identity = &object.entry.identity;
        let label = self.names.get(identity).cloned().unwrap_or_default();
        let address = format!("{resource}.{label}");
        self.addresses.insert(identity.clone(), address.clone());
        let mut draft = Draft::new(
            object,
            self.cluster,
            translation.model(),
            &self.addresses,
            self.written(translation, object).is_some(),
        );
        if self.sharing.contains(identity) {
            draft.share_label();
        }
        let refusals = rows(translation, &mut draft)?;
        if let Some((_, write)) = self.written(translation, object) {
            unclaimed(&mut draft, &write);
        }
        let fates = fates(&draft);
        if let Some(obstacle) = joined(refusals) {
            self.addresses.remove(identity);
            self.not_importable(translation, object, obstacle, fates);
            return Ok(());
        }
        let text = files::resource(translation, &mut draft, resource, &label);
        let title = capital(&draft.title());
        let (remarks, variables, entrusted) = (draft.remarks, draft.variables, draft.entrusted);
        self.variable_kinds.extend(variables.keys().map(|name| (name.clone(), translation.kind)));
        self.variables.extend(variables);
        for remark in remarks {
            self.notice(object, Some(&address), remark);
        }
        if let Some((role, write)) = self.written(translation, object) {
            let tasks = Task::some(translation.model(), object, &title, &entrusted, &write, role);
            self.tasks(role, identity, &tasks);
        }
        self.record_address(object, &address, import_id, Fingerprint::of(&text));
        self.texts.insert(natural(identity), text);
        self.cover(translation, object, Outcome::Terraform { address }, fates);
        Ok(())
    }

    /// Adds a notice for the user about an object.
    fn notice(&mut self, object: &Object, address: Option<&str>, remark: Remark) {
        self.out.notices.push(Notice {
            identity: object.entry.identity.clone(),
            name: object.entry.name.clone(),
            address: address.map(str::to_owned),
            reason: remark.text,
            remedy: remark.remedy,
        });
    }

    /// The role and the requests by which Ansible can keep the object; `None` if it cannot.
    fn written(&self, translation: &Translation, object: &Object) -> Option<(Role, Write)> {
        let role = translation.role?(&object.entry.identity);
        Some((role, translation.model().write(self.cluster, object)?))
    }

    /// Handles an object that Terraform's provider cannot import: Ansible keeps it if it can. Code that Terraform has already
    /// stays.
    fn not_importable(
        &mut self,
        translation: &'static Translation,
        object: &Object,
        obstacle: Obstacle,
        fates: BTreeMap<String, Fate>,
    ) {
        let identity = &object.entry.identity;
        let mut obstacle = obstacle;
        let mut written = self.written(translation, object);
        if let Some(complaint) = written.as_ref().and_then(|(_, write)| write.refused()) {
            obstacle = Obstacle::new(format!("Proxmox itself refuses to make it ({complaint}); {}", obstacle.reason))
                .remedy("give it a name that Proxmox takes, where its file was written by hand");
            written = None;
        }
        // An object that was never in Terraform gets new tasks, and no code has to be kept.
        let kept = (self.previous.manifest.objects.contains_key(identity) || written.is_none())
            && self.keep(translation, identity, &format!("Terraform cannot import it now: {}", obstacle.reason));
        let Obstacle { reason, remedy } = obstacle;
        // An object with kept Terraform code gets no tasks as well.
        let Some((role, write)) = written.filter(|_| !kept) else {
            let lost = |key: &String| match translation.model().key(key).map(|key| key.class) {
                Some(Class::Volatile) => (key.clone(), Fate::Volatile),
                _ => (key.clone(), Fate::NotExpressible(reason.clone().into())),
            };
            let mut keys = fates;
            keys.extend(object.keys.keys().filter(|key| !keys.contains_key(*key)).map(lost).collect::<Vec<_>>());
            self.cover(translation, object, Outcome::NotImportable { reason, remedy }, keys);
            return;
        };
        let model = translation.model();
        let unknown = |key: &String| model.key(key).is_none() && settable(self.cluster, &write, key);
        let tasks = Task::whole(model, object, &capital(&title(model, &object.entry)), &reason, &write, role, &unknown);
        self.tasks(role, identity, &tasks);
        let fate = |key: &String| match model.key(key).map(|key| key.class) {
            Some(Class::Volatile) => Fate::Volatile,
            Some(Class::Shown) if is_default(model, object, key) => Fate::Default,
            Some(Class::Shown) => Fate::NotExpressible(SHOWN.into()),
            Some(_) => Fate::Ansible("".into()),
            None if unknown(key) => Fate::Ansible(NEWER.into()),
            None => Fate::NotCovered,
        };
        let keys = object.keys.keys().map(|key| (key.clone(), fate(key))).collect();
        self.cover(translation, object, Outcome::Ansible { file: ansible::tasks_file(role), reason, remedy }, keys);
    }

    fn tasks(&mut self, role: Role, identity: &Identity, tasks: &[Task]) {
        if !tasks.is_empty() {
            let texts: Vec<String> = tasks.iter().map(|task| task.render(identity, &self.secret_names)).collect();
            let text = texts.join("\n");
            self.out.manifest.tasks.insert(identity.clone(), Fingerprint::of(&text));
            self.roles.entry(role).or_default().insert(natural(identity), text);
        }
    }

    /// Records what became of an object and its keys.
    fn cover(&mut self, translation: &Translation, object: &Object, outcome: Outcome, keys: BTreeMap<String, Fate>) {
        let keys = self.known_fates.share(keys);
        let coverage = ObjectCoverage { kind: translation.kind.into(), name: object.entry.name.clone(), outcome, keys };
        self.out.coverage.objects.insert(object.entry.identity.clone(), coverage);
    }
}

/// The sentence with a capital letter, for the name of an Ansible task.
fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// Applies every row and returns the obstacles that rows have found.
fn rows(translation: &Translation, draft: &mut Draft<'_>) -> Result<Vec<Obstacle>, Unreadable> {
    let mut refusals = Vec::new();
    for row in translation.rows {
        match row.apply(draft) {
            Ok(()) => {}
            Err(RowError::Obstacle(obstacle)) => {
                row.refused(draft, &obstacle.reason);
                refusals.push(obstacle);
            }
            Err(RowError::Unreadable(unreadable)) => return Err(unreadable),
        }
    }
    Ok(refusals)
}

/// Joins obstacles into one, so that the user can remove all of them at once.
fn joined(refusals: Vec<Obstacle>) -> Option<Obstacle> {
    let remedies: Vec<String> = refusals.iter().filter_map(|refusal| refusal.remedy.clone()).collect();
    let reasons: Vec<String> = refusals.into_iter().map(|refusal| refusal.reason).collect();
    let remedy = (!remedies.is_empty()).then(|| remedies.join("; "));
    (!reasons.is_empty()).then(|| Obstacle { reason: reasons.join("; "), remedy })
}

/// True if the API of the cluster's release accepts the key when the object is changed.
fn settable(cluster: &Cluster<'_>, write: &Write, key: &str) -> bool {
    let segments = write.path.segments();
    let words: Vec<&str> = segments.iter().map(String::as_str).collect();
    let release = Release::of(cluster.version.as_deref().unwrap_or_default());
    let changed = release.schema().find(Verb::Put, &words);
    changed.is_some_and(|found| {
        found.method.parameter(key).is_some() && !found.captured.iter().any(|(name, _)| *name == key)
    })
}

/// Gives keys that are in no table to Ansible if the API can set them: they belong to a newer release.
fn unclaimed(draft: &mut Draft<'_>, write: &Write) {
    let object = draft.object;
    let unknown = |key: &&String| draft.kind.key(key).is_none() && !draft.fates.contains_key(*key);
    for key in object.keys.keys().filter(unknown).cloned().collect::<Vec<_>>() {
        if settable(draft.cluster, write, &key) {
            draft.keep_in_ansible(&key, NEWER);
        }
    }
}

/// Fates of all keys. A key without one is not covered.
fn fates(draft: &Draft<'_>) -> BTreeMap<String, Fate> {
    let mut fates = draft.fates.clone();
    for key in draft.object.keys.keys() {
        fates.entry(key.clone()).or_insert(Fate::NotCovered);
    }
    fates
}
