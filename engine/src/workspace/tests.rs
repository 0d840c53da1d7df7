//! The workspace's promises, among them the one that a crash at any step leaves whole files.

use std::fs;
use std::path::Path;

use super::*;

const MANIFEST: &str = Workspace::MANIFEST;

fn files(list: &[(&str, &str)]) -> FileSet {
    list.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

/// Input of a run: the manifest's text is the hashes themselves.
struct Run {
    files: FileSet,
    manifest: String,
}

impl Run {
    fn new(list: &[(&str, &str)]) -> Self {
        let files = files(list);
        let manifest = serde_json::to_string(&hashes(&files)).unwrap();
        Self { files, manifest }
    }

    fn plan(&self, folder: &Path) -> Changes {
        let known = fs::read(folder.join(MANIFEST)).map(|bytes| serde_json::from_slice(&bytes).unwrap());
        plan(&Workspace::at(folder), &self.files, &self.manifest, &known.unwrap_or_default()).unwrap()
    }

    fn apply(&self, folder: &Path, edits: Edits<'_>) -> Result<Changes, WorkspaceError> {
        let changes = self.plan(folder);
        apply(&Workspace::at(folder), &self.files, &self.manifest, &changes, edits)?;
        Ok(changes)
    }
}

/// Every file of a folder but those of `.proxmox-mpc`, by relative path.
fn tree(folder: &Path) -> FileSet {
    let mut found = FileSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let relative = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            if relative == ".proxmox-mpc" {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(relative, fs::read_to_string(path).unwrap());
            }
        }
    }
    found
}

const OLD: &[(&str, &str)] = &[(".gitignore", "x\n"), ("terraform/pools.tf", "pool\n"), ("terraform/vms.tf", "one\n")];
const NEW: &[(&str, &str)] = &[(".gitignore", "x\n"), ("terraform/nodes.tf", "n\n"), ("terraform/vms.tf", "two\n")];

#[test]
fn a_new_folder_appears_whole_and_a_second_run_writes_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("lab");
    let run = Run::new(OLD);
    assert_eq!(run.apply(&folder, Edits::Stop).unwrap().created.len(), 3);
    let before = fs::metadata(folder.join("terraform/vms.tf")).unwrap().modified().unwrap();
    let changes = run.apply(&folder, Edits::Stop).unwrap();
    assert!(changes.is_empty());
    assert_eq!(changes.unchanged, [".gitignore", "terraform/pools.tf", "terraform/vms.tf"]);
    assert_eq!(fs::metadata(folder.join("terraform/vms.tf")).unwrap().modified().unwrap(), before);
    let names: Vec<_> = fs::read_dir(parent.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["lab"], "nothing is left beside it");
    let workspace = Workspace::at(folder);
    assert!(!workspace.staging().exists() && !workspace.journal().exists());
}

#[test]
fn what_changed_is_written_and_what_others_wrote_stays() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path();
    Run::new(OLD).apply(folder, Edits::Stop).unwrap();
    fs::write(folder.join("terraform/mine.tf"), "mine\n").unwrap();
    let changes = Run::new(NEW).apply(folder, Edits::Stop).unwrap();
    assert_eq!(changes.created, ["terraform/nodes.tf"]);
    assert_eq!(changes.changed, ["terraform/vms.tf"]);
    assert_eq!(changes.removed, ["terraform/pools.tf"]);
    assert_eq!(changes.unchanged, [".gitignore"]);
    let mut expected = files(NEW);
    expected.insert("terraform/mine.tf".to_owned(), "mine\n".to_owned());
    expected.insert(MANIFEST.to_owned(), Run::new(NEW).manifest);
    assert_eq!(tree(folder), expected);
}

#[test]
fn an_edit_stops_the_run_and_force_keeps_a_copy() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path();
    Run::new(OLD).apply(folder, Edits::Stop).unwrap();
    fs::write(folder.join("terraform/vms.tf"), "one\nmine\n").unwrap();
    fs::write(folder.join("terraform/pools.tf"), "mine\n").unwrap();
    let before = tree(folder);
    let run = Run::new(NEW);
    let error = run.apply(folder, Edits::Stop).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`terraform/vms.tf` was edited since it was generated\n\
         --- terraform/vms.tf (as it is)\n\
         +++ terraform/vms.tf (as it would be written)\n\
         @@ -1,2 +1 @@\n\
         -one\n\
         -mine\n\
         +two"
    );
    assert_eq!(tree(folder), before, "nothing was written");
    let changes = run.apply(folder, Edits::Overwrite { backup: "2026-01-02T03-04-05Z" }).unwrap();
    assert_eq!(changes.kept, ["terraform/pools.tf"], "no longer generated, but edited");
    assert_eq!(fs::read_to_string(folder.join("terraform/vms.tf")).unwrap(), "two\n");
    let copy = folder.join(".proxmox-mpc/backup/2026-01-02T03-04-05Z/terraform/vms.tf");
    assert_eq!(fs::read_to_string(copy).unwrap(), "one\nmine\n");
    assert!(run.plan(folder).is_empty());
}

