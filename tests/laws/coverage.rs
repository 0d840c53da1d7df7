//! Coverage: every key of every object is accounted for.

use std::collections::BTreeMap;

use proxmox_mpc_generators::coverage::Fate;
use proxmox_mpc_generators::kinds::TRANSLATIONS;
use proxmox_mpc_generators::row::Target;
use proxmox_mpc_model::Cluster;
use proxmox_mpc_model::kinds::{Class, KINDS};

use crate::support::clusters::{all, generated};

#[test]
fn every_key_of_every_object_has_a_fate() {
    let mut counted: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (name, answers) in all() {
        let coverage = generated(&answers).coverage;
        let cluster = Cluster::read(&answers).unwrap();
        for kind in KINDS {
            for entry in kind.list(&cluster).unwrap().entries {
                let Ok(object) = kind.read(&cluster, &entry).unwrap() else { continue };
                let identity = &entry.identity;
                let found = coverage.objects.get(identity).unwrap_or_else(|| panic!("{name}: {identity}"));
                for key in object.keys.keys() {
                    assert!(found.keys.contains_key(key), "{name}: {identity}: {key}");
                }
                for (key, fate) in &found.keys {
                    assert_ne!(*fate, Fate::NotCovered, "{name}: {identity}: {key}");
                }
                let counts = counted.entry(kind.id).or_default();
                *counts = (counts.0 + 1, counts.1 + found.keys.len());
            }
        }
    }
    // The fixtures are not to become empty in silence.
    for (kind, objects, keys) in
        [("vm", 240, 4000), ("container", 80, 900), ("storage", 35, 200), ("pool", 8, 12), ("pool_membership", 40, 120)]
    {
        let found = counted.get(kind).copied().unwrap_or_default();
        assert!(found >= (objects, keys), "{kind}: {found:?}");
    }
}

/// Keys that Proxmox changes by itself are in no code, which would bring the old value back: no row that writes claims
/// one, and no task of a whole object has a key that a row calls volatile.
#[test]
fn what_is_volatile_is_in_no_code() {
    let mut found = 0;
    for half in TRANSLATIONS {
        for key in half.model().keys {
            let one = key.name.replace("[n]", "0");
            for row in half.rows.iter().filter(|row| row.claims(&one)) {
                let (kind, name) = (half.kind, key.name);
                match row.target {
                    Target::Volatile => assert!(!matches!(key.class, Class::Config | Class::Secret), "{kind}: {name}"),
                    Target::Custom(_) | Target::Checked(_) => {}
                    _ => assert_ne!(key.class, Class::Volatile, "{kind}: {name}"),
                }
            }
        }
    }
    for (name, answers) in all() {
        for (identity, object) in generated(&answers).coverage.objects {
            let kind = KINDS.iter().find(|kind| kind.id == object.kind).unwrap();
            for (key, fate) in &object.keys {
                if kind.key(key).is_some_and(|key| key.class == Class::Volatile) {
                    assert_eq!(*fate, Fate::Volatile, "{name}: {identity}: {key}");
                    found += 1;
                }
            }
        }
    }
    assert!(found > 1000, "{found}");
}

/// Keys of storages of types without a resource of the provider: those are Ansible's as a whole.
const FOREIGN: &[&str] = &[
    "authsupported",
    "comstar_hg",
    "comstar_tg",
    "data-pool",
    "fs-name",
    "fuse",
    "iscsiprovider",
    "krbd",
    "lio_tpg",
    "monhost",
    "nowritecache",
    "portal",
    "server2",
    "skip-cert-verification",
    "target",
    "transport",
    "volume",
    "zfs-base-path",
];

/// Every key that Proxmox can send of an object has a row, even if no fixture has the key.
#[test]
fn every_key_that_there_can_be_is_claimed_by_a_row() {
    // Ansible takes every key as it is.
    for half in TRANSLATIONS.iter().filter(|half| !half.file.is_empty()) {
        for key in half.model().keys {
            let one = key.name.replace("[n]", "0");
            let rows = half.rows.iter().filter(|row| row.claims(&one)).count();
            let expected = usize::from(half.kind != "storage" || !FOREIGN.contains(&key.name));
            assert_eq!(rows, expected, "{}: {}", half.kind, key.name);
        }
        for claim in half.rows.iter().flat_map(|row| row.claims) {
            let one = claim.replace("[n]", "0");
            assert!(half.model().key(&one).is_some(), "{}: nobody knows {claim}", half.kind);
        }
    }
}
