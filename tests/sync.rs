//! Sync in real git repositories: what it commits, what it merges, and what it leaves alone.

pub(crate) mod clusters;
mod kills;
mod proofs;
mod repositories;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proxmox_mpc_engine::toolchain::invocation::Invocation;
use proxmox_mpc_model::Identity;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::clusters::{Memory, asked, data, fixture, record, without};
use crate::support::program::{PROGRAM, Ran, ran_in};
use crate::support::workspaces::{bytes, edit};

const GENERATED: &str = "proxmox-mpc/generated";
pub(crate) const MACHINES: &str = "terraform/virtual_machines.tf";
pub(crate) const CONFIG: &str = "nodes/pve/qemu/100/config";

/// A repository with a workspace, and recordings beside it.
pub(crate) struct Lab {
    folder: TempDir,
    /// The workspace relative to the repository.
    workspace: &'static str,
}

impl Lab {
    pub(crate) fn new(workspace: &'static str) -> Self {
        let lab = Self { folder: tempfile::tempdir().unwrap(), workspace };
        fs::create_dir_all(lab.workspace()).unwrap();
        lab.git(&["init", "--quiet", "--initial-branch", "main"]);
        lab.git(&["config", "user.name", "Ada"]);
        lab.git(&["config", "user.email", "ada@example.org"]);
        lab
    }

    /// A workspace that has had its first sync.
    pub(crate) fn synced() -> Self {
        let lab = Self::new("");
        assert_eq!(lab.sync(&cluster(), &[]).code, Some(0));
        lab
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("repository")
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.root().join(self.workspace)
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let ran = self.tried_git(arguments);
        assert_eq!(ran.code, Some(0), "git {arguments:?}: {}", ran.errors);
        ran.output.trim_end().to_owned()
    }

    fn tried_git(&self, arguments: &[&str]) -> Ran {
        ran_in(Invocation::new("git").folder(self.root()), arguments)
    }

    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    /// Keeps a cluster as a recording beside the repository.
    pub(crate) fn recorded(&self, cluster: &Memory) -> PathBuf {
        let place = tempfile::Builder::new().prefix("cluster").tempdir_in(self.folder.path()).unwrap().keep();
        let place = place.join("recording");
        record(cluster, &place);
        place
    }

    /// Syncs with this cluster.
    pub(crate) fn sync(&self, cluster: &Memory, options: &[&str]) -> Ran {
        self.sync_with(Invocation::new(PROGRAM), &self.recorded(cluster), options)
    }

    fn sync_with(&self, program: Invocation, recording: &Path, options: &[&str]) -> Ran {
        let (workspace, recording) = (self.workspace(), recording.to_owned());
        let program = program.folder(self.folder.path()).arg("sync").arg(workspace).arg("--from").arg(recording);
        ran_in(program, options)
    }

    pub(crate) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.workspace().join(path)).unwrap()
    }

    /// The parents of a commit.
    fn parents(&self, commit: &str) -> Vec<String> {
        let line = self.git(&["rev-list", "--parents", "--max-count=1", commit]);
        line.split(' ').skip(1).map(str::to_owned).collect()
    }

    fn id(&self, revision: &str) -> String {
        self.git(&["rev-parse", revision])
    }

    fn check_clean(&self) {
        assert_eq!(self.git(&["status", "--porcelain"]), "");
        self.git(&["fsck", "--strict"]);
    }
}

/// The recorded cluster.
pub(crate) fn cluster() -> Memory {
    asked(&fixture("homelab"))
}

/// The cluster with another amount of memory for the guest 100, in which it had 4096.
pub(crate) fn with_memory(memory: u32) -> Memory {
    let mut cluster = cluster();
    data(&mut cluster, CONFIG)["memory"] = json!(memory.to_string());
    cluster
}

