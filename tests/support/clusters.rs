//! Clusters for tests: recorded, authored and synthetic ones, each as a table of answers that a test may change.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proxmox_mpc_generators::{Generated, Options, Previous, generate};
use proxmox_mpc_model::kinds::KINDS;
use proxmox_mpc_model::{Answer, Answers as _, ApiPath, Cluster, Identity};
use proxmox_mpc_twin::Recording;
use proxmox_mpc_twin::recording::RecordingWriter;
use proxmox_mpc_twin::synth::{self, Size};
use serde_json::Value;

/// The recordings that ship with the project: name, file.
pub(crate) const FIXTURES: [(&str, &str); 5] = [
    ("pve-9.1", "pve-9.1.tar.zst"),
    ("pve-9.2", "pve-9.2.tar.zst"),
    ("homelab", "homelab.tar.zst"),
    ("homelab-auditor", "homelab-auditor.tar.zst"),
    ("odd-corners", "odd-corners"),
];

/// Every answer of a cluster.
pub(crate) type Memory = BTreeMap<ApiPath, Answer>;

/// Path of a fixture.
pub(crate) fn place(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(file)
}

/// Every answer of a recording.
pub(crate) fn read(recording: &Recording) -> Memory {
    let answer = |path: ApiPath| recording.get(&path).unwrap().map(|answer| (path, answer));
    recording.paths().unwrap().filter_map(answer).collect()
}

/// Every answer of a fixture.
pub(crate) fn fixture(name: &str) -> Memory {
    let (_, file) = FIXTURES.iter().find(|(known, _)| *known == name).unwrap();
    read(&Recording::open(&place(file)).unwrap())
}

/// Answers that an import asks for.
pub(crate) fn asked(answers: &Memory) -> Memory {
    let nothing = || Answer::refusal(501, "not on record");
    let mut asked = Memory::new();
    let mut wanted = Cluster::overview();
    while !wanted.is_empty() {
        asked
            .extend(wanted.into_iter().map(|path| (path.clone(), answers.get(&path).cloned().unwrap_or_else(nothing))));
        let cluster = Cluster::read(&asked).unwrap();
        let more = KINDS.iter().flat_map(|kind| kind.requests(&cluster).unwrap());
        wanted = more.filter(|path| !asked.contains_key(path)).collect();
    }
    asked.retain(|path, _| answers.contains_key(path));
    asked
}

/// Every fixture, and a synthetic cluster.
pub(crate) fn all() -> Vec<(&'static str, Memory)> {
    let mut all: Vec<_> = FIXTURES.iter().map(|(name, _)| (*name, fixture(name))).collect();
    all.push(("synth", synth::synthesize(Size { nodes: 3, guests: 60 }, 11).collect()));
    all
}

/// The code for a cluster in an empty workspace.
pub(crate) fn generated(answers: &Memory) -> Generated {
    generate(answers, &Options::default(), &Previous::default()).unwrap()
}

/// Files of Terraform code.
pub(crate) fn terraform(files: &BTreeMap<String, String>) -> impl Iterator<Item = (&String, &String)> {
    files.iter().filter(|(path, _)| path.rsplit('.').next() == Some("tf"))
}

/// The `data` of an answer, to be changed.
pub(crate) fn data<'a>(answers: &'a mut Memory, path: &str) -> &'a mut Value {
    let answer = answers.get_mut(&ApiPath::parse(path)).unwrap_or_else(|| panic!("no answer to `{path}`"));
    answer.body.get_mut("data").unwrap()
}

/// Keeps the answers as a recording at this place.
pub(crate) fn record(answers: &Memory, place: &Path) {
    let writer = RecordingWriter::create(place).unwrap();
    for (path, answer) in answers {
        writer.put(path, answer).unwrap();
    }
    writer.finish(&synth::about(Size { nodes: 1, guests: 0 })).unwrap();
}

/// The answers without a guest: without its rows in lists, and the answers about it.
pub(crate) fn without(answers: &Memory, guest: &Identity) -> Memory {
    let mut without = answers.clone();
    without.retain(|path, _| !path.as_str().contains(&format!("/{guest}/")));
    for answer in without.values_mut() {
        remove_rows(&mut answer.body, guest.id());
    }
    without
}

/// Removes the rows with this VMID from a list and the lists in its rows.
fn remove_rows(value: &mut Value, vmid: &str) {
    match value {
        Value::Array(rows) => {
            // A backup job names guests, too, and stays.
            let is_job = |row: &Value| row.get("schedule").is_some();
            let is_vmid = |id: &Value| id.to_string().trim_matches('"') == vmid;
            let of_guest = |row: &Value| row.get("vmid").is_some_and(is_vmid) && !is_job(row);
            rows.retain(|row| !of_guest(row));
            for row in rows {
                remove_rows(row, vmid);
            }
        }
        Value::Object(keys) => keys.values_mut().for_each(|value| remove_rows(value, vmid)),
        _ => {}
    }
}
