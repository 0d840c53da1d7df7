//! Reasons why keys are not in the Terraform code and objects could not be read, each with everything that it is true of.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_model::kinds::KINDS;
use proxmox_mpc_model::{Identity, MissingPrivilege, NotRead, Unread};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::coverage::{Coverage, Fate, ObjectCoverage, Outcome};

/// Number of objects that a reason names; the others are counted.
const NAMED: usize = 5;

/// A reason, and the keys that it is true of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// The fate of the keys: `Ansible`, `not expressible`.
    pub fate: Cow<'static, str>,
    /// The reason, with the fact behind it.
    pub reason: String,
    /// The kinds of their objects.
    pub kinds: BTreeSet<Cow<'static, str>>,
    /// The keys, families as `net[n]`.
    pub keys: BTreeSet<String>,
    /// The number of keys, each key of each object.
    pub count: usize,
    /// The number of objects with such a key.
    pub objects: usize,
    /// The first of those.
    pub examples: Vec<Identity>,
}

/// The reasons why keys are not in the Terraform code: those of Ansible first, then those of no code, most keys first.
pub fn reasons(coverage: &Coverage) -> Vec<Reason> {
    let mut reasons: BTreeMap<(&'static str, &str), Reason> = BTreeMap::new();
    for (identity, object) in &coverage.objects {
        let mut seen = BTreeSet::new();
        for (key, fate) in &object.keys {
            let Some(why) = why(object, fate) else { continue };
            let reason = reasons.entry((fate.word(), why)).or_insert_with(|| Reason {
                fate: fate.word().into(),
                reason: why.to_owned(),
                kinds: BTreeSet::new(),
                keys: BTreeSet::new(),
                count: 0,
                objects: 0,
                examples: Vec::new(),
            });
            reason.count += 1;
            reason.keys.insert(family(&object.kind, key));
            if seen.insert((fate.word(), why)) {
                reason.objects += 1;
                reason.kinds.insert(object.kind.clone());
                if reason.examples.len() < NAMED {
                    reason.examples.push(identity.clone());
                }
            }
        }
    }
    let mut reasons: Vec<Reason> = reasons.into_values().collect();
    reasons.sort_by_key(|reason| (reason.fate.clone(), std::cmp::Reverse(reason.count)));
    reasons
}

/// The keys that no row knows, with whose they are.
pub fn not_covered(coverage: &Coverage) -> Vec<(&Identity, Vec<&str>)> {
    let objects = coverage.objects.iter().map(|(identity, object)| {
        let unknown = object.keys.into_iter().filter(|(_, fate)| **fate == Fate::NotCovered);
        (identity, unknown.map(|(key, _)| key.as_str()).collect::<Vec<_>>())
    });
    objects.filter(|(_, keys)| !keys.is_empty()).collect()
}

/// Objects and lists that could not be read, for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unreadable {
    /// Proxmox's reason, or what is missing.
    pub reason: String,
    /// The privileges with which the login could read it; empty where none is known to help.
    pub missing: Vec<MissingPrivilege>,
    /// True of lists whose answer is not in the recording, and of nothing else.
    #[serde(skip)]
    pub not_on_record: bool,
    /// The kinds whose list is not complete.
    pub lists: Vec<Cow<'static, str>>,
    /// The objects.
    pub objects: Vec<Identity>,
}

/// Groups objects and lists that could not be read by reason. Lists that nobody asked for share one reason.
pub fn unreadable(unread: &[Unread]) -> Vec<Unreadable> {
    let mut groups = Groups::default();
    for one in unread {
        let Some(kind) = KINDS.iter().find(|kind| kind.prefix == one.identity.prefix() && one.is_list()) else {
            let missing = one.reasons.causes.iter().flat_map(NotRead::missing);
            groups.of(one.reason(), missing).objects.push(one.identity.clone());
            continue;
        };
        // An answer that is not on record counts only where nothing else is wrong with the list.
        let mut causes = one.reasons.causes.iter().filter(|cause| !cause.is_not_on_record()).peekable();
        if causes.peek().is_none() {
            let group = groups.of(NOT_ON_RECORD.to_owned(), []);
            group.not_on_record = true;
            group.lists.push(kind.id.into());
        }
        for cause in causes {
            groups.of(cause.to_string(), cause.missing()).lists.push(kind.id.into());
        }
    }
    let mut groups: Vec<Unreadable> = groups.0.into_values().collect();
    // What a user can do something about comes first.
    groups.sort_by_key(|group| (group.not_on_record, group.missing.is_empty()));
    groups
}

/// Sentence about lists whose answer is not in the recording.
const NOT_ON_RECORD: &str = "not on record: the import did not ask for it (`--only`), or got no answer";

/// The groups by their sentence.
#[derive(Default)]
struct Groups(BTreeMap<String, Unreadable>);

impl Groups {
    /// The group with this sentence, an empty one where there is none yet.
    fn of<'m>(&mut self, reason: String, missing: impl IntoIterator<Item = &'m MissingPrivilege>) -> &mut Unreadable {
        self.0.entry(reason).or_insert_with_key(|reason| Unreadable {
            reason: reason.clone(),
            missing: missing.into_iter().cloned().collect(),
            not_on_record: false,
            lists: Vec::new(),
            objects: Vec::new(),
        })
    }
}

/// The reason why a key of this object is not in the Terraform code; `None` for one that is, or that needs no reason.
pub(crate) fn why<'c>(object: &'c ObjectCoverage, fate: &'c Fate) -> Option<&'c str> {
    match (fate, &object.outcome) {
        (Fate::Ansible(reason), Outcome::Ansible { reason: whole, .. }) if reason.is_empty() => Some(whole),
        (Fate::Ansible(reason) | Fate::NotExpressible(reason), _) => Some(reason),
        _ => None,
    }
}

/// The key as its table writes it: `net[n].trunks` of `net0.trunks`.
pub(crate) fn family(kind: &str, key: &str) -> String {
    let (stem, rest) = key.split_once('.').map_or((key, ""), |(stem, rest)| (stem, rest));
    let known = KINDS.iter().find(|one| one.id == kind).and_then(|kind| kind.key(stem));
    let stem = known.map_or(stem, |key| key.name);
    if rest.is_empty() { stem.to_owned() } else { format!("{stem}.{rest}") }
}

#[cfg(test)]
mod tests {
    use proxmox_mpc_model::{ApiPath, Reasons};

    use super::*;

    #[test]
    fn what_was_not_asked_is_said_once() {
        let unknown = |path: &str| NotRead::NotOnRecord { request: ApiPath::parse(path) };
        let offline = || NotRead::Offline { node: "pve2".to_owned() };
        let list = |prefix: &str, causes: Vec<NotRead>| Unread::list(prefix, Reasons::of(causes).unwrap());
        let groups = unreadable(&[
            list("role", vec![unknown("access/roles")]),
            list("pool", ["pools", "a", "b", "c"].map(unknown).to_vec()),
            list("firewall-rules", vec![offline(), unknown("x"), unknown("y")]),
            Unread::object(Identity::new("qemu", 1), offline()),
            Unread::object(Identity::new("lxc", 2), offline()),
        ]);
        assert_eq!(groups.len(), 2);
        assert_eq!((groups[0].objects.len(), &groups[0].lists[..]), (2, &["firewall_rules".into()][..]));
        assert_eq!((&*groups[1].reason, &groups[1].lists[..]), (NOT_ON_RECORD, &["role".into(), "pool".into()][..]));
    }
}
