//! Objects of a cluster with their configuration, and the differences between two snapshots of it.

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

/// Change of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectChange {
    /// The object in Proxmox: `qemu/101`.
    pub identity: Identity,
    /// The kind: `vm`.
    pub kind: Cow<'static, str>,
    /// The name of the object.
    pub name: Option<String>,
    /// The Terraform address, if it has one.
    pub address: Option<String>,
    /// The kind of change.
    pub change: ChangeKind,
    /// The keys that would change, as Proxmox spells them; none if the whole object is created or destroyed.
    pub keys: Vec<KeyChange>,
}

/// Kind of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// The object would be created.
    Created,
    /// The object would be changed.
    Changed,
    /// The object would be destroyed and created again.
    Replaced,
    /// The object would be destroyed.
    Destroyed,
}

/// Change of one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyChange {
    /// The key, as Proxmox spells it: `memory`, `net0`.
    pub key: String,
    /// The value before: for a list of properties only the parts that differ, for a secret a placeholder.
    pub before: Option<String>,
    /// The value after, in the same form.
    pub after: Option<String>,
}

/// Pending changes of a guest that were there before, and are applied by a start during the rehearsal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InForce {
    /// The guest.
    pub identity: Identity,
    /// The name of the guest.
    pub name: Option<String>,
    /// The Terraform address, if it has one.
    pub address: Option<String>,
    /// The changed keys.
    pub keys: Vec<KeyChange>,
}

/// Snapshot of a cluster.
pub(super) struct Snapshot {
    objects: BTreeMap<Identity, ObjectState>,
    /// The running guests.
    pub(super) running: BTreeSet<Identity>,
    /// The pending changes of guests, which apply with the next start.
    waiting: BTreeMap<Identity, Vec<KeyChange>>,
}

struct ObjectState {
    kind: &'static Kind,
    name: Option<String>,
    keys: Map<String, Value>,
}

/// Kinds that are not compared: the guest that uses a volume shows its changes already.
const SKIPPED: [&str; 1] = ["volume"];

