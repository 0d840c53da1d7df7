//! The whole way from answers to files.

mod kept;

use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_model::kinds::{Class, Write};
use proxmox_mpc_model::schema::{Release, Verb};
use proxmox_mpc_model::{Answers, Cluster, Entry, Identity, Listing, Object, Unread, Unreadable};

use crate::addresses::{self, natural};
use crate::ansible::{self, Inventory, Role, SecretNames, Task};
use crate::bpg;
use crate::coverage::{Coverage, Fate, KnownFates, ObjectCoverage, Outcome};
use crate::draft::{Draft, Obstacle, Remark, RowError, Variable, is_default, title};
use crate::files;
use crate::kinds::{Context, Destination, Namespace, TRANSLATIONS, Translation};
use crate::manifest::{self, Fingerprint, Manifest};
use crate::outcome::{Generated, Notice, Options, Previous, RemovedCode};
use crate::previous_code::PreviousCode;
use crate::readme;
use crate::secrets;

/// Said of a key that no table knows and the API takes.
const NEWER: &str = "no rule speaks of this key, which a newer release of Proxmox VE has; the API takes it";

/// Code for the cluster behind these answers. The same answers, options and previous files give the same bytes.
///
/// # Errors
/// A stored answer that cannot be read back.
pub fn generate(answers: &dyn Answers, options: &Options, previous: &Previous) -> Result<Generated, Unreadable> {
    let everything = unselected(answers, options, previous)?;
    let cluster = Cluster::read(answers)?;
    let mut listings = Vec::new();
    for translation in TRANSLATIONS {
        let mut listing = translation.model().list(&cluster)?;
        listing.entries.sort_by_key(|entry| natural(&entry.identity));
        translation.arrange(&cluster, &mut listing.entries)?;
        listings.push((*translation, listing));
    }
    let previous_code = PreviousCode::read(&previous.files);
    let inventory = Inventory::new(&previous.files);
    let names = addresses::assign(&listings, options, &previous.manifest);
    let mut run = Generation {
        cluster: &cluster,
        options,
        previous,
        sharing: addresses::sharing(&listings, &names, &previous.manifest),
        names,
        secret_names: SecretNames::assign(&listings, &previous_code),
        previous_code,
        inventory,
        before: previous.manifest.objects.iter().map(|(identity, place)| (&*place.address, identity)).collect(),
        addresses: BTreeMap::new(),
        texts: BTreeMap::new(),
        variables: BTreeMap::new(),
        kept_variables: BTreeSet::new(),
        variable_kinds: BTreeMap::new(),
        roles: BTreeMap::new(),
        known_fates: KnownFates::default(),
        out: Generated {
            manifest: Manifest { moved: previous.manifest.moved.clone(), ..Manifest::default() },
            ..Generated::default()
        },
    };
    if !options.selection.is_everything() {
        let entries = listings
            .iter()
            .flat_map(|(translation, listing)| listing.entries.iter().map(|one| (translation.model(), one)));
        run.out.survey = options.selection.survey(entries);
    }
    for (translation, listing) in &listings {
        run.kind(translation, listing)?;
    }
    if let Some(everything) = everything {
        run.cover_left_out(everything);
    }
    Ok(run.finish())
}

/// What would become of everything on record, whatever the user leaves out.
///
/// # Errors
/// A stored answer that cannot be read back.
pub fn everything(answers: &dyn Answers, mut previous: Previous) -> Result<Generated, Unreadable> {
    previous.manifest.objects.retain(|_, place| !place.skip);
    generate(answers, &Options::default(), &previous)
}

