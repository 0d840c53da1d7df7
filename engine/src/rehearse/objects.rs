//! The objects of a cluster with their configuration, and what differs between two moments: through the kinds of the
//! model, whoever made the difference.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_model::kinds::{Class, Form, KINDS, Key, Kind, index};
use proxmox_mpc_model::object::text;
use proxmox_mpc_model::property::Properties;
use proxmox_mpc_model::redact::placeholder;
use proxmox_mpc_model::{Answers, ApiPath, Cluster, Identity, Unreadable, list};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What would become of one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectChange {
    /// Who it is in Proxmox: `qemu/101`.
    pub identity: Identity,
    /// The word of its kind: `vm`.
    pub kind: Cow<'static, str>,
    /// The name that people gave it.
    pub name: Option<String>,
    /// Its Terraform address, where it has one.
    pub address: Option<String>,
    /// What would become of it.
    pub change: Change,
    /// The keys that would change, in Proxmox's words; none where the whole object comes or goes.
    pub keys: Vec<KeyChange>,
}

/// What would become of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It would be there.
    Created,
    /// It would be another way.
    Changed,
    /// It would be gone, and another one in its place.
    Replaced,
    /// It would be gone.
    Destroyed,
}

/// One key that would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyChange {
    /// As Proxmox spells it: `memory`, `net0`.
    pub key: String,
    /// What it is; of a list of properties the parts that differ, and a placeholder of a secret.
    pub before: Option<String>,
    /// What it would be.
    pub after: Option<String>,
}

/// What waited for the next start of a guest, and comes into force with a start on the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InForce {
    /// The guest.
    pub identity: Identity,
    /// The name that people gave it.
    pub name: Option<String>,
    /// Its Terraform address, where it has one.
    pub address: Option<String>,
    /// The keys.
    pub keys: Vec<KeyChange>,
}

/// A cluster at one moment.
pub(super) struct Snapshot {
    objects: BTreeMap<Identity, Known>,
    /// The guests that run.
    pub(super) running: BTreeSet<Identity>,
    /// What waits for the next start of a guest.
    waiting: BTreeMap<Identity, Vec<KeyChange>>,
}

struct Known {
    kind: &'static Kind,
    name: Option<String>,
    keys: Map<String, Value>,
}

/// Kinds that show the same once more, or that nobody configures: what holds a volume tells of it, and a membership is an
/// object of its own.
const LEFT_OUT: [&str; 1] = ["volume"];

impl Snapshot {
    /// Reads every object that can be read.
    pub(super) fn read(answers: &dyn Answers) -> Result<Self, Unreadable> {
        let cluster = Cluster::read(answers)?;
        let mut objects = BTreeMap::new();
        for kind in KINDS.iter().copied().filter(|kind| !LEFT_OUT.contains(&kind.id)) {
            for entry in kind.list(&cluster)?.entries {
                let Ok(object) = kind.read(&cluster, &entry)? else { continue };
                let keys = object.keys.into_iter().filter(|(key, _)| is_configuration(kind, key)).collect();
                let name = entry.name.filter(|name| name != entry.identity.id());
                objects.insert(entry.identity, Known { kind, name, keys });
            }
        }
        let running = cluster.guests.values().filter(|guest| guest.running);
        let running = running.map(|guest| Identity::new(guest.guest_type.word(), guest.vmid)).collect();
        let mut waiting = BTreeMap::new();
        for guest in cluster.guests.values() {
            let (word, vmid) = (guest.guest_type.word(), guest.vmid.to_string());
            let path = ApiPath::new(["nodes", &guest.node, word, &vmid, "pending"]);
            let items =
                answers.get(&path)?.map(|answer| answer.list().cloned().collect::<Vec<_>>()).unwrap_or_default();
            let kind = KINDS.iter().copied().find(|kind| kind.prefix == word);
            let changes: Vec<KeyChange> = items.iter().filter_map(|item| pending(kind?, item)).collect();
            if !changes.is_empty() {
                waiting.insert(Identity::new(word, guest.vmid), changes);
            }
        }
        Ok(Self { objects, running, waiting })
    }

