//! Names for Terraform's language: legal, readable, unique and stable.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proxmox_mpc_model::Identity;
use sha2::{Digest as _, Sha256};

/// Words of Terraform's language that would be confusing as a name.
const RESERVED: &[&str] = &["else", "endfor", "endif", "false", "for", "if", "in", "null", "true"];

/// Request for a name of an object.
#[derive(Clone, Debug)]
pub struct NameRequest {
    /// The object.
    pub identity: Identity,
    /// Its name in Proxmox; `None` if it has none.
    pub name: Option<String>,
    /// Word for its kind (`vm`), put before a name that is no identifier by itself.
    pub word: &'static str,
    /// Id that distinguishes it from others of the same name: its VMID.
    pub id: String,
}

/// Returns a readable identifier: `web-frontend` → `web_frontend`, `ünï` → `uni`. Empty if nothing legible is left.
pub fn slug(name: &str) -> String {
    let plain = deunicode::deunicode_with_tofu(name, "_").to_lowercase();
    let words: Vec<&str> = plain.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join("_")
}

/// Assigns a unique name to each object.
///
/// Names in `kept` never change. No other object gets one of them, nor one of the `reserved` names. Of two new names that
/// would be equal, both get their id as a suffix, whichever came first; if the ids are alike too (pools `lab/k3s` and
/// `lab-k3s`), both get a digest of their identity. An object whose id is the name keeps it: of pools `prod` and `Prod` the
/// first is `prod`. The order of the requests does not matter. The search ends: digests differ, and only finitely many names
/// are taken.
pub fn assign(
    requests: &[NameRequest],
    kept: &BTreeMap<Identity, String>,
    reserved: &BTreeSet<&str>,
) -> BTreeMap<Identity, String> {
    let taken: BTreeSet<&str> = kept.values().map(String::as_str).chain(reserved.iter().copied()).collect();
    let mut names: BTreeMap<Identity, String> = BTreeMap::new();
    // Objects without a name, and how many candidates each has given up.
    let mut steps: BTreeMap<&Identity, (&NameRequest, usize)> = BTreeMap::new();
    for request in requests {
        match kept.get(&request.identity) {
            Some(name) => drop(names.insert(request.identity.clone(), name.clone())),
            None => drop(steps.insert(&request.identity, (request, 0))),
        }
    }
    let mut holders: BTreeMap<String, Vec<&Identity>> = BTreeMap::new();
    // Only a name that an object has moved to in the last round can collide in this one.
    let mut arrived = BTreeSet::new();
    for (identity, (request, step)) in &steps {
        let name = candidate(request, *step);
        holders.entry(name.clone()).or_default().push(identity);
        arrived.insert(name);
    }
    while !arrived.is_empty() {
        let mut leaving: Vec<&Identity> = Vec::new();
        for name in std::mem::take(&mut arrived) {
            let Some(group) = holders.get_mut(&name).filter(|group| group.len() > 1 || taken.contains(name.as_str()))
            else {
                continue;
            };
            let called_so = |identity: &&Identity| steps.get(identity).is_some_and(|(request, _)| request.id == name);
            let (stay, leave): (Vec<_>, Vec<_>) =
                group.drain(..).partition(|identity| called_so(identity) && !taken.contains(name.as_str()));
            // Two objects with the same id get suffixes like all others.
            if let [only] = stay[..] {
                group.push(only);
            } else {
                leaving.extend(stay);
            }
            leaving.extend(leave);
        }
        for identity in leaving {
            let Some((request, step)) = steps.get_mut(identity) else { continue };
            *step += 1;
            let name = candidate(request, *step);
            holders.entry(name.clone()).or_default().push(identity);
            arrived.insert(name);
        }
    }
    let given = holders.into_iter().flat_map(|(name, group)| group.into_iter().map(move |one| (one, name.clone())));
    names.extend(given.map(|(identity, name)| (identity.clone(), name)));
    names
}

/// Reports whether an object of this name and id in Proxmox may have got a name, whatever other objects there were.
pub(crate) fn may_be(request: &NameRequest, name: &str) -> bool {
    // After these steps the digest is complete.
    (0..12).any(|step| candidate(request, step) == name)
}

/// Candidate for a name at a step: plain, with the id, with word and id, then with more and more of the digest.
fn candidate(request: &NameRequest, step: usize) -> String {
    let slug = request.name.as_deref().map(slug).unwrap_or_default();
    let id = self::slug(&request.id);
    let plain = match (slug.is_empty(), id.is_empty()) {
        (true, true) => request.word.to_owned(),
        (true, false) => format!("{}_{id}", request.word),
        _ if slug.starts_with(|c: char| c.is_ascii_digit()) || RESERVED.contains(&slug.as_str()) => {
            format!("{}_{slug}", request.word)
        }
        _ => slug.clone(),
    };
    // An id that equals the name distinguishes nothing: the digest comes next.
    let digest_step = if slug.is_empty() || id.is_empty() || id == slug { 1 } else { 3 };
    match step {
        0 => plain,
        1 if digest_step == 3 => format!("{plain}_{id}"),
        2 if digest_step == 3 => format!("{}_{plain}_{id}", request.word),
        _ => format!("{plain}_{}", digest(&request.identity, step - digest_step)),
    }
}