/// A file that is there already and that we never wrote is somebody's, unless it says just what we would.
#[test]
fn a_foreign_file_counts_as_edited() {
    let parent = tempfile::tempdir().unwrap();
    fs::write(parent.path().join(".gitignore"), "theirs\n").unwrap();
    let run = Run::new(OLD);
    assert!(matches!(run.apply(parent.path(), Edits::Stop), Err(WorkspaceError::Edited { .. })));
    assert_eq!(tree(parent.path()), files(&[(".gitignore", "theirs\n")]));
    fs::write(parent.path().join(".gitignore"), "x\n").unwrap();
    assert_eq!(run.apply(parent.path(), Edits::Stop).unwrap().unchanged, [".gitignore"]);
}

/// Stops after every number of steps, with and without edits to overwrite.
#[test]
fn a_crash_at_any_step_leaves_whole_files_and_the_next_run_finishes() {
    let edits = Edits::Overwrite { backup: "b" };
    for edited in [false, true] {
        let mut count = 0;
        loop {
            let parent = tempfile::tempdir().unwrap();
            let folder = parent.path();
            Run::new(OLD).apply(folder, Edits::Stop).unwrap();
            if edited {
                fs::write(folder.join("terraform/vms.tf"), "mine\n").unwrap();
            }
            let old = tree(folder);
            let run = Run::new(NEW);
            let steps = apply_until(count, &Workspace::at(folder), &run.files, &run.manifest, &run.plan(folder), edits);
            for (path, text) in tree(folder) {
                let new = if path == MANIFEST { Some(&run.manifest) } else { run.files.get(&path) };
                assert!(old.get(&path) == Some(&text) || new == Some(&text), "{path} after {count} steps: {text}");
            }
            run.apply(folder, edits).unwrap();
            let mut expected = run.files.clone();
            expected.insert(MANIFEST.to_owned(), run.manifest.clone());
            assert_eq!(tree(folder), expected, "after {count} steps");
            assert!(run.plan(folder).is_empty(), "after {count} steps");
            if edited {
                let copy = fs::read_to_string(folder.join(".proxmox-mpc/backup/b/terraform/vms.tf")).unwrap();
                assert_eq!(copy, "mine\n", "after {count} steps");
            }
            if count == steps {
                break;
            }
            count += 1;
        }
        assert!(count > 8, "the steps are counted");
    }
}

/// The second run wants other text than the first, and neither comes to its end.
#[test]
fn two_crashes_in_a_row_are_finished_too() {
    let newer = Run::new(&[(".gitignore", "y\n"), ("terraform/nodes.tf", "m\n"), ("terraform/vms.tf", "three\n")]);
    let newest = Run::new(&[("terraform/vms.tf", "four\n")]);
    for first in (0..12).step_by(3) {
        for second in (0..12).step_by(3) {
            let parent = tempfile::tempdir().unwrap();
            let folder = parent.path();
            Run::new(OLD).apply(folder, Edits::Stop).unwrap();
            for (count, run) in [(first, &Run::new(NEW)), (second, &newer)] {
                apply_until(count, &Workspace::at(folder), &run.files, &run.manifest, &run.plan(folder), Edits::Stop);
            }
            newest.apply(folder, Edits::Stop).unwrap();
            let mut expected = newest.files.clone();
            expected.insert(MANIFEST.to_owned(), newest.manifest.clone());
            assert_eq!(tree(folder), expected, "after {first} and {second} steps");
        }
    }
}

#[test]
fn what_is_in_the_way_is_named() {
    let parent = tempfile::tempdir().unwrap();
    let run = Run::new(OLD);
    let apply =
        |folder: &Path| apply(&Workspace::at(folder), &run.files, &run.manifest, &run.plan(folder), Edits::Stop);
    let error = apply(&parent.path().join("no/lab")).unwrap_err();
    assert!(matches!(error, WorkspaceError::NoParent { .. }), "{error}");
    fs::create_dir_all(parent.path().join("lab/terraform/vms.tf")).unwrap();
    let known = Hashes::new();
    let error = plan(&Workspace::at(parent.path().join("lab")), &run.files, &run.manifest, &known).unwrap_err();
    assert!(matches!(error, WorkspaceError::NotAFile { .. }), "{error}");
    let known = Hashes::from([("../../victim".to_owned(), String::new())]);
    let error = plan(&Workspace::at(parent.path()), &FileSet::new(), &run.manifest, &known).unwrap_err();
    assert!(matches!(error, WorkspaceError::Outside { .. }), "{error}");
}
