//! Tests of the history with the real `git` program: a laboratory with a repository, and what can be seen of it.

mod branch;
mod conflicts;
mod crash;
mod hooks;
mod setups;
mod stash;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::*;
use crate::operation::Context;
use crate::operation::testing::followed;
use crate::workspace::{FileSet, Workspace};

/// The time of the first sync in these tests.
const TIME: i64 = 1_795_395_000;

/// A program that is not there.
const NO_GIT: &str = "/nonexistent/git";

/// The generated files of the first sync.
const FIRST: &[(&str, &str)] = &[
    ("manifest.json", "{}\n"),
    ("observed/qemu/101.json", "{\"memory\": 4096}\n"),
    ("terraform/pools.tf", "# pool\n"),
    ("terraform/vms.tf", "# web\nmemory = 4096\n"),
];

/// The generated files of the second sync: one file changes, one goes, one is new.
const SECOND: &[(&str, &str)] = &[
    ("manifest.json", "{}\n"),
    ("observed/qemu/101.json", "{\"memory\": 8192}\n"),
    ("terraform/nodes/pve.tf", "# node\n"),
    ("terraform/vms.tf", "# web\nmemory = 8192\n"),
];

fn files(list: &[(&str, &str)]) -> FileSet {
    list.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

/// A repository in a folder of its own, with the workspace in it.
struct Lab {
    _folder: tempfile::TempDir,
    root: PathBuf,
    prefix: &'static str,
    program: &'static str,
    context: Context,
}

/// Reports whether the `git` program is missing, aloud.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
#[expect(clippy::disallowed_methods, reason = "these tests compare with the real program")]
fn no_git() -> bool {
    let missing = std::process::Command::new("git").arg("--version").output().is_err();
    if missing {
        eprintln!("skipped: there is no `git` program here");
    }
    missing
}

impl Lab {
    /// A repository with one commit of a person.
    fn new(prefix: &'static str) -> Self {
        let lab = Self::unborn(prefix);
        lab.write("other/main.tf", "# mine\n");
        lab.git(&["add", "other"]);
        lab.git(&["commit", "-qm", "mine"]);
        lab
    }

    /// A repository without a commit.
    fn unborn(prefix: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap().join("repository");
        fs::create_dir_all(root.join(prefix)).unwrap();
        let lab = Self { _folder: folder, root, prefix, program: "git", context: followed().context };
        lab.git(&["init", "-q", "-b", "main"]);
        lab.git(&["config", "user.name", "Alice"]);
        lab.git(&["config", "user.email", "alice@example.org"]);
        lab
    }

    /// A copy of the laboratory in its state.
    fn copy(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap().join("repository");
        copy_folder(&self.root, &root);
        Self { _folder: folder, root, prefix: self.prefix, program: self.program, context: followed().context }
    }

    fn workspace(&self) -> Workspace {
        Workspace::at(self.root.join(self.prefix))
    }

    fn repository(&self) -> Repository {
        Repository::discover(&self.workspace()).unwrap().expect("a repository is around it").with_program(self.program)
    }

    /// Runs the real git, which must succeed, and returns its output.
    fn git(&self, arguments: &[&str]) -> String {
        let (success, text) = self.try_git(arguments);
        assert!(success, "git {arguments:?}: {text}");
        text
    }

    #[expect(clippy::disallowed_methods, reason = "these tests compare with the real program")]
    fn try_git(&self, arguments: &[&str]) -> (bool, String) {
        let output = std::process::Command::new("git")
            .args(["-c", "protocol.file.allow=always", "-c", "advice.detachedHead=false"])
            .args(arguments)
            .current_dir(&self.root)
            .env("GIT_AUTHOR_DATE", "1795390000 +0000")
            .env("GIT_COMMITTER_DATE", "1795390000 +0000")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.success(), text.trim_end().to_owned())
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.root.join(self.prefix).join(path)).ok()
    }

    /// A hook, or another script.
    fn script(&self, path: &str, text: &str) {
        self.write(path, text);
        fs::set_permissions(self.root.join(path), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A sync in which the generated text wins, as far as the person has not changed the file.
    fn sync(&self, list: &[(&str, &str)]) -> Result<Merged, HistoryError> {
        sync(&self.repository(), list, Target::CurrentBranch, &self.context)
    }

    /// Everything that can be seen of the repository but reflogs and times.
    fn state(&self) -> BTreeMap<String, String> {
        let mut state = BTreeMap::new();
        read_folder(&self.root, &self.root, &mut state);
        for arguments in [
            &["status", "--porcelain"][..],
            &["ls-files", "--stage"],
            &["for-each-ref"],
            &["stash", "list"],
            &["rev-parse", "--symbolic-full-name", "HEAD"],
        ] {
            state.insert(format!("git {}", arguments.join(" ")), self.try_git(arguments).1);
        }
        for name in ["MERGE_HEAD", "MERGE_MSG", "MERGE_MODE", "index.lock", "MERGE_AUTOSTASH", "proxmox-mpc"] {
            state.insert(format!(".git/{name}"), self.root.join(".git").join(name).exists().to_string());
        }
        state
    }

    /// The repository is sound, nothing is left to commit, and HEAD is a merge of what was before and of the generated commit.
    fn check_merged(&self, before: &str) {
        let name = self.root.display();
        assert_eq!(self.git(&["status", "--porcelain"]), "", "{name}");
        assert_eq!(self.git(&["fsck", "--no-dangling", "--no-progress"]), "", "{name}");
        let generated = self.git(&["rev-parse", DEFAULT_BRANCH]);
        assert_eq!(self.git(&["log", "-1", "--format=%P"]), format!("{before} {generated}"), "{name}");
    }
}

fn sync(
    repository: &Repository,
    list: &[(&str, &str)],
    target: Target,
    context: &Context,
) -> Result<Merged, HistoryError> {
    let theirs = files(list);
    let tip = repository.generated(DEFAULT_BRANCH)?.map(|tip| tip.id);
    let time = TIME + if tip.is_some() { 86_400 } else { 0 };
    let generated = repository.write_generated(DEFAULT_BRANCH, &theirs, "cluster: changed", time, tip)?.id;
    let base = repository.base(DEFAULT_BRANCH, generated)?;
    let merge = MergeCommit {
        files: merged_files(repository, base, &theirs)?,
        conflicts: Vec::new(),
        branch: DEFAULT_BRANCH.to_owned(),
        tip,
        generated,
        message: "Merge the cluster".to_owned(),
        time,
        target,
        verify: true,
    };
    repository.merge(&merge, context)
}

fn merged_files(
    repository: &Repository,
    base: Option<Commit>,
    theirs: &FileSet,
) -> Result<BTreeMap<String, Option<String>>, HistoryError> {
    let base = base.map(|base| repository.files(base.id)).transpose()?.unwrap_or_default();
    let paths = base.keys().chain(theirs.keys()).filter(|path| !path.starts_with("observed/"));
    let changed = paths.filter(|path| base.get(*path) != theirs.get(*path));
    Ok(changed.map(|path| (path.clone(), theirs.get(path).cloned())).collect())
}

fn read_folder(root: &Path, folder: &Path, state: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let relative = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        if relative == ".git" || relative.ends_with(".proxmox-mpc") {
            continue;
        }
        if path.is_dir() {
            state.insert(format!("{relative}/"), String::new());
            read_folder(root, &path, state);
        } else {
            state.insert(relative, fs::read_to_string(&path).unwrap());
        }
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
