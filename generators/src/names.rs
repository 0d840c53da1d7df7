//! Terraform names: legal, readable, unique, and the same tomorrow.

use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_model::Identity;

/// Words of the language that a reader would stumble over as a name.
const RESERVED: &[&str] = &["else", "endfor", "endif", "false", "for", "if", "in", "null", "true"];

/// What an object would like to be called.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Who it is.
    pub identity: Identity,
    /// Its name in Proxmox; `None` where it has none.
    pub name: Option<String>,
    /// The word for its kind, put before a name that could not stand alone: `vm`.
    pub word: &'static str,
    /// What tells it from others of the same name: its VMID.
    pub id: String,
}

/// A readable identifier: `web-frontend` → `web_frontend`, `ünï` → `uni`; empty where nothing legible is left.
pub fn slug(name: &str) -> String {
    let plain = deunicode::deunicode_with_tofu(name, "_").to_lowercase();
    let words: Vec<&str> = plain.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join("_")
}

/// A name for each object, unique among them.
///
/// `kept` names are given already and never change; nobody else gets one of them, nor one of the `reserved` ones. Where two new names would be equal,
/// both carry their id, whichever came first. The same wishes give the same names in any order.
pub fn assign(
    wishes: &[Wish],
    kept: &BTreeMap<Identity, String>,
    reserved: &BTreeSet<&str>,
) -> BTreeMap<Identity, String> {
    let taken: BTreeSet<&str> = kept.values().map(String::as_str).chain(reserved.iter().copied()).collect();
    let mut names: BTreeMap<&Identity, (&Wish, usize)> = wishes
        .iter()
        .filter(|wish| !kept.contains_key(&wish.identity))
        .map(|wish| (&wish.identity, (wish, 0)))
        .collect();
    loop {
        let mut groups: BTreeMap<String, Vec<&Identity>> = BTreeMap::new();
        for (identity, (wish, step)) in &names {
            groups.entry(candidate(wish, *step)).or_default().push(identity);
        }
        let colliding: Vec<&Identity> = groups
            .iter()
            .filter(|(name, group)| group.len() > 1 || taken.contains(name.as_str()))
            .flat_map(|(_, group)| group.clone())
            .collect();
        if colliding.is_empty() {
            let new = names.into_iter().map(|(identity, (wish, step))| (identity.clone(), candidate(wish, step)));
            let listed: BTreeSet<&Identity> = wishes.iter().map(|wish| &wish.identity).collect();
            return new
                .chain(
                    kept.iter()
                        .filter(|(identity, _)| listed.contains(identity))
                        .map(|(identity, name)| (identity.clone(), name.clone())),
                )
                .collect();
        }
        for identity in colliding {
            if let Some((_, step)) = names.get_mut(identity) {
                *step += 1;
            }
        }
    }
}

/// The name that is tried at this step: plain, with the id, with word and id, then with ever more underscores.
fn candidate(wish: &Wish, step: usize) -> String {
    let slug = wish.name.as_deref().map(slug).unwrap_or_default();
    let id = self::slug(&wish.id);
    let unnamed = slug.is_empty();
    let plain = if unnamed {
        format!("{}_{id}", wish.word)
    } else if slug.starts_with(|c: char| c.is_ascii_digit()) || RESERVED.contains(&slug.as_str()) {
        format!("{}_{slug}", wish.word)
    } else {
        slug
    };
    match step {
        0 => plain,
        1 if !unnamed => format!("{plain}_{id}"),
        _ => format!("{}_{plain}_{id}{}", wish.word, "_".repeat(step.saturating_sub(2))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(vmid: u32, name: &str) -> Wish {
        let name = (!name.is_empty()).then(|| name.to_owned());
        Wish { identity: Identity::new("qemu", vmid), name, word: "vm", id: vmid.to_string() }
    }

    #[test]
    fn names_are_legal_and_readable() {
        let check = |name: &str, expected: &str| {
            let names = assign(&[wish(101, name)], &BTreeMap::new(), &BTreeSet::new());
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
    fn equal_names_carry_their_ids_whoever_comes_first() {
        let check = |wishes: &[(u32, &str)], expected: &[(u32, &str)]| {
            let mut wishes: Vec<Wish> = wishes.iter().map(|(vmid, name)| wish(*vmid, name)).collect();
            let expected: BTreeMap<Identity, String> =
                expected.iter().map(|(vmid, name)| (Identity::new("qemu", vmid), (*name).to_owned())).collect();
            assert_eq!(assign(&wishes, &BTreeMap::new(), &BTreeSet::new()), expected);
            wishes.reverse();
            assert_eq!(assign(&wishes, &BTreeMap::new(), &BTreeSet::new()), expected);
        };
        check(&[(1, "simple"), (2, "simple"), (3, "other")], &[(1, "simple_1"), (2, "simple_2"), (3, "other")]);
        check(
            &[(1, "simple"), (2, "simple"), (3, "simple-1")],
            &[(1, "vm_simple_1"), (2, "simple_2"), (3, "simple_1_3")],
        );
        check(&[(1, "Web"), (2, "web")], &[(1, "web_1"), (2, "web_2")]);
    }

    #[test]
    fn a_name_once_given_stays() {
        let kept = BTreeMap::from([(Identity::new("qemu", 1), "web".to_owned())]);
        let names = assign(&[wish(1, "renamed"), wish(2, "web"), wish(3, "old")], &kept, &BTreeSet::from(["old"]));
        assert_eq!(names[&Identity::new("qemu", 1)], "web");
        assert_eq!(names[&Identity::new("qemu", 2)], "web_2");
        assert_eq!(names[&Identity::new("qemu", 3)], "old_3");
    }
}
