//! Coming from somewhere: the addresses of a Terraform state that exists, instead of new ones.

mod files;
mod identity;
mod state;

use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_model::Identity;
use serde::Serialize;

use crate::coverage::{Coverage, Outcome};
use crate::hcl;
use crate::kinds::{Namespace, TRANSLATIONS, Translation};
use crate::manifest::{Manifest, ManifestEntry};
use crate::names::slug;
use identity::ObjectKey;

pub use files::files;
pub use state::{Instance, Key, StateError, parse};

/// What came of one resource of a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Adopted {
    /// Its address in the state.
    pub from: String,
    /// The object that it stands for, where it has code here.
    pub identity: Option<Identity>,
    /// The address of that here.
    pub to: Option<String>,
    /// What was done.
    pub result: AdoptionResult,
    /// Why it was not adopted as it is; empty where it was.
    pub why: String,
    /// The address of its resource there, without any key.
    #[serde(skip)]
    resource: String,
}

impl Adopted {
    /// Whether the object is code here.
    pub fn here(&self) -> bool {
        self.result != AdoptionResult::NotFound
    }
}

/// What was done with an address of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AdoptionResult {
    /// It is the address here as well.
    SameAddress,
    /// The address here has another type and the same label.
    SameLabel,
    /// The label here is made from it.
    DerivedLabel,
    /// The workspace or the mapping has given the object another address, which stays.
    OtherAddress,
    /// Another resource of the state stands for the same object.
    Duplicate,
    /// Nothing here is what it stands for.
    NotFound,
}

/// The addresses that were adopted, and what came of every resource.
#[derive(Clone, Debug, Default)]
pub struct Adoption {
    /// The objects that get an address of the state, in the form of a mapping.
    pub addresses: Manifest,
    /// Every resource of a Proxmox provider, in the order of the state.
    pub resources: Vec<Adopted>,
}

/// What an import without the state would make, and who has a say.
#[derive(Clone, Copy, Debug)]
pub struct Baseline<'a> {
    /// What would be made.
    pub made: &'a Manifest,
    /// What would become of each object.
    pub coverage: &'a Coverage,
    /// What the workspace holds already: an address once given stays.
    pub before: &'a Manifest,
    /// The user's own addresses, which win over all.
    pub mapping: Option<&'a Manifest>,
}

/// Gives the objects that a state knows the addresses that it has for them, as far as they can be used.
pub fn adopt(instances: &[Instance], baseline: Baseline<'_>) -> Adoption {
    let mut run = Matcher { baseline, objects: BTreeMap::new(), given: BTreeMap::new(), labels: BTreeSet::new() };
    run.read();
    let mut resources: Vec<Option<Adopted>> = instances.iter().map(|_| None).collect();
    // Whose address can be used as it is has the first choice, then whose label can.
    let mut order: Vec<usize> = (0..instances.len()).collect();
    order.sort_by_key(|index| run.rank(&instances[*index]));
    for index in order {
        resources[index] = Some(run.instance(&instances[index]));
    }
    let mut addresses = Manifest::default();
    for (identity, (address, new)) in run.given {
        if new {
            let place = ManifestEntry { address, import_id: String::new(), name: None, skip: false, block: None };
            addresses.objects.insert(identity, place);
        }
    }
    Adoption { addresses, resources: resources.into_iter().flatten().collect() }
}

/// The address that a state has for each object, as far as it tells which object a resource is. `made` is what an import
/// of the same cluster would make.
pub fn addresses(instances: &[Instance], made: &Manifest) -> BTreeMap<Identity, String> {
    let places = made.objects.iter().filter(|(_, place)| !place.skip);
    let known: BTreeMap<ObjectKey, &Identity> = places
        .map(|(identity, place)| (identity::of_ours(typed(&place.address), &place.import_id), identity))
        .collect();
    let named = instances.iter().filter_map(|instance| {
        let identity = *known.get(&identity::in_state(instance)?)?;
        Some((identity.clone(), instance.address()))
    });
    named.collect()
}

struct Matcher<'a> {
    baseline: Baseline<'a>,
    /// The objects that have code.
    objects: BTreeMap<ObjectKey, (&'a Identity, &'a ManifestEntry)>,
    /// Their addresses as far as they are given, and whether the state gave them.
    given: BTreeMap<Identity, (String, bool)>,
    /// The labels that are not free.
    labels: BTreeSet<(Namespace, String)>,
}

impl<'a> Matcher<'a> {
    fn read(&mut self) {
        let Baseline { made, before, mapping, .. } = self.baseline;
        for (identity, place) in made.objects.iter().filter(|(_, place)| !place.skip) {
            self.objects.insert(identity::of_ours(typed(&place.address), &place.import_id), (identity, place));
        }
        // Where something was moved from, something new would be taken for it.
        for translation in TRANSLATIONS {
            let moved = before.moved.iter().map(|step| (translation.namespace, label(&step.from).to_owned()));
            self.labels.extend(moved);
        }
        for known in [Some(before), mapping].into_iter().flatten() {
            for (identity, place) in &known.objects {
                self.given.insert(identity.clone(), (place.address.clone(), false));
            }
        }
        let given = self.given.iter().filter_map(|(identity, (address, _))| Some((translation(identity)?, address)));
        self.labels.extend(given.map(|(translation, address)| (translation.namespace, label(address).to_owned())));
    }