impl Snapshot {
    /// Reads every object that can be read.
    pub(super) fn read(answers: &dyn Answers) -> Result<Self, Unreadable> {
        let cluster = Cluster::read(answers)?;
        let mut objects = BTreeMap::new();
        for kind in KINDS.iter().copied().filter(|kind| !SKIPPED.contains(&kind.id)) {
            for entry in kind.list(&cluster)?.entries {
                let Ok(object) = kind.read(&cluster, &entry)? else { continue };
                let keys = object.keys.into_iter().filter(|(key, _)| is_configuration(kind, key)).collect();
                let name = entry.name.filter(|name| name != entry.identity.id());
                objects.insert(entry.identity, ObjectState { kind, name, keys });
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

    /// The pending changes that were applied in between, since their guest was started: values that this rehearsal did not
    /// change.
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

    /// Reports whether the object exists.
    pub(super) fn has(&self, identity: &Identity) -> bool {
        self.objects.contains_key(identity)
    }

    /// The configured keys of an object.
    pub(super) fn keys(&self, identity: &Identity) -> impl Iterator<Item = &str> {
        self.objects.get(identity).into_iter().flat_map(|known| known.keys.keys()).map(String::as_str)
    }

    /// Every object that differs in `after`, sorted by identity. `replaced` is true for identities that belong to another
    /// object in `after`.
    pub(super) fn compare(&self, after: &Self, replaced: impl Fn(&Identity) -> bool) -> Vec<ObjectChange> {
        let all: BTreeSet<&Identity> = self.objects.keys().chain(after.objects.keys()).collect();
        let mut changes = Vec::new();
        for identity in all {
            let (before, now) = (self.objects.get(identity), after.objects.get(identity));
            let (change, keys) = match (before, now) {
                (None, Some(_)) => (ChangeKind::Created, Vec::new()),
                (Some(_), None) => (ChangeKind::Destroyed, Vec::new()),
                (Some(before), Some(now)) if replaced(identity) => (ChangeKind::Replaced, differences(before, now)),
                (Some(before), Some(now)) => match differences(before, now) {
                    keys if keys.is_empty() => continue,
                    keys => (ChangeKind::Changed, keys),
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

/// Reads an item of a guest's pending configuration; `None` if its value is not pending.
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
    // Memberships are objects of their own.
    let members = kind.id == "pool" && key == "members";
    // Proxmox lists detached disks in these keys, which a rehearsal has to show.
    let detached = index("unused", key).is_some();
    !members && (detached || kind.key(key).is_none_or(|key| key.class != Class::Volatile))
}

fn differences(before: &ObjectState, after: &ObjectState) -> Vec<KeyChange> {
    let keys: BTreeSet<&String> = before.keys.keys().chain(after.keys.keys()).collect();
    keys.into_iter()
        .filter_map(|name| {
            let key = after.kind.key(name);
            let sides = [before.keys.get(name), after.keys.get(name)];
            if let [Some(Value::Object(before)), Some(Value::Object(after))] = sides {
                return parts(name, before, after);
            }
            difference(name, key, sides.map(|value| value.map(shown)))
        })
        .collect()
}

/// The difference of two structures: the parts that only one of them has.
fn parts(name: &str, before: &Map<String, Value>, after: &Map<String, Value>) -> Option<KeyChange> {
    let only = |side: &Map<String, Value>, other: &Map<String, Value>| {
        let parts = side.iter().filter(|(key, value)| other.get(*key) != Some(value));
        let parts: Vec<String> = parts.map(|(key, value)| format!("{key}={}", shown(value))).collect();
        (!parts.is_empty()).then(|| parts.join(","))
    };
    let (before, after) = (only(before, after), only(after, before));
    (before.is_some() || after.is_some()).then(|| KeyChange { key: name.to_owned(), before, after })
}

/// The difference of two values of a key; `None` if they mean the same.
fn difference(name: &str, key: Option<&Key>, [before, after]: [Option<String>; 2]) -> Option<KeyChange> {
    let changed = |before: Option<String>, after: Option<String>| KeyChange { key: name.to_owned(), before, after };
    let default = key.and_then(|key| key.default);
    let effective = |value: &Option<String>| value.clone().or(default.map(str::to_owned));
    if before == after || effective(&before) == effective(&after) {
        return None;
    }
    if key.is_some_and(|key| key.class == Class::Secret) {
        let hidden = |value: Option<String>| value.map(|_| placeholder(name));
        return Some(changed(hidden(before), hidden(after)));
    }
    let (Some(old), Some(new)) = (&before, &after) else { return Some(changed(before, after)) };
    match key.map(|key| key.form) {
        Some(Form::Set(_)) => {
            let sorted = |text: &str| list::items(text).map(str::to_owned).collect::<BTreeSet<_>>();
            (sorted(old) != sorted(new)).then(|| changed(before.clone(), after.clone()))
        }
        Some(Form::Properties(_)) => {
            let (removed, added) = (missing(old, new), missing(new, old));
            let part = |parts: String| (!parts.is_empty()).then_some(parts);
            (!removed.is_empty() || !added.is_empty()).then(|| changed(part(removed), part(added)))
        }
        _ => Some(changed(before, after)),
    }
}

/// The properties of `list` that `other` does not have.
fn missing(list: &str, other: &str) -> String {
    let parts = |text: &str| -> Vec<String> {
        let properties = Properties::parse(text);
        let parts = properties.iter().map(|(key, value)| match key {
            Some(key) => format!("{key}={value}"),
            None => value.to_owned(),
        });
        parts.collect()
    };
    let others: BTreeSet<String> = parts(other).into_iter().collect();
    parts(list).into_iter().filter(|part| !others.contains(part)).collect::<Vec<_>>().join(",")
}

fn shown(value: &Value) -> String {
    text(value).unwrap_or_else(|| value.to_string())
}

#[cfg(test)]
mod tests {
    use proxmox_mpc_model::kinds;

    use super::*;

    #[test]
    fn values_of_the_same_meaning_do_not_differ() {
        let kind = kinds::of(&Identity::new("qemu", 100)).unwrap();
        let check = |name: &str, before: Option<&str>, after: Option<&str>, expected: Option<(&str, &str)>| {
            let sides = [before, after].map(|value| value.map(str::to_owned));
            let change = difference(name, kind.key(name), sides);
            let change = change.map(|change| (change.before.unwrap_or_default(), change.after.unwrap_or_default()));
            let expected = expected.map(|(before, after)| (before.to_owned(), after.to_owned()));
            assert_eq!(change, expected, "{name}");
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
