//! Adoption of an existing Terraform state: objects keep the addresses that they have there.

mod files;
mod identity;
mod object_ids;
mod state;

use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_model::Identity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::coverage::{Coverage, Outcome};
use crate::hcl;
use crate::kinds::{Namespace, TRANSLATIONS, Translation};
use crate::manifest::{Manifest, ManifestEntry};
use crate::names::slug;
use identity::ObjectKey;

pub use files::files;
pub use object_ids::ObjectIds;
pub use state::{Instance, Key, StateError, parse};

/// A resource instance of a state, and what became of its address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Adopted {
    /// Its address in the state.
    pub from: String,
    /// The object that it represents, if that has code here.
    pub identity: Option<Identity>,
    /// The address of the object here.
    pub to: Option<String>,
    /// The result for the address.
    pub result: AdoptionResult,
    /// The reason why it was not adopted unchanged; empty if it was.
    pub why: String,
    /// The address of its resource in the state, without any key.
    #[serde(skip)]
    resource: String,
}

impl Adopted {
    /// True if the object has code here.
    pub fn here(&self) -> bool {
        self.result != AdoptionResult::NotFound
    }
}

/// Result for an address of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdoptionResult {
    /// It is the address here as well.
    SameAddress,
    /// The address here has the same label and another type.
    SameLabel,
    /// The label here is derived from it.
    DerivedLabel,
    /// The workspace or the mapping has another address for the object, which stays.
    OtherAddress,
    /// Another resource of the state represents the same object.
    Duplicate,
    /// No object here matches it.
    NotFound,
}

/// Result of an adoption.
#[derive(Clone, Debug, Default)]
pub struct Adoption {
    /// Objects that get an address of the state, in the form of a mapping.
    pub addresses: Manifest,
    /// All resources of Proxmox providers, in the order of the state.
    pub resources: Vec<Adopted>,
}

/// The import without the state, and the addresses that take precedence over the state.
#[derive(Clone, Copy, Debug)]
pub struct Baseline<'a> {
    /// Manifest of an import without the state.
    pub made: &'a Manifest,
    /// Coverage of that import.
    pub coverage: &'a Coverage,
    /// Manifest of the workspace; its addresses stay.
    pub before: &'a Manifest,
    /// Addresses that the user has chosen; they take precedence over all others.
    pub mapping: Option<&'a Manifest>,
}

/// Gives objects the addresses that a state has for them, as far as these are usable.
pub fn adopt(instances: &[Instance], baseline: Baseline<'_>) -> Adoption {
    let mut run = Matcher { baseline, objects: BTreeMap::new(), given: BTreeMap::new(), labels: BTreeSet::new() };
    run.read();
    let mut resources: Vec<Option<Adopted>> = instances.iter().map(|_| None).collect();
    // Instances whose whole address is usable choose first, then those whose label is.
    let mut order: Vec<usize> = (0..instances.len()).collect();
    order.sort_by_key(|index| run.rank(&instances[*index]));
    for index in order {
        resources[index] = Some(run.instance(&instances[index]));
    }
    let mut addresses = Manifest::default();
    for (identity, (address, new)) in run.given {
        if new {
            let place =
                ManifestEntry { address, import_id: String::new(), name: None, skip: false, block: None, code: None };
            addresses.objects.insert(identity, place);
        }
    }
    Adoption { addresses, resources: resources.into_iter().flatten().collect() }
}

/// Addresses that a state has for objects, as far as it identifies them. `made` is the manifest of an import of the same cluster.
pub fn addresses(instances: &[Instance], made: &Manifest) -> BTreeMap<Identity, String> {
    let places = made.objects.iter().filter(|(_, place)| !place.skip);
    let known: BTreeMap<ObjectKey, &Identity> = places
        .map(|(identity, place)| (identity::of_ours(type_of(&place.address), &place.import_id), identity))
        .collect();
    let named = instances.iter().filter_map(|instance| {
        let identity = *known.get(&identity::in_state(instance)?)?;
        Some((identity.clone(), instance.address()))
    });
    named.collect()
}

struct Matcher<'a> {
    baseline: Baseline<'a>,
    /// Objects that have code.
    objects: BTreeMap<ObjectKey, (&'a Identity, &'a ManifestEntry)>,
    /// Assigned addresses; true if the address comes from the state.
    given: BTreeMap<Identity, (String, bool)>,
    /// Labels that are not free.
    labels: BTreeSet<(Namespace, String)>,
}