/// Moves the block of the guest 100 to a file of its own, with its memory in a local.
pub(crate) fn move_out(lab: &Lab) {
    let machines = lab.text(MACHINES);
    let start = machines.find("resource \"proxmox_virtual_environment_vm\" \"haos_16_2\"").unwrap();
    let end = start + machines[start..].find("\n}\n").unwrap() + 3;
    let block = machines[start..end].replace("dedicated = 4096", "dedicated = local.memory # MiB");
    fs::write(lab.workspace().join(MACHINES), machines[..start].to_owned() + &machines[end..]).unwrap();
    let own = format!("# Ask Anna before you touch it.\nlocals {{\n  memory = 4096\n}}\n\n{block}");
    fs::write(lab.workspace().join("terraform/home.tf"), own).unwrap();
    lab.commit("the home has its own file");
}

#[test]
fn the_first_sync_commits_and_the_next_one_finds_nothing() {
    for workspace in ["", "infra/pve"] {
        let lab = Lab::new(workspace);
        let ran = lab.sync(&cluster(), &[]);
        assert_eq!(ran.code, Some(0), "{}", ran.errors);
        lab.check_clean();
        let (head, generated) = (lab.id("HEAD"), lab.id(GENERATED));
        assert_eq!(lab.parents("HEAD"), std::slice::from_ref(&generated));
        assert_eq!(lab.parents(GENERATED), [""; 0]);
        let files = |revision: &str| -> BTreeSet<String> {
            lab.git(&["ls-tree", "-r", "--name-only", revision]).lines().map(str::to_owned).collect()
        };
        let observed = |path: &&String| path.contains("observed/");
        let pristine: BTreeSet<String> = files(GENERATED).into_iter().filter(|path| !observed(&path)).collect();
        assert_eq!(files("HEAD"), pristine);
        assert!(pristine.iter().all(|path| path.starts_with(workspace)), "{pristine:?}");
        let ran = lab.sync(&cluster(), &[]);
        assert_eq!(ran.code, Some(0), "{}", ran.errors);
        assert!(ran.output.contains("up to date"), "{}", ran.output);
        assert_eq!((lab.id("HEAD"), lab.id(GENERATED)), (head, generated));
    }
}

