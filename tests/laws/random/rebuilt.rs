//! Random guests built anew from their code on an empty cluster mean the same: with the real Terraform, the real
//! provider and the real Ansible.

use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_generators::Generated;
use proxmox_mpc_generators::coverage::{Fate, Outcome};
use proxmox_mpc_judges::{Verdict, roundtrip};
use proxmox_mpc_model::kinds::{index, natural};
use proxmox_mpc_model::{Answer, Answers as _, ApiPath, Identity, object};
use proxmox_mpc_twin::Recording;
use serde_json::{Map, Value, json};

use super::guests::{Guest, Sort};
use super::meaning::{full_name, meaning};
use super::proved::{answers, guests};
use super::samples;
use crate::support::clusters::{Memory, generated, record};
use crate::support::program::PROGRAM;
use crate::support::tools::{say, skip};

/// Parts and keys that a new guest has of its own, and why.
const NEW_GUEST_KEYS: &[(&str, &str)] = &[
    ("boot.order", "Proxmox gives a new machine an order where it had none"),
    ("digest", "a checksum"),
    ("hostname", "Proxmox makes one up where there is none"),
    ("net.hwaddr", "Proxmox makes one up where there is none"),
    ("net.macaddr", "Proxmox makes one up where there is none"),
    ("machine.type", "a new machine with Windows gets the version of today's hardware"),
    ("meta", "when and by what it was made"),
    ("smbios1", "the identity of a new machine"),
    ("size", "Proxmox measures new volumes"),
    ("vmgenid", "the identity of a new machine"),
];

/// Values that the provider writes if the code does not set them (docs/rebuild.md).
const PROVIDER_DEFAULTS: &[(&str, &str)] = &[("cpu.cputype", "qemu64"), ("keyboard", "en-us"), ("ostype", "unmanaged")];

/// The families that the provider counts.
fn families(sort: Sort) -> &'static [&'static str] {
    match sort {
        Sort::Qemu => &["usb", "virtiofs"],
        Sort::Lxc => &["dev", "mp", "net"],
    }
}

/// The keys of a guest with what they are called there, under the names that they have where families are counted without
/// gaps, as the provider does it: of those a remark tells (docs/provider.md, T35 and C22). Ansible keeps their numbers:
/// `kept` are the families of which all that is there now has them.
fn counted(sort: Sort, keys: &Map<String, Value>, kept: &[&str]) -> BTreeMap<String, (String, String)> {
    let mut sorted: Vec<&String> = keys.keys().collect();
    sorted.sort_by_key(|key| natural(key));
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut counted = BTreeMap::new();
    for key in sorted {
        let Some(text) = object::text(&keys[key]) else { continue };
        let (stem, number) = natural(key);
        let name = match number.filter(|_| families(sort).contains(&stem) && !kept.contains(&stem)) {
            Some(_) => {
                let count = counts.entry(stem).or_default();
                *count += 1;
                format!("{stem}{}", *count - 1)
            }
            None => key.clone(),
        };
        counted.insert(name, (key.clone(), text));
    }
    counted
}

/// A cluster with these guests, and with the files that they refer to and are made from.
fn cluster(guests: &[Guest]) -> Memory {
    let mut answers = answers(guests);
    let content = ApiPath::parse("nodes/pve/storage/local/content");
    let file = |kind: &str, name: &str, format: &str| {
        let volume = format!("local:{kind}/{name}");
        json!({ "volid": volume, "content": kind, "format": format, "size": 126_515_062, "ctime": 1_700_000_000 })
    };
    let mut rows = answers.get(&content).and_then(Answer::data).and_then(Value::as_array).cloned().unwrap_or_default();
    rows.push(file("vztmpl", "debian-12-standard_12.7-1_amd64.tar.zst", "tzst"));
    rows.push(file("iso", "x.iso", "iso"));
    rows.extend(["hook.pl", "user.yml"].map(|name| file("snippets", name, "snippet")));
    answers.insert(content, Answer::ok(rows.into()));
    answers
}

/// The configuration of a guest; `None` where it is not there.
fn configuration(recording: &Recording, guest: &Guest) -> Option<Map<String, Value>> {
    let path = ApiPath::new(["nodes", "pve", guest.sort.word(), &guest.id.to_string(), "config"]);
    recording.get(&path).unwrap()?.data()?.as_object().cloned()
}