/// What would become of everything, where the user leaves something out. It is made first: of its text nothing is kept.
fn unselected(answers: &dyn Answers, options: &Options, previous: &Previous) -> Result<Option<Coverage>, Unreadable> {
    let mapped = || options.mapping.iter().flat_map(|mapping| &mapping.objects);
    let skips = mapped().chain(&previous.manifest.objects).any(|(_, place)| place.skip);
    if options.selection.is_everything() && !skips {
        return Ok(None);
    }
    let mut manifest = previous.manifest.clone();
    manifest.objects.extend(mapped().map(|(identity, place)| (identity.clone(), place.clone())));
    let previous = Previous { manifest, ..Previous::default() };
    Ok(Some(everything(answers, previous)?.coverage))
}

/// Why nobody can say a key of [`Class::Shown`].
const SHOWN: &str = "Proxmox's API shows it and does not take it";

/// An import under way.
struct Generation<'a> {
    cluster: &'a Cluster<'a>,
    options: &'a Options,
    previous: &'a Previous,
    names: BTreeMap<Identity, String>,
    /// Who has a label that another object of its namespace has as well.
    sharing: BTreeSet<Identity>,
    secret_names: SecretNames,
    previous_code: PreviousCode<'a>,
    /// Who had which address.
    before: BTreeMap<&'a str, &'a Identity>,
    /// The address of everything that has code so far.
    addresses: BTreeMap<Identity, String>,
    /// The text of every block of the kind under way, by identity in natural order.
    texts: BTreeMap<(u64, Identity), String>,
    variables: BTreeMap<String, Variable>,
    kept_variables: BTreeSet<String>,
    /// The kind of the objects that need a variable.
    variable_kinds: BTreeMap<String, &'static str>,
    /// The tasks of every role so far.
    roles: ansible::RoleTasks,
    /// The guests, as Ansible's hosts.
    inventory: Inventory<'a>,
    known_fates: KnownFates,
    out: Generated,
}