/// Digest of an identity, longer with each step, and with underscores once it is complete: another object may have a name that
/// looks like a digest.
pub(crate) fn digest(identity: &Identity, step: usize) -> String {
    let bytes = Sha256::digest(identity.to_string());
    let text: String = bytes.iter().take(4 * (step + 1)).fold(String::new(), |mut text, byte| {
        _ = write!(text, "{byte:02x}");
        text
    });
    text + &"_".repeat((step + 1).saturating_sub(bytes.len() / 4))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(vmid: u32, name: &str) -> NameRequest {
        let name = (!name.is_empty()).then(|| name.to_owned());
        NameRequest { identity: Identity::new("qemu", vmid), name, word: "vm", id: vmid.to_string() }
    }

    #[test]
    fn a_name_comes_from_the_one_in_proxmox() {
        let check = |name: &str, given: &str, expected: bool| assert_eq!(may_be(&request(101, name), given), expected);
        check("web", "web", true);
        check("web", "web_101", true);
        check("web", "vm_web_101", true);
        check("web", &format!("web_{}", digest(&request(101, "web").identity, 1)), true);
        check("web", "web_102", false);
        check("shop", "web", false);
        check("", "vm_101", true);
    }

    #[test]
    fn names_are_legal_and_readable() {
        let check = |name: &str, expected: &str| {
            let names = assign(&[request(101, name)], &BTreeMap::new(), &BTreeSet::new());
            assert_eq!(names[&Identity::new("qemu", 101)], expected, "{name}");
            assert!(crate::hcl::identifier(expected));
        };
        check("web-frontend", "web_frontend");
        check("ci-ubuntu", "ci_ubuntu");
        check("01-db", "vm_01_db");
        check("null", "vm_null");
        check("ünï", "uni");
        check("fw.home.arpa", "fw_home_arpa");
        check("Web", "web");
        check("--", "vm_101");
        check("", "vm_101");
        check("東京", "dong_jing");
    }

    #[test]
    fn equal_names_get_their_ids_in_any_order() {
        let check = |requests: &[(u32, &str)], expected: &[(u32, &str)]| {
            let mut requests: Vec<NameRequest> = requests.iter().map(|(vmid, name)| request(*vmid, name)).collect();
            let expected: BTreeMap<Identity, String> =
                expected.iter().map(|(vmid, name)| (Identity::new("qemu", vmid), (*name).to_owned())).collect();
            assert_eq!(assign(&requests, &BTreeMap::new(), &BTreeSet::new()), expected);
            requests.reverse();
            assert_eq!(assign(&requests, &BTreeMap::new(), &BTreeSet::new()), expected);
        };
        check(&[(1, "simple"), (2, "simple"), (3, "other")], &[(1, "simple_1"), (2, "simple_2"), (3, "other")]);
        check(
            &[(1, "simple"), (2, "simple"), (3, "simple-1")],
            &[(1, "vm_simple_1"), (2, "simple_2"), (3, "simple_1_3")],
        );
        check(&[(1, "Web"), (2, "web")], &[(1, "web_1"), (2, "web_2")]);
    }

    #[test]
    fn kept_names_stay() {
        let kept = BTreeMap::from([(Identity::new("qemu", 1), "web".to_owned())]);
        let names =
            assign(&[request(1, "renamed"), request(2, "web"), request(3, "old")], &kept, &BTreeSet::from(["old"]));
        assert_eq!(names[&Identity::new("qemu", 1)], "web");
        assert_eq!(names[&Identity::new("qemu", 2)], "web_2");
        assert_eq!(names[&Identity::new("qemu", 3)], "old_3");
    }

    /// Objects that go by their id, as pools and storages do.
    fn pools(ids: &[&str]) -> Vec<NameRequest> {
        let request = |id: &&str| NameRequest {
            identity: Identity::new("pool", id),
            name: Some((*id).to_owned()),
            word: "pool",
            id: (*id).to_owned(),
        };
        ids.iter().map(request).collect()
    }

    #[test]
    fn similar_ids_get_digests() {
        let check = |ids: &[&str], expected: &[&str]| {
            let mut requests = pools(ids);
            let expected: BTreeMap<Identity, String> =
                ids.iter().zip(expected).map(|(id, name)| (Identity::new("pool", id), (*name).to_owned())).collect();
            assert_eq!(assign(&requests, &BTreeMap::new(), &BTreeSet::new()), expected);
            requests.reverse();
            assert_eq!(assign(&requests, &BTreeMap::new(), &BTreeSet::new()), expected);
        };
        check(&["prod", "Prod"], &["prod", "prod_7734ca72"]);
        check(&["Prod", "PROD"], &["prod_7734ca72", "prod_3c91b4f5"]);
        check(&["lab/k3s", "lab-k3s"], &["lab_k3s_8e30fa62", "lab_k3s_8bfa4388"]);
        check(&["usb-backup", "usb_backup"], &["usb_backup_e7300a31", "usb_backup"]);
        check(&["jürgen@pve", "jurgen@pve"], &["jurgen_pve_0a604fe2", "jurgen_pve_38776bb7"]);
        check(&["null", "NULL"], &["pool_null_2bccfc0d", "pool_null_54b66282"]);
        check(&["--", "++"], &["pool_853160f0", "pool_80ca12e1"]);
    }

    #[test]
    fn a_new_object_changes_no_name() {
        let alone = assign(&pools(&["Prod"]), &BTreeMap::new(), &BTreeSet::new());
        let both = assign(&pools(&["Prod", "prod"]), &alone, &BTreeSet::new());
        assert_eq!(both[&Identity::new("pool", "Prod")], "prod");
        assert_ne!(both[&Identity::new("pool", "prod")], "prod");
    }

    /// Names that collide, that look like a fallback name of another object, or that are not legal.
    fn hostile() -> impl Strategy<Value = String> {
        let odd = prop::sample::select(vec![
            "",
            "a",
            "A",
            "a_1",
            "a-1",
            "a_1_1",
            "vm_a",
            "vm_a_1",
            "vm_1",
            "1",
            "01",
            "null",
            "Null",
            "true",
            "for",
            "ä",
            "東京",
            "a b",
            "a/b",
            "a.b",
            "--",
            "\u{202e}a",
            "🦀",
        ]);
        let short = "[aA1_./ -]{0,4}";
        prop_oneof![odd.prop_map(str::to_owned), short, "\\PC{0,6}"]
    }

    fn hostile_requests() -> impl Strategy<Value = Vec<NameRequest>> {
        let one = (prop::option::of(hostile()), hostile(), prop::sample::select(vec!["qemu", "lxc"]));
        // An identity is one object.
        let request = |(name, id, prefix): (Option<String>, String, &'static str)| {
            let identity = Identity::new(prefix, &id);
            (
                identity.clone(),
                NameRequest { identity, name, word: if prefix == "qemu" { "vm" } else { "container" }, id },
            )
        };
        prop::collection::vec(one, 0..24)
            .prop_map(move |all| all.into_iter().map(request).collect::<BTreeMap<_, _>>().into_values().collect())
    }

    proptest! {
        #[test]
        fn every_set_of_objects_gets_its_names(
            requests in hostile_requests(),
            first in any::<prop::sample::Index>(),
            taken in prop::collection::btree_set(hostile().prop_map(|name| slug(&name)), 0..4),
        ) {
            let (none, reserved) = (BTreeMap::new(), taken.iter().map(String::as_str).collect());
            let names = assign(&requests, &none, &reserved);
            prop_assert_eq!(names.len(), requests.len());
            let distinct: BTreeSet<&String> = names.values().collect();
            prop_assert_eq!(distinct.len(), requests.len());
            for name in names.values() {
                prop_assert!(crate::hcl::identifier(name), "{}", name);
                prop_assert!(!taken.contains(name), "{}", name);
            }
            let backwards: Vec<NameRequest> = requests.iter().rev().cloned().collect();
            prop_assert_eq!(&assign(&backwards, &none, &reserved), &names);
            // Some objects have names already: these stay, and all names are distinct.
            let earlier = &requests[..if requests.is_empty() { 0 } else { first.index(requests.len()) }];
            let earlier = assign(earlier, &none, &reserved);
            let later = assign(&requests, &earlier, &reserved);
            for (identity, name) in &earlier {
                prop_assert_eq!(&later[identity], name);
            }
            prop_assert_eq!(later.values().collect::<BTreeSet<_>>().len(), requests.len());
            // A second run changes nothing.
            prop_assert_eq!(&assign(&requests, &later, &reserved), &later);
        }
    }

    /// A kept name may equal the name that another object's digest would give.
    #[test]
    fn names_that_look_like_digests_are_avoided() {
        let requests = pools(&["a/b", "a-b"]);
        let names = |kept: &BTreeMap<Identity, String>| assign(&requests, kept, &BTreeSet::new());
        let mut kept = BTreeMap::new();
        for round in 0..12 {
            let mut now = names(&kept);
            now.retain(|identity, _| identity.prefix() == "pool");
            let taken: BTreeSet<String> = kept.values().cloned().collect();
            assert!(now.values().all(|name| !taken.contains(name)), "{now:?}");
            kept.extend(
                now.into_values()
                    .enumerate()
                    .map(|(index, name)| (Identity::new("other", format!("{round}-{index}")), name)),
            );
        }
    }

    #[test]
    fn ten_thousand_similar_names_are_fast() {
        let ids: Vec<String> =
            (0..10_000).map(|number| "-".repeat(number % 97) + "a" + &"-".repeat(number / 97)).collect();
        let requests = pools(&ids.iter().map(String::as_str).collect::<Vec<_>>());
        let names = assign(&requests, &BTreeMap::new(), &BTreeSet::new());
        assert_eq!(names.values().collect::<BTreeSet<_>>().len(), 10_000);
    }
}