    /// What waited before and is in force in `after`, of each guest that was started anew in between: values that nobody
    /// changed, and that come with the start all the same.
    pub(super) fn in_force(&self, after: &Self) -> Vec<InForce> {
        let mut all = Vec::new();
        for (identity, changes) in &self.waiting {
            let [before, now] = [self, after].map(|moment| moment.objects.get(identity));
            let (Some(before), Some(now)) = (before, now) else { continue };
            let still = after.waiting.get(identity);
            let is_new = |change: &&KeyChange| {
                let waits = still.is_some_and(|still| still.iter().any(|other| other.key == change.key));
                !waits && before.keys.get(&change.key) == now.keys.get(&change.key)
            };
            let keys: Vec<KeyChange> = changes.iter().filter(is_new).cloned().collect();
            if !keys.is_empty() {
                let name = now.name.clone();
                all.push(InForce { identity: identity.clone(), name, address: None, keys });
            }
        }
        all
    }

    /// The name of an object.
    pub(super) fn name(&self, identity: &Identity) -> Option<&str> {
        self.objects.get(identity)?.name.as_deref()
    }

    /// Whether the object is there.
    pub(super) fn has(&self, identity: &Identity) -> bool {
        self.objects.contains_key(identity)
    }

    /// What is configured of an object.
    pub(super) fn keys(&self, identity: &Identity) -> impl Iterator<Item = &str> {
        self.objects.get(identity).into_iter().flat_map(|known| known.keys.keys()).map(String::as_str)
    }

    /// Every object that differs in `after`, in the order of identities. `replaced` says which of those that are on both
    /// sides are not the same object any more.
    pub(super) fn compare(&self, after: &Self, replaced: impl Fn(&Identity) -> bool) -> Vec<ObjectChange> {
        let all: BTreeSet<&Identity> = self.objects.keys().chain(after.objects.keys()).collect();
        let mut changes = Vec::new();
        for identity in all {
            let (before, now) = (self.objects.get(identity), after.objects.get(identity));
            let (change, keys) = match (before, now) {
                (None, Some(_)) => (Change::Created, Vec::new()),
                (Some(_), None) => (Change::Destroyed, Vec::new()),
                (Some(before), Some(now)) if replaced(identity) => (Change::Replaced, differences(before, now)),
                (Some(before), Some(now)) => match differences(before, now) {
                    keys if keys.is_empty() => continue,
                    keys => (Change::Changed, keys),
                },
                (None, None) => continue,
            };
            let Some(known) = now.or(before) else { continue };
            let (kind, name) = (known.kind.id, known.name.clone());
            changes.push(ObjectChange {
                identity: identity.clone(),
                kind: kind.into(),
                name,
                address: None,
                change,
                keys,
            });
        }
        changes
    }
}

/// What an item of a guest's pending changes means; `None` where nothing waits.
fn pending(kind: &Kind, item: &Map<String, Value>) -> Option<KeyChange> {
    let name = item.get("key").and_then(text)?;
    let leaves = item.get("delete").is_some();
    let (value, next) = (item.get("value").map(shown), item.get("pending").map(shown));
    if next.is_none() && !leaves {
        return None;
    }
    difference(&name, kind.key(&name), [value, next])
}

fn is_configuration(kind: &Kind, key: &str) -> bool {
    let doubled = kind.id == "pool" && key == "members";
    // Proxmox notes there which disks were taken away: what the rehearsal is to show.
    let detached = index("unused", key).is_some();
    !doubled && (detached || kind.key(key).is_none_or(|key| key.class != Class::Volatile))
}

fn differences(before: &Known, after: &Known) -> Vec<KeyChange> {
    let keys: BTreeSet<&String> = before.keys.keys().chain(after.keys.keys()).collect();
    keys.into_iter()
        .filter_map(|name| {
            let key = after.kind.key(name);
            let sides = [before.keys.get(name), after.keys.get(name)];
            if let [Some(Value::Object(one)), Some(Value::Object(other))] = sides {
                return parts(name, one, other);
            }
            difference(name, key, sides.map(|value| value.map(shown)))
        })
        .collect()
}