/// Differences between a guest and the one that its code made that nobody reports: the part and both meanings.
fn unreported(
    made: &Generated,
    guest: &Guest,
    failures: &[&str],
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Vec<String> {
    let identity = Identity::new(guest.sort.word(), guest.id);
    let fates = &made.coverage.objects[&identity].keys;
    let is_kept = |family: &&&str| {
        let mut now = after.keys().filter(|key| index(family, key).is_some());
        now.all(|key| before.contains_key(key))
    };
    let kept: Vec<&str> = families(guest.sort).iter().filter(is_kept).copied().collect();
    let (before, after) = (&counted(guest.sort, before, &kept), &counted(guest.sort, after, &kept));
    let remarks: Vec<&str> =
        made.notices.iter().filter(|notice| notice.identity == identity).map(|notice| notice.reason.as_str()).collect();
    let mut found = Vec::new();
    for key in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let own = before.get(key).map_or(key, |(own, _)| own);
        let side = |keys: &BTreeMap<String, (String, String)>| {
            keys.get(key).map(|(_, text)| meaning(guest.sort, key, text)).unwrap_or_default()
        };
        let (before, after) = (side(before), side(after));
        for part in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
            let (was, is) = (before.get(part), after.get(part));
            // Proxmox names the volumes of a new guest: the storage is what the code says.
            let storage = |value: &String| value.split_once(':').map(|(storage, _)| storage.to_owned());
            let alike = matches!(part.as_str(), "file" | "volume") && was.and_then(storage) == is.and_then(storage);
            let full_name = full_name(key, part);
            let new = was.is_none()
                && NEW_GUEST_KEYS.iter().any(|(name, _)| *name == full_name || name == key || name == part);
            let reported = [format!("{own}.{part}"), own.clone()]
                .iter()
                .any(|name| matches!(fates.get(name), Some(Fate::NotExpressible(_) | Fate::Volatile)));
            let provider = was.is_none()
                && PROVIDER_DEFAULTS.iter().any(|(name, new)| *name == full_name && is.is_some_and(|is| is == new));
            // The playbook says at its end what Proxmox refused.
            let refused = failures.iter().any(|line| line.contains("/config: ") && line.contains(own.as_str()));
            // The template at hand is of Debian, and tells Proxmox what the container is.
            let system = key == "ostype" && guest.sort == Sort::Lxc;
            // A container without a number of cores gets one (C8), which is told.
            let remarked = was.is_none() && remarks.iter().any(|remark| remark.contains(key.as_str()));
            if was != is && !alike && !new && !reported && !provider && !remarked && !system && !refused {
                let shown = |value: Option<&String>| value.cloned().unwrap_or_else(|| "nothing".to_owned());
                found.push(format!("{full_name}: was {}, is {}", shown(was), shown(is)));
            }
        }
    }
    found
}

#[test]
fn what_the_code_makes_anew_means_the_same() {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let (mut compared, mut missing) = (0, 0);
    for all in samples(guests(24), 1) {
        let answers = cluster(&all);
        let made = generated(&answers);
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("random");
        record(&answers, &place);
        let kept = folder.path().join("kept");
        let judge = roundtrip::Arguments {
            recordings: vec![place.to_str().unwrap().to_owned()],
            binary: Some(PROGRAM.into()),
            keep: Some(kept.clone()),
        };
        let mut lines: Vec<String> = Vec::new();
        if let Verdict::Skipped(missing) = judge.run(&mut |line| lines.push(line.to_owned())).unwrap() {
            return skip(module_path!(), &missing);
        }
        let before = Recording::open(&place).unwrap();
        let after = Recording::open(&kept.join("random/after/.proxmox-mpc/recordings/latest")).unwrap();
        for guest in &all {
            let identity = Identity::new(guest.sort.word(), guest.id);
            if !matches!(made.coverage.objects[&identity].outcome, Outcome::Terraform { .. }) {
                continue;
            }
            let was = configuration(&before, guest).unwrap();
            let Some(is) = configuration(&after, guest) else {
                missing += 1;
                let about: Vec<&str> =
                    lines.iter().map(String::as_str).filter(|line| line.contains(&guest.id.to_string())).collect();
                say(&format!("{identity} could not be made: {}\n", about.join("; ")));
                continue;
            };
            compared += 1;
            let id = guest.id.to_string();
            let failures: Vec<&str> =
                lines.iter().map(String::as_str).filter(|line| line.contains("failed") && line.contains(&id)).collect();
            for why in unreported(&made, guest, &failures, &was, &is) {
                found.entry(why).or_insert_with(|| format!("{guest:?}{}", failures.join("\n")));
            }
        }
    }
    say(&format!("{compared} guests were made anew and compared, {missing} could not be made\n"));
    assert!(compared > 0, "nothing could be made");
    let lines = found.iter().map(|(why, guest)| format!("{why}\n{guest}"));
    assert!(found.is_empty(), "{} differences\n{}", found.len(), lines.collect::<Vec<_>>().join("\n"));
}
