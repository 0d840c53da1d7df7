//! What the code of guests that nobody wrote makes on an empty cluster means what it was made from: with the real Terraform,
//! the real provider and the real Ansible.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proxmox_mpc::toolchain::invocation::Invocation;
use proxmox_mpc_generators::Generated;
use proxmox_mpc_generators::coverage::{Fate, Outcome};
use proxmox_mpc_model::{Answer, Answers as _, ApiPath, Identity, object};
use proxmox_mpc_twin::Recording;
use serde_json::{Map, Value, json};

use super::guests::Guest;
use super::meaning::{called, meaning};
use super::proved::{answers, guests};
use super::samples;
use crate::support::clusters::{Memory, generated, record};
use crate::support::program::{PROGRAM, ran_in};
use crate::support::{say, skip};

/// What a new guest has of its own, and why: the part, or the key.
const NEW: &[(&str, &str)] = &[
    ("boot.order", "Proxmox gives a new machine an order where it had none"),
    ("digest", "a checksum"),
    ("meta", "when and by what it was made"),
    ("smbios1", "the identity of a new machine"),
    ("vmgenid", "the identity of a new machine"),
];

/// A cluster with these guests, and with what makes containers.
fn cluster(guests: &[Guest]) -> Memory {
    let mut answers = answers(guests);
    let content = ApiPath::parse("nodes/pve/storage/local/content");
    let template = json!({
        "volid": "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst", "content": "vztmpl", "format": "tzst",
        "size": 126_515_062, "ctime": 1_700_000_000,
    });
    let mut rows = answers.get(&content).and_then(Answer::data).and_then(Value::as_array).cloned().unwrap_or_default();
    rows.push(template);
    answers.insert(content, Answer::ok(rows.into()));
    answers
}

/// The configuration of a guest; `None` where it is not there.
fn configuration(recording: &Recording, guest: &Guest) -> Option<Map<String, Value>> {
    let path = ApiPath::new(["nodes", "pve", guest.sort.word(), &guest.id.to_string(), "config"]);
    recording.get(&path).unwrap()?.data()?.as_object().cloned()
}

/// What differs between a guest and the one that was made from its code, and is not told: the part and both meanings.
fn untold(made: &Generated, guest: &Guest, before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<String> {
    let identity = Identity::new(guest.sort.word(), guest.id);
    let fates = &made.coverage.objects[&identity].keys;
    let mut found = Vec::new();
    for key in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let side = |keys: &Map<String, Value>| {
            keys.get(key).and_then(object::text).map(|text| meaning(guest.sort, key, &text)).unwrap_or_default()
        };
        let (before, after) = (side(before), side(after));
        for part in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
            let (was, is) = (before.get(part), after.get(part));
            // Proxmox names the volumes of a new guest: the storage is what the code says.
            let storage = |value: &String| value.split_once(':').map(|(storage, _)| storage.to_owned());
            let alike = matches!(part.as_str(), "file" | "volume") && was.and_then(storage) == is.and_then(storage);
            let called = called(key, part);
            let own = was.is_none() && NEW.iter().any(|(name, _)| *name == called || name == key);
            let fate = fates.get(&format!("{key}.{part}")).or_else(|| fates.get(key));
            let told = matches!(fate, Some(Fate::NotExpressible(_) | Fate::Volatile));
            if was != is && !alike && !own && !told {
                let shown = |value: Option<&String>| value.cloned().unwrap_or_else(|| "nothing".to_owned());
                found.push(format!("{called}: was {}, is {}", shown(was), shown(is)));
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
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/roundtrip");
        let kept = folder.path().join("kept");
        let program = Invocation::new(script).arg("--binary").arg(PROGRAM).arg("--keep").arg(&kept).arg(&place);
        let ran = ran_in(program, &[]);
        if ran.output.starts_with("skipped") || !kept.join("random/after").exists() {
            skip!("{}", ran.output.lines().next().unwrap_or("Terraform, its provider or Ansible is not here"));
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
                let about: Vec<&str> = ran.output.lines().filter(|line| line.contains(&guest.id.to_string())).collect();
                say(&format!("{identity} could not be made: {}\n", about.join("; ")));
                continue;
            };
            compared += 1;
            for why in untold(&made, guest, &was, &is) {
                found.entry(why).or_insert_with(|| format!("{guest:?}"));
            }
        }
    }
    say(&format!("{compared} guests were made anew and compared, {missing} could not be made\n"));
    assert!(compared > 0, "nothing could be made");
    let told = found.iter().map(|(why, guest)| format!("{why}\n{guest}"));
    assert!(found.is_empty(), "{} differences\n{}", found.len(), told.collect::<Vec<_>>().join("\n"));
}
