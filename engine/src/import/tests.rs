//! Tests of an import that is killed at any step: the next one finishes its work, and takes none of it for an edit.

use std::collections::BTreeMap;
use std::path::Path;

use proxmox_mpc_generators::{Options, generate};
use proxmox_mpc_model::{Answer, Answers, ApiPath, Unreadable};
use proxmox_mpc_twin::recording::Recording;
use serde_json::json;

use super::run::{file_hashes, previous};
use crate::workspace::{self, Changes, Edits, Workspace};

/// A recorded cluster with some answers changed.
struct Cluster<'r> {
    recording: &'r Recording,
    changed: BTreeMap<ApiPath, Answer>,
}

impl Answers for Cluster<'_> {
    fn get(&self, path: &ApiPath) -> Result<Option<Answer>, Unreadable> {
        match self.changed.get(path) {
            Some(answer) => Ok(Some(answer.clone())),
            None => self.recording.get(path),
        }
    }
}

const VM: &str = "nodes/pve1/qemu/101/config";
const CONTAINER: &str = "nodes/pve1/lxc/200/config";

/// The cluster, with the given memory in a virtual machine. The container does not answer if `down`.
fn cluster<'r>(recording: &'r Recording, memory: &str, down: bool) -> Cluster<'r> {
    let path = ApiPath::parse(VM);
    let mut answer = recording.get(&path).unwrap().unwrap();
    answer.body["data"]["memory"] = json!(memory);
    let mut changed = BTreeMap::from([(path, answer)]);
    if down {
        changed.insert(ApiPath::parse(CONTAINER), Answer::refusal(595, "no route to host"));
    }
    Cluster { recording, changed }
}

/// Imports into the folder, but does only the first `steps` steps. Returns the number of all steps, and the planned
/// changes.
fn import(folder: &Path, cluster: &Cluster<'_>, steps: usize) -> (usize, Changes) {
    let workspace = Workspace::at(folder);
    let before = previous(&workspace).unwrap();
    let mut generated = generate(cluster, &Options::default(), &before).unwrap();
    generated.manifest.files = file_hashes(&generated, &before);
    let manifest = generated.manifest.render();
    let changes = workspace::plan(&workspace, &generated.files, &manifest, &before.manifest.files).unwrap();
    assert!(changes.edited.is_empty() && changes.kept.is_empty(), "{:?} {:?}", changes.edited, changes.kept);
    (workspace::apply_until(steps, &workspace, &generated.files, &manifest, &changes, Edits::Stop), changes)
}

/// Checks that the hashes in the manifest are those of the files.
fn check_hashes(folder: &Path) {
    let before = previous(&Workspace::at(folder)).unwrap();
    assert!(before.touched.is_empty(), "{:?}", before.touched);
    assert!(before.files.len() > 20);
}

#[test]
fn a_kill_at_any_step_and_a_change_of_the_cluster_after_it_are_mended_by_the_next_import() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/pve-9.1.tar.zst");
    let recording = Recording::open(&fixture).unwrap();
    let all = usize::MAX;
    let mut count = 0;
    loop {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path();
        import(folder, &cluster(&recording, "1024", false), all);
        check_hashes(folder);
        let (steps, _) = import(folder, &cluster(&recording, "1536", true), count);
        import(folder, &cluster(&recording, "2048", true), all);
        check_hashes(folder);
        let (_, changes) = import(folder, &cluster(&recording, "2048", false), all);
        check_hashes(folder);
        assert!(!changes.interrupted);
        let (_, changes) = import(folder, &cluster(&recording, "2048", false), all);
        assert!(changes.is_empty(), "after {count} steps: {changes:?}");
        if count >= steps {
            break;
        }
        count += 1;
    }
    assert!(count > 8, "the steps are counted");
}

/// Everything is excluded and all files were touched: fingerprints distinguish kept code from an edit.
#[test]
fn code_that_stays_is_known_by_its_fingerprint() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/homelab.tar.zst");
    let recording = Recording::open(&fixture).unwrap();
    let parent = tempfile::tempdir().unwrap();
    import(parent.path(), &Cluster { recording: &recording, changed: BTreeMap::new() }, usize::MAX);
    let mut before = previous(&Workspace::at(parent.path())).unwrap();
    before.touched = before.files.keys().cloned().collect();
    let nothing = "kind=snapshot".parse().unwrap();
    let mut options = Options::default();
    options.selection.only.push(nothing);
    let generated = generate(&recording, &options, &before).unwrap();
    assert!(generated.kept.len() > 70, "{}", generated.kept.len());
    let unknown = ["ansible/inventory/guests.yml", "terraform/variables.tf"];
    assert_eq!(generated.edited.iter().collect::<Vec<_>>(), unknown, "these have no fingerprints");
    assert_eq!(generated.manifest.tasks, before.manifest.tasks);
    assert_eq!(generated.manifest.objects, before.manifest.objects);
}
