//! Why keys are not in the Terraform code, and why objects could not be read: said once for all that it is true of.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_model::kinds::KINDS;
use proxmox_mpc_model::{Identity, Unread};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::coverage::{Coverage, Fate, ObjectCoverage, Outcome};

/// How many objects a reason names before it only counts them.
const NAMED: usize = 5;

/// A reason, and the keys that it is true of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// What became of the keys: `Ansible`, `not expressible`.
    pub fate: Cow<'static, str>,
    /// Why, with its fact.
    pub reason: String,
    /// The kinds of their objects.
    pub kinds: BTreeSet<Cow<'static, str>>,
    /// The keys, families as `net[n]`.
    pub keys: BTreeSet<String>,
    /// How many there are, each key of each object.
    pub count: usize,
    /// How many objects have one.
    pub objects: usize,
    /// The first of those.
    pub examples: Vec<Identity>,
}

/// Why keys are not in the Terraform code: what Ansible keeps first, then what no code can say, most keys first.
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

/// What could not be read, for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unreadable {
    /// Proxmox's reason, or what is missing.
    pub reason: String,
    /// The privilege that is missing, where the reason tells.
    pub privilege: Option<String>,
    /// The ACL path that it is missing on.
    pub path: Option<String>,
    /// The kinds whose list is not complete.
    pub lists: Vec<Cow<'static, str>>,
    /// The objects.
    pub objects: Vec<Identity>,
}

/// What could not be read, by reason. Of lists that nobody asked for only one thing is said.
pub fn unreadable(unread: &[Unread]) -> Vec<Unreadable> {
    let mut groups: BTreeMap<&str, Unreadable> = BTreeMap::new();
    for one in unread {
        let list = KINDS.iter().find(|kind| kind.prefix == one.identity.prefix() && one.identity.id() == "*");
        let reasons = if list.is_some() { parts(&one.reason) } else { vec![one.reason.as_str()] };
        for reason in reasons {
            let (privilege, path) = missing(reason).unzip();
            let group = groups.entry(reason).or_insert_with(|| Unreadable {
                reason: reason.to_owned(),
                privilege,
                path,
                lists: Vec::new(),
                objects: Vec::new(),
            });
            match list {
                Some(kind) => group.lists.push(kind.id.into()),
                None => group.objects.push(one.identity.clone()),
            }
        }
    }
    let mut groups: Vec<Unreadable> = groups.into_values().collect();
    // What a user can do something about comes first.
    groups.sort_by_key(|group| (group.reason == NOT_ON_RECORD, group.privilege.is_none()));
    groups
}

/// Said of a list whose answer is not in the recording.
pub(crate) const NOT_ON_RECORD: &str = "not on record: the import did not ask for it (`--only`), or got no answer";

/// What is wrong with a list, one by one: what was not asked for counts only where nothing else is wrong.
fn parts(reason: &str) -> Vec<&str> {
    let told = |part: &&str| !part.ends_with(" is not on record") && !part.starts_with("and ");
    let parts: Vec<&str> = reason.split("; ").filter(told).collect();
    if parts.is_empty() { vec![NOT_ON_RECORD] } else { parts }
}

/// The privilege and the ACL path that a reason tells of: Proxmox's own `(/vms/100, VM.Audit)`, or our `VM.Audit on /vms`.
fn missing(reason: &str) -> Option<(String, String)> {
    let is_privilege = |word: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '|';
        word.contains('.') && word.starts_with(|c: char| c.is_ascii_uppercase()) && word.chars().all(plain)
    };
    let refused = reason.match_indices("(/").find_map(|(start, _)| {
        let inside = &reason[start + 1..start + reason[start..].find(')')?];
        inside.rsplit_once(", ").map(|(path, privilege)| (privilege, path))
    });
    let lacking = || {
        let words: Vec<&str> = reason.split_whitespace().map(|word| word.trim_end_matches([';', ','])).collect();
        let found = words.windows(3).find(|three| three[1] == "on" && is_privilege(three[0]));
        found.map(|three| (three[0], three[2]))
    };
    let (privilege, path) = refused.or_else(lacking)?;
    is_privilege(privilege).then(|| (privilege.to_owned(), path.to_owned()))
}

/// Why a key of this object is not in the Terraform code; `None` for one that is, or that needs no reason.
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
    use super::*;

    #[test]
    fn a_reason_tells_the_missing_privilege() {
        let check = |reason: &str, expected: Option<(&str, &str)>| {
            let expected = expected.map(|(privilege, path)| (privilege.to_owned(), path.to_owned()));
            assert_eq!(missing(reason), expected, "{reason}");
        };
        check("403 Permission check failed (/vms/100, VM.Audit)", Some(("VM.Audit", "/vms/100")));
        check("`x`: 403 Permission check failed (/, Sys.Audit|Sys.Modify)", Some(("Sys.Audit|Sys.Modify", "/")));
        check("what lacks SDN.Audit on /sdn is hidden from this login", Some(("SDN.Audit", "/sdn")));
        check("guests without VM.Audit on /vms are hidden from this login; x", Some(("VM.Audit", "/vms")));
        check("403 Permission check failed", None);
        check("node pve1 is offline", None);
        check("(/no end", None);
        check("the file is on storage nas.example on node x", None);
    }

    #[test]
    fn what_was_not_asked_is_said_once() {
        let unread = |prefix: &str, reason: &str| Unread {
            identity: Identity::new(prefix, if reason.contains("record") { "*" } else { "1" }),
            reason: reason.to_owned(),
        };
        let groups = unreadable(&[
            unread("role", "`access/roles` is not on record"),
            unread("pool", "`pools` is not on record; and 3 more"),
            unread("firewall-rules", "node pve2 is offline; `x` is not on record; `y` is not on record"),
            unread("qemu", "node pve2 is offline"),
            unread("lxc", "node pve2 is offline"),
        ]);
        assert_eq!(groups.len(), 2);
        assert_eq!((groups[0].objects.len(), &groups[0].lists[..]), (2, &["firewall_rules".into()][..]));
        assert_eq!((&*groups[1].reason, &groups[1].lists[..]), (NOT_ON_RECORD, &["role".into(), "pool".into()][..]));
    }
}