#[test]
fn a_change_goes_where_the_person_has_put_the_value() {
    let lab = Lab::synced();
    move_out(&lab);
    let (head, before) = (lab.id("HEAD"), lab.text("terraform/home.tf"));
    let ran = lab.sync(&with_memory(6144), &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    lab.check_clean();
    assert_eq!(lab.text("terraform/home.tf"), before.replace("memory = 4096", "memory = 6144"));
    assert_eq!(lab.parents("HEAD"), [head, lab.id(GENERATED)]);
    let subject = lab.git(&["log", "--max-count=1", "--format=%s", GENERATED]);
    assert_eq!(subject, "qemu/100 haos-16.2: memory 4096 → 6144");
    let object = lab.git(&["log", "--format=%s", GENERATED, "--", "observed/qemu/100.json"]);
    assert_eq!(object.lines().count(), 2, "{object}");
    let ran = lab.sync(&with_memory(6144), &[]);
    assert!(ran.output.contains("up to date"), "{}", ran.output);
}

#[test]
fn a_conflict_is_one_of_git_around_one_attribute() {
    let lab = Lab::synced();
    edit(&lab.workspace(), MACHINES, &[("dedicated = 4096", "dedicated = 5000")]);
    lab.commit("more memory");
    let mut cluster = with_memory(6144);
    data(&mut cluster, CONFIG)["cores"] = json!(4);
    let ran = lab.sync(&cluster, &[]);
    assert_eq!(ran.code, Some(3), "{}", ran.errors);
    assert!(lab.git(&["status", "--porcelain"]).lines().any(|line| line == format!("UU {MACHINES}")));
    let text = lab.text(MACHINES);
    let conflict = "<<<<<<< yours (HEAD)\n    dedicated = 5000\n||||||| before\n";
    assert!(text.contains(conflict) && text.contains("=======\n    dedicated = 6144\n>>>>>>> "), "{text}");
    assert!(text.contains("    cores = 4\n"), "what is no conflict is merged");
    let conflicts: Vec<Value> = serde_json::from_str(&lab.text(".proxmox-mpc/conflicts.json")).unwrap();
    assert_eq!((&conflicts[0]["object"], &conflicts[0]["attribute"]), (&json!("qemu/100"), &json!("memory.dedicated")));

    let again = lab.sync(&cluster, &[]);
    assert_eq!(again.code, Some(1), "a merge is under way: {}", again.output);
    let head = lab.id("HEAD");
    let resolved: Vec<&str> = text.lines().collect();
    let from = resolved.iter().position(|line| line.starts_with("<<<<<<<")).unwrap();
    let to = resolved.iter().position(|line| line.starts_with(">>>>>>>")).unwrap();
    let resolved = [&resolved[..from], &["    dedicated = 7000"], &resolved[to + 1..]].concat().join("\n") + "\n";
    fs::write(lab.workspace().join(MACHINES), resolved).unwrap();
    lab.git(&["add", MACHINES]);
    lab.git(&["commit", "--quiet", "--no-edit"]);
    assert_eq!(lab.parents("HEAD"), [head, lab.id(GENERATED)]);
    let ran = lab.sync(&cluster, &[]);
    assert!(ran.output.contains("up to date"), "{}{}", ran.output, ran.errors);
    assert!(lab.text(MACHINES).contains("dedicated = 7000"));
    assert!(!lab.workspace().join(".proxmox-mpc/conflicts.json").exists());
}

#[test]
fn a_dry_run_writes_nothing_and_its_patch_is_the_merge() {
    let lab = Lab::synced();
    move_out(&lab);
    let cluster = with_memory(6144);
    let seen = |lab: &Lab| -> Vec<(String, Vec<u8>)> {
        // New objects that no reference leads to are no change of a repository.
        bytes(&lab.root()).into_iter().filter(|(path, _)| !path.contains("/.git/objects/")).collect()
    };
    let before = seen(&lab);
    let ran = lab.sync(&cluster, &["--dry-run", "--output", "json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    assert!(seen(&lab) == before, "a dry run wrote something");
    let report: Value = serde_json::from_str(&ran.output).unwrap();
    let patch = lab.folder.path().join("patch");
    fs::write(&patch, report["merge"]["patch"].as_str().unwrap()).unwrap();
    lab.git(&["apply", "--index", patch.to_str().unwrap()]);
    let patched = lab.git(&["write-tree"]);
    lab.git(&["reset", "--quiet", "--hard"]);
    assert_eq!(lab.sync(&cluster, &[]).code, Some(0));
    assert_eq!(lab.id("HEAD^{tree}"), patched);
}

#[test]
fn a_sync_can_leave_the_work_tree_alone() {
    let lab = Lab::synced();
    let (head, first) = (lab.id("HEAD"), lab.id(GENERATED));
    let ran = lab.sync(&with_memory(6144), &["--branch", "from-cluster"]);
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    assert_eq!((lab.id("HEAD"), lab.parents("from-cluster")), (head.clone(), vec![head.clone(), lab.id(GENERATED)]));
    lab.check_clean();
    assert_eq!(lab.parents(GENERATED), [first]);
    assert!(lab.git(&["show", &format!("from-cluster:{MACHINES}")]).contains("dedicated = 6144"));

    let second = lab.id(GENERATED);
    assert_eq!(lab.sync(&with_memory(8192), &["--generated-only"]).code, Some(0));
    assert_eq!((lab.id("HEAD"), lab.parents(GENERATED)), (head.clone(), vec![second]));
    assert!(lab.text(MACHINES).contains("dedicated = 4096"));
    assert_eq!(lab.sync(&with_memory(8192), &[]).code, Some(0));
    assert_eq!(lab.parents("HEAD"), [head, lab.id(GENERATED)]);
    assert!(lab.text(MACHINES).contains("dedicated = 8192"));
    lab.check_clean();
}

#[test]
fn changes_that_are_not_committed_are_refused_or_set_aside() {
    let lab = Lab::synced();
    edit(&lab.workspace(), "terraform/pools.tf", &[("resource ", "# Mine.\nresource ")]);
    let (head, generated) = (lab.id("HEAD"), lab.id(GENERATED));
    let ran = lab.sync(&with_memory(6144), &[]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.errors.contains("terraform/pools.tf") && ran.errors.contains("--autostash"), "{}", ran.errors);
    assert_eq!((lab.id("HEAD"), lab.id(GENERATED)), (head, generated));
    let ran = lab.sync(&with_memory(6144), &["--autostash"]);
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    assert_eq!(lab.git(&["status", "--porcelain"]), " M terraform/pools.tf");
    assert!(lab.text("terraform/pools.tf").contains("# Mine.\n"));
    assert!(lab.text(MACHINES).contains("dedicated = 6144"));
    assert_eq!(lab.git(&["stash", "list"]), "");
}

/// The base of the first merge is what the import wrote, so that edits since then are no conflicts.
#[test]
fn an_import_that_somebody_edited_becomes_the_beginning() {
    let lab = Lab::new("");
    let recording = lab.recorded(&cluster());
    let import = Invocation::new(PROGRAM).folder(lab.folder.path());
    let import = import.arg("import").arg("--from").arg(recording).arg("--out").arg(lab.workspace());
    assert_eq!(ran_in(import, &[]).code, Some(0));
    edit(&lab.workspace(), MACHINES, &[("  name          = \"haos-16.2\"", "  name          = \"haos\" # shorter")]);
    lab.commit("imported");
    let ran = lab.sync(&with_memory(6144), &[]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.output, ran.errors);
    lab.check_clean();
    let text = lab.text(MACHINES);
    assert!(text.contains("name          = \"haos\" # shorter") && text.contains("dedicated = 6144"), "{text}");
    let subjects = lab.git(&["log", "--format=%s", GENERATED]);
    assert_eq!(
        subjects.lines().collect::<Vec<_>>(),
        ["qemu/100 haos-16.2: memory 4096 → 6144", "import of pve, before the first sync"]
    );
}

#[test]
fn what_is_gone_goes_and_what_somebody_deleted_stays_deleted() {
    let lab = Lab::synced();
    let machines = lab.text(MACHINES);
    let start = machines.find("resource \"proxmox_virtual_environment_vm\" \"haos_16_2\"").unwrap();
    let end = start + machines[start..].find("\n}\n").unwrap() + 4;
    fs::write(lab.workspace().join(MACHINES), machines[..start].to_owned() + &machines[end..]).unwrap();
    lab.commit("not ours");
    let cluster = without(&with_memory(6144), &Identity::new("lxc", "201"));
    let ran = lab.sync(&cluster, &[]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.output, ran.errors);
    assert!(!lab.text(MACHINES).contains("haos_16_2"), "a decision is remembered");
    assert!(!lab.text("terraform/containers.tf").contains("vm_id         = 201"));
    assert!(!lab.text("terraform/imports.tf").contains("pve/201\""));
    assert!(ran.output.contains("kept as you decided"), "{}", ran.output);
    lab.check_clean();
}

#[test]
fn a_login_that_sees_less_takes_nothing_away() {
    let lab = Lab::synced();
    let tree = |lab: &Lab| lab.git(&["rev-parse", "HEAD:terraform"]);
    let before = tree(&lab);
    let ran = lab.sync(&asked(&fixture("homelab-auditor")), &[]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.output, ran.errors);
    assert_eq!(tree(&lab), before, "{}", lab.git(&["diff", "HEAD~1", "--", "terraform"]));
    lab.check_clean();
}