impl Generation<'_> {
    fn kind(&mut self, translation: &'static Translation, listing: &Listing) -> Result<(), Unreadable> {
        let kind = translation.model();
        self.out.found.insert(kind.id, listing.entries.len());
        match &listing.incomplete {
            Some(reason) if self.options.selection.takes_kind(kind) => {
                self.out.unread.push(Unread { identity: Identity::new(kind.prefix, "*"), reason: reason.clone() });
            }
            Some(_) => self.out.coverage.not_read.push(kind.id),
            None => {}
        }
        for entry in &listing.entries {
            if let Some(reason) = self.left_out(translation, entry) {
                self.keep(translation, &entry.identity, &reason);
                self.keep_host(&entry.identity);
                self.out.left_out.insert(entry.identity.clone());
                continue;
            }
            let reading = kind.read(self.cluster, entry)?;
            if translation.namespace == Namespace::Guests {
                let keys = reading.as_ref().ok().map(|object| &object.keys);
                self.inventory.add(self.cluster, entry, keys)?;
            }
            match reading {
                Ok(object) => self.object(translation, &object)?,
                Err(unread) => {
                    self.keep(translation, &entry.identity, &format!("it could not be read: {}", unread.reason));
                    self.out.unread.push(unread);
                }
            }
        }
        self.absent(translation, listing);
        let blocks = std::mem::take(&mut self.texts);
        self.out.files.extend(files::of_kind(translation, blocks));
        Ok(())
    }

    /// Why the user wants the object left out.
    fn left_out(&self, translation: &Translation, entry: &Entry) -> Option<String> {
        let skipped = |manifest: &Manifest| manifest.objects.get(&entry.identity).map(|place| place.skip);
        let mapping = self.options.mapping.as_ref().and_then(skipped);
        if mapping.or_else(|| skipped(&self.previous.manifest)).unwrap_or(false) {
            return Some("excluded by the mapping".to_owned());
        }
        (!self.options.selection.takes(translation.model(), entry)).then(|| "excluded by the filters".to_owned())
    }

    fn object(&mut self, translation: &'static Translation, object: &Object) -> Result<(), Unreadable> {
        let context = Context { cluster: self.cluster, addresses: &self.addresses };
        let of_all = |fate: Fate| object.keys.keys().map(|key| (key.clone(), fate.clone())).collect();
        match (translation.destination)(object, &context) {
            Ok(Destination::Resource(resource, import_id)) => {
                self.resource(translation, object, resource, import_id)?
            }
            Ok(Destination::PartOf(address)) => {
                self.cover(translation, object, Outcome::Terraform { address }, of_all(Fate::Terraform));
            }
            Ok(Destination::Ansible(reason)) => self.aside(translation, object, Obstacle::new(reason), BTreeMap::new()),
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
            Err(obstacle) => self.aside(translation, object, obstacle, BTreeMap::new()),
        }
        Ok(())
    }

    /// An object that becomes a resource of this type, unless a row finds that it cannot.
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
            self.aside(translation, object, obstacle, fates);
            return Ok(());
        }
        let text = files::resource(translation, &draft, resource, &label);
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
        self.settle(object, &address, import_id, Fingerprint::of(&text));
        self.texts.insert(natural(identity), text);
        self.cover(translation, object, Outcome::Terraform { address }, fates);
        Ok(())
    }

    /// Tells the user something of an object.
    fn notice(&mut self, object: &Object, address: Option<&str>, remark: Remark) {
        self.out.notices.push(Notice {
            identity: object.entry.identity.clone(),
            name: object.entry.name.clone(),
            address: address.map(str::to_owned),
            reason: remark.text,
            remedy: remark.remedy,
        });
    }

    /// How Ansible would keep the object; `None` where it cannot.
    fn written(&self, translation: &Translation, object: &Object) -> Option<(Role, Write)> {
        let role = translation.role?(&object.entry.identity);
        Some((role, translation.model().write(self.cluster, object)?))
    }

    /// An object that Terraform's provider cannot import: Ansible keeps it, where it can. What Terraform has of it already
    /// stays where it is.
    fn aside(
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
        // What never was Terraform's is Ansible's once more, and nothing is kept.
        let kept = (self.previous.manifest.objects.contains_key(identity) || written.is_none())
            && self.keep(translation, identity, &format!("Terraform cannot import it now: {}", obstacle.reason));
        let Obstacle { reason, remedy } = obstacle;
        // What stays Terraform's is not written twice.
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

    /// Writes the object's place down, and a move where its address was another.
    fn settle(&mut self, object: &Object, address: &str, import_id: String, block: Fingerprint) {
        let identity = &object.entry.identity;
        let before = self.previous.manifest.objects.get(identity);
        if let Some(before) = before.filter(|place| !place.skip || self.has_code(identity, &place.address)) {
            let resource = |address: &str| address.split_once('.').map(|(resource, _)| resource.to_owned());
            if before.address != address && resource(&before.address) == resource(address) {
                self.out.manifest.moved.retain(|step| step.from != address);
                self.out.manifest.moved.push(manifest::Move { from: before.address.clone(), to: address.to_owned() });
            }
        }
        let place = manifest::ManifestEntry {
            address: address.to_owned(),
            import_id,
            name: object.entry.name.clone(),
            skip: false,
            block: Some(block),
        };
        self.out.manifest.objects.insert(identity.clone(), place);
    }

    /// Whether the workspace has code for an object that it leaves out from now on.
    fn has_code(&self, identity: &Identity, address: &str) -> bool {
        let translation = TRANSLATIONS.iter().find(|translation| translation.model().prefix == identity.prefix());
        translation.is_some_and(|translation| {
            self.previous_code.resource(&format!("terraform/{}", translation.file), address).is_some()
        })
    }

    fn cover(&mut self, translation: &Translation, object: &Object, outcome: Outcome, keys: BTreeMap<String, Fate>) {
        let keys = self.known_fates.share(keys);
        let coverage = ObjectCoverage { kind: translation.kind, name: object.entry.name.clone(), outcome, keys };
        self.out.coverage.objects.insert(object.entry.identity.clone(), coverage);
    }

    fn finish(mut self) -> Generated {
        let before = bpg::version(&self.previous.manifest.provider).map(|version| version.number);
        let version = self.options.provider.or(before).unwrap_or(bpg::VERSION);
        self.out.manifest.provider = format!("{} {version}", bpg::SOURCE);
        // What Proxmox lists and no code says any more is taken out like what is gone.
        let gone: BTreeSet<&Identity> = self.out.gone.iter().map(|gone| &gone.identity).collect();
        let before = self.previous.manifest.objects.iter().filter(|(identity, place)| {
            !place.skip && !self.out.manifest.objects.contains_key(identity) && !gone.contains(identity)
        });
        let more: Vec<RemovedCode> = before
            .map(|(identity, place)| RemovedCode { identity: identity.clone(), address: place.address.clone() })
            .collect();
        self.out.gone.extend(more);
        // An address that has gone cannot be moved to.
        let known: BTreeSet<&String> = self.out.manifest.objects.values().map(|place| &place.address).collect();
        self.out.manifest.moved.retain(|step| known.contains(&step.to) || self.previous.manifest.moved.contains(step));
        let kept = self.previous_code.variables(&self.kept_variables);
        if !kept.is_empty() && self.previous.touched.contains(files::VARIABLES) {
            self.out.edited.insert(files::VARIABLES.to_owned());
        }
        let rest = files::rest(version, &self.addresses, &self.variables, &kept, &self.out);
        self.out.files.extend(rest);
        let (variables, kinds) = (&self.variables, &self.variable_kinds);
        let code = secrets::SecretUses { variables, kept: &kept, kinds, roles: &self.roles };
        self.out.files.extend(secrets::document(&code));
        self.out.files.extend(ansible::files(self.roles, self.inventory));
        let readme = readme::document(version, &self.out.files);
        self.out.files.insert("README.md".to_owned(), readme);
        self.out
    }
}