/// How two structures differ: the parts that only one of them has.
fn parts(name: &str, one: &Map<String, Value>, other: &Map<String, Value>) -> Option<KeyChange> {
    let only = |one: &Map<String, Value>, other: &Map<String, Value>| {
        let parts = one.iter().filter(|(key, value)| other.get(*key) != Some(value));
        let parts: Vec<String> = parts.map(|(key, value)| format!("{key}={}", shown(value))).collect();
        (!parts.is_empty()).then(|| parts.join(","))
    };
    let (before, after) = (only(one, other), only(other, one));
    (before.is_some() || after.is_some()).then(|| KeyChange { key: name.to_owned(), before, after })
}

/// How two values of a key differ; `None` where they mean the same.
fn difference(name: &str, key: Option<&Key>, [before, after]: [Option<String>; 2]) -> Option<KeyChange> {
    let told = |before: Option<String>, after: Option<String>| KeyChange { key: name.to_owned(), before, after };
    let default = key.and_then(|key| key.default);
    let effective = |value: &Option<String>| value.clone().or(default.map(str::to_owned));
    if before == after || effective(&before) == effective(&after) {
        return None;
    }
    if key.is_some_and(|key| key.class == Class::Secret) {
        let hidden = |value: Option<String>| value.map(|_| placeholder(name));
        return Some(told(hidden(before), hidden(after)));
    }
    let (Some(one), Some(other)) = (&before, &after) else { return Some(told(before, after)) };
    match key.map(|key| key.form) {
        Some(Form::Set(_)) => {
            let sorted = |text: &str| list::items(text).map(str::to_owned).collect::<BTreeSet<_>>();
            (sorted(one) != sorted(other)).then(|| told(before.clone(), after.clone()))
        }
        Some(Form::Properties(_)) => {
            let [gone, come] = [(one, other), (other, one)].map(|(one, other)| missing(one, other));
            let part = |parts: String| (!parts.is_empty()).then_some(parts);
            (!gone.is_empty() || !come.is_empty()).then(|| told(part(gone), part(come)))
        }
        _ => Some(told(before, after)),
    }
}

/// The properties of `one` that `other` does not have.
fn missing(one: &str, other: &str) -> String {
    let parts = |text: &str| -> Vec<String> {
        let properties = Properties::parse(text);
        let parts = properties.iter().map(|(key, value)| match key {
            Some(key) => format!("{key}={value}"),
            None => value.to_owned(),
        });
        parts.collect()
    };
    let others: BTreeSet<String> = parts(other).into_iter().collect();
    parts(one).into_iter().filter(|part| !others.contains(part)).collect::<Vec<_>>().join(",")
}

fn shown(value: &Value) -> String {
    text(value).unwrap_or_else(|| value.to_string())
}

#[cfg(test)]
mod tests {
    use proxmox_mpc_model::kinds;

    use super::*;

    #[test]
    fn what_means_the_same_is_no_difference() {
        let kind = kinds::of(&Identity::new("qemu", 100)).unwrap();
        let check = |name: &str, before: Option<&str>, after: Option<&str>, expected: Option<(&str, &str)>| {
            let sides = [before, after].map(|value| value.map(str::to_owned));
            let found = difference(name, kind.key(name), sides);
            let found = found.map(|found| (found.before.unwrap_or_default(), found.after.unwrap_or_default()));
            let expected = expected.map(|(before, after)| (before.to_owned(), after.to_owned()));
            assert_eq!(found, expected, "{name}");
        };
        check("memory", Some("2048"), Some("4096"), Some(("2048", "4096")));
        check("numa", None, Some("0"), None);
        check("onboot", None, Some("1"), Some(("", "1")));
        check("tags", Some("b;a"), Some("a;b"), None);
        check("scsi0", Some("local:1/a.raw,size=1G,ssd=1"), Some("local:1/a.raw,ssd=1,size=1G"), None);
        check("scsi0", Some("l:v,size=1G"), Some("l:v,size=2G,backup=0"), Some(("size=1G", "size=2G,backup=0")));
        check("cipassword", Some("CANARY"), Some("CANARY2"), Some(("redacted-cipassword", "redacted-cipassword")));
    }
}