    fn object(&self, instance: &Instance) -> Option<(&'a Identity, &'a ManifestEntry)> {
        self.objects.get(&identity::in_state(instance)?).copied()
    }

    /// How well the address of an instance can be used: 0 as it is.
    fn rank(&self, instance: &Instance) -> u8 {
        let plain = instance.modules.is_empty() && instance.key.is_none();
        match self.object(instance) {
            Some((_, place)) if plain && typed(&place.address) == instance.resource => 0,
            Some(_) if plain => 1,
            _ => 2,
        }
    }

    fn instance(&mut self, instance: &Instance) -> Adopted {
        let (from, resource) = (instance.address(), instance.resource_address());
        let nothing = |result, why: String| Adopted {
            from: from.clone(),
            identity: None,
            to: None,
            result,
            why,
            resource: resource.clone(),
        };
        let Some((identity, place)) = self.object(instance) else {
            return nothing(AdoptionResult::NotFound, self.absent(instance));
        };
        let told = |result, to: &str, why: String| Adopted {
            identity: Some(identity.clone()),
            to: Some(to.to_owned()),
            ..nothing(result, why)
        };
        if let Some((address, new)) = self.given.get(identity) {
            return match (*new, *address == from) {
                (false, true) => told(AdoptionResult::SameAddress, address, String::new()),
                (false, false) => told(
                    AdoptionResult::OtherAddress,
                    address,
                    "this workspace has given the object its address already; `--mapping` changes it".to_owned(),
                ),
                (true, _) => {
                    told(AdoptionResult::Duplicate, address, format!("the state has {identity} at another address too"))
                }
            };
        }
        let Some(translation) = translation(identity) else { return nothing(AdoptionResult::NotFound, String::new()) };
        let (label, why) = self.label(instance, identity, translation);
        let address = format!("{}.{label}", typed(&place.address));
        self.labels.insert((translation.namespace, label.clone()));
        self.given.insert(identity.clone(), (address.clone(), true));
        match why {
            Some(why) => told(AdoptionResult::DerivedLabel, &address, why),
            None if address == from => told(AdoptionResult::SameAddress, &address, String::new()),
            None => told(AdoptionResult::SameLabel, &address, format!("it is a `{}` here", typed(&address))),
        }
    }

    /// The label for an object, and why it is not the one of the state.
    fn label(&self, instance: &Instance, identity: &Identity, translation: &Translation) -> (String, Option<String>) {
        let free = |label: &String| !self.labels.contains(&(translation.namespace, label.clone()));
        let mut why = None;
        if !instance.modules.is_empty() {
            why = Some("it is in a module there, and at the root here");
        } else if instance.key.is_some() {
            why = Some("it is one of several instances there, and a resource of its own here");
        } else if !hcl::identifier(&instance.name) {
            why = Some("its label has letters that are not written here");
        } else if free(&instance.name) {
            return (instance.name.clone(), None);
        }
        let why = why.unwrap_or("its label is another object's here");
        let mut words: Vec<String> = Vec::new();
        let key = |key: &Option<Key>| match key {
            Some(Key::Text(text)) => Some(text.clone()),
            Some(Key::Number(number)) => Some(number.to_string()),
            None => None,
        };
        for (module, index) in &instance.modules {
            words.push(module.clone());
            words.extend(key(index));
        }
        words.push(instance.name.clone());
        words.extend(key(&instance.key));
        let mut label = slug(&words.join(" "));
        if !label.starts_with(|c: char| c.is_ascii_alphabetic()) {
            label = format!("{}_{label}", translation.word);
        }
        let id = slug(identity.id());
        let tries = [label.clone(), format!("{label}_{id}"), format!("{}_{label}_{id}", translation.word)];
        let mut last = tries[2].clone();
        let found = tries.into_iter().find(free).unwrap_or_else(|| {
            while !free(&last) {
                last.push('_');
            }
            last
        });
        (found, Some(why.to_owned()))
    }

    /// Why nothing here is what the resource stands for.
    fn absent(&self, instance: &Instance) -> String {
        let Some(ObjectKey { sort, id }) = identity::in_state(instance) else {
            return "the state does not tell which object it is".to_owned();
        };
        let prefix = match sort.as_str() {
            "vm" => "qemu",
            "container" => "lxc",
            "pool" => "pool",
            sort if sort.starts_with("storage_") => "storage",
            _ => return "nothing that is Terraform code here goes by its id".to_owned(),
        };
        let identity = Identity::new(prefix, id);
        match self.baseline.coverage.objects.get(&identity).map(|object| &object.outcome) {
            Some(Outcome::Ansible { reason, .. } | Outcome::NotImportable { reason, .. }) => {
                format!("{identity} is not Terraform code here: {reason}")
            }
            Some(_) => format!("{identity} is another sort of resource here"),
            None => format!("{identity} was not found, not readable, or excluded from this import"),
        }
    }
}

fn translation(identity: &Identity) -> Option<&'static Translation> {
    TRANSLATIONS.iter().copied().find(|translation| translation.model().prefix == identity.prefix())
}

/// The type in an address.
fn typed(address: &str) -> &str {
    address.split_once('.').map_or(address, |(resource, _)| resource)
}

/// The label in an address.
fn label(address: &str) -> &str {
    address.split_once('.').map_or(address, |(_, label)| label)
}