/// The sentence with a capital letter, as Ansible's tasks are named.
fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// Applies every row; returns why the object must stay out, as often as rows say so.
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

/// One reason and one remedy out of all of them, so that the user mends everything at once.
fn joined(refusals: Vec<Obstacle>) -> Option<Obstacle> {
    let remedies: Vec<String> = refusals.iter().filter_map(|refusal| refusal.remedy.clone()).collect();
    let reasons: Vec<String> = refusals.into_iter().map(|refusal| refusal.reason).collect();
    let remedy = (!remedies.is_empty()).then(|| remedies.join("; "));
    (!reasons.is_empty()).then(|| Obstacle { reason: reasons.join("; "), remedy })
}

/// Whether the API of the cluster's release takes the key where the object is changed.
fn settable(cluster: &Cluster<'_>, write: &Write, key: &str) -> bool {
    let segments = write.path.segments();
    let words: Vec<&str> = segments.iter().map(String::as_str).collect();
    let release = Release::of(cluster.version.as_deref().unwrap_or_default());
    let changed = release.schema().find(Verb::Put, &words);
    changed.is_some_and(|found| {
        found.method.parameter(key).is_some() && !found.captured.iter().any(|(name, _)| *name == key)
    })
}

/// Keys that no table knows are Ansible's where the API can set them: they are of a newer release.
fn unclaimed(draft: &mut Draft<'_>, write: &Write) {
    let object = draft.object;
    let unknown = |key: &&String| draft.kind.key(key).is_none() && !draft.fates.contains_key(*key);
    for key in object.keys.keys().filter(unknown).cloned().collect::<Vec<_>>() {
        if settable(draft.cluster, write, &key) {
            draft.keep_in_ansible(&key, NEWER);
        }
    }
}

/// The fate of every key: what no row took or spoke of is not covered.
fn fates(draft: &Draft<'_>) -> BTreeMap<String, Fate> {
    let mut fates = draft.fates.clone();
    for key in draft.object.keys.keys() {
        fates.entry(key.clone()).or_insert(Fate::NotCovered);
    }
    fates
}