impl<'a> Matcher<'a> {
    fn read(&mut self) {
        let Baseline { made, before, mapping, .. } = self.baseline;
        for (identity, place) in made.objects.iter().filter(|(_, place)| !place.skip) {
            self.objects.insert(identity::of_ours(type_of(&place.address), &place.import_id), (identity, place));
        }
        // Terraform follows a `moved` block from an old label, so no new object may get that label.
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

    /// Rank of an instance by how usable its address is: 0 if as a whole.
    fn rank(&self, instance: &Instance) -> u8 {
        let plain = instance.modules.is_empty() && instance.key.is_none();
        match self.object(instance) {
            Some((_, place)) if plain && type_of(&place.address) == instance.resource => 0,
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
        let matched = |result, to: &str, why: String| Adopted {
            identity: Some(identity.clone()),
            to: Some(to.to_owned()),
            ..nothing(result, why)
        };
        if let Some((address, new)) = self.given.get(identity) {
            return match (*new, *address == from) {
                (false, true) => matched(AdoptionResult::SameAddress, address, String::new()),
                (false, false) => matched(
                    AdoptionResult::OtherAddress,
                    address,
                    "the workspace has another address for the object already; `--mapping` changes it".to_owned(),
                ),
                (true, _) => matched(
                    AdoptionResult::Duplicate,
                    address,
                    format!("the state has {identity} at another address too"),
                ),
            };
        }
        let Some(translation) = translation(identity) else { return nothing(AdoptionResult::NotFound, String::new()) };
        let (label, why) = self.label(instance, identity, translation);
        let address = format!("{}.{label}", type_of(&place.address));
        self.labels.insert((translation.namespace, label.clone()));
        self.given.insert(identity.clone(), (address.clone(), true));
        match why {
            Some(why) => matched(AdoptionResult::DerivedLabel, &address, why),
            None if address == from => matched(AdoptionResult::SameAddress, &address, String::new()),
            None => matched(AdoptionResult::SameLabel, &address, format!("it is a `{}` here", type_of(&address))),
        }
    }

    /// Label for an object, and the reason if it is not the one of the state.
    fn label(&self, instance: &Instance, identity: &Identity, translation: &Translation) -> (String, Option<String>) {
        let free = |label: &String| !self.labels.contains(&(translation.namespace, label.clone()));
        let mut why = None;
        if !instance.modules.is_empty() {
            why = Some("it is in a module in the state, and in the root module here");
        } else if instance.key.is_some() {
            why = Some("it is one of several instances in the state, and a resource of its own here");
        } else if !hcl::identifier(&instance.name) {
            why = Some("its label has characters that are not used here");
        } else if free(&instance.name) {
            return (instance.name.clone(), None);
        }
        let why = why.unwrap_or("another object has its label here");
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

    /// The reason why no object here matches the resource.
    fn absent(&self, instance: &Instance) -> String {
        let Some(ObjectKey { object_type, id }) = identity::in_state(instance) else {
            return "the state does not identify the object".to_owned();
        };
        let prefix = match object_type.as_str() {
            "vm" => "qemu",
            "container" => "lxc",
            "pool" => "pool",
            storage if storage.starts_with("storage_") => "storage",
            _ => return "no object with its id is in the Terraform code here".to_owned(),
        };
        let identity = Identity::new(prefix, id);
        match self.baseline.coverage.objects.get(&identity).map(|object| &object.outcome) {
            Some(Outcome::Ansible { reason, .. } | Outcome::NotImportable { reason, .. }) => {
                format!("{identity} is not Terraform code here: {reason}")
            }
            Some(_) => format!("{identity} is another type of resource here"),
            None => format!("{identity} was not found, not readable, or excluded from this import"),
        }
    }
}

fn translation(identity: &Identity) -> Option<&'static Translation> {
    TRANSLATIONS.iter().copied().find(|translation| translation.model().prefix == identity.prefix())
}

/// Type in an address.
fn type_of(address: &str) -> &str {
    address.split_once('.').map_or(address, |(resource, _)| resource)
}

/// Label in an address.
fn label(address: &str) -> &str {
    address.split_once('.').map_or(address, |(_, label)| label)
}
