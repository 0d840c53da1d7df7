//! Hooks of git and of pre-commit, with the real programs: what is checked is what is committed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use proxmox_mpc_engine::toolchain::invocation::Invocation;
use proxmox_mpc_engine::toolchain::process::run;
use proxmox_mpc_judges::tools::{Missing, Tool};
use tempfile::TempDir;

use crate::support;
use crate::support::program::{PROGRAM, Ran, ran_in};
use crate::support::tools;

/// A repository with the program in front of its `PATH`.
struct Repository {
    folder: TempDir,
}

const GOOD: &str = "resource \"proxmox_virtual_environment_pool\" \"lab\" {\n  pool_id = \"lab\"\n}\n";

impl Repository {
    fn new() -> Self {
        let repository = Self { folder: tempfile::tempdir().unwrap() };
        for arguments in [
            &["init", "--quiet", "--initial-branch", "main"][..],
            &["config", "user.name", "Ada"],
            &["config", "user.email", "ada@example.org"],
        ] {
            assert_eq!(repository.git(arguments).code, Some(0));
        }
        repository
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn git(&self, arguments: &[&str]) -> Ran {
        let programs = Path::new(PROGRAM).parent().unwrap().display();
        let path = support::variable("PATH").unwrap_or_default();
        let git = Invocation::new("git").folder(self.root()).env("PATH", format!("{programs}:{path}"));
        let git = git.env("PRE_COMMIT_HOME", self.cache());
        ran_in(git, arguments)
    }

    /// The folder of pre-commit's own files.
    fn cache(&self) -> String {
        self.root().join(".git/pre-commit-home").display().to_string()
    }

    fn hooks(&self, action: &str) -> Ran {
        ran_in(Invocation::new(PROGRAM).folder(self.root()), &["hooks", action])
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.root().join(file), text).unwrap();
    }

    fn hook(&self) -> PathBuf {
        self.root().join(".git/hooks/pre-commit")
    }
}

/// The code with an attribute that the provider does not have.
fn bad() -> String {
    GOOD.replace("pool_id", "pool_name = 1\n  pool_id")
}

#[test]
fn a_commit_is_checked_as_it_is_staged() {
    let repository = Repository::new();
    assert_eq!(repository.hooks("install").code, Some(0));
    commits_are_checked(&repository);
}

/// The same with the program `pre-commit` and our `.pre-commit-hooks.yaml`.
#[test]
fn pre_commit_checks_what_is_staged() {
    let version = Invocation::new("pre-commit").arg("--version");
    if run(&version, &support::context(), |_, _| {}).is_err() {
        let missing = Missing::new(Tool::PreCommit, "`pre-commit` is not in PATH");
        return tools::skip(module_path!(), &missing);
    }
    let (source, repository) = (Repository::new(), Repository::new());
    let hooks = Path::new(env!("CARGO_MANIFEST_DIR")).join(".pre-commit-hooks.yaml");
    fs::copy(hooks, source.root().join(".pre-commit-hooks.yaml")).unwrap();
    source.git(&["add", ".pre-commit-hooks.yaml"]);
    assert_eq!(source.git(&["commit", "--quiet", "--message", "hooks"]).code, Some(0));
    let revision = source.git(&["rev-parse", "HEAD"]).output;
    let configuration = format!(
        "repos:\n  - repo: {}\n    rev: {}\n    hooks:\n      - id: proxmox-mpc-check\n",
        source.root().display(),
        revision.trim()
    );
    repository.write(".pre-commit-config.yaml", &configuration);
    repository.git(&["add", ".pre-commit-config.yaml"]);
    let install = Invocation::new("pre-commit").folder(repository.root()).env("PRE_COMMIT_HOME", repository.cache());
    let ran = ran_in(install, &["install"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.output, ran.errors);
    commits_are_checked(&repository);
}

/// Commits of what is staged in part, of everything and of one file.
fn commits_are_checked(repository: &Repository) {
    let commit = |arguments: &[&str]| repository.git(&[&["commit", "--quiet", "--message", "x"], arguments].concat());
    let check = |ran: Ran, is_good: bool| {
        let text = format!("{}{}", ran.output, ran.errors);
        assert_eq!(ran.code == Some(0), is_good, "{text}");
        assert_eq!(text.contains("PVE302"), !is_good, "{text}");
    };
    repository.write("main.tf", &bad());
    repository.git(&["add", "main.tf"]);
    check(commit(&[]), false);
    // The work tree is right, the index is not, and the other way round.
    repository.write("main.tf", GOOD);
    check(commit(&[]), false);
    repository.git(&["add", "main.tf"]);
    repository.write("main.tf", &bad());
    check(commit(&[]), true);
    // Git gives its hook another index for `commit --all` and `commit FILE`.
    check(commit(&["--all"]), false);
    check(commit(&["main.tf"]), false);
    // A file that git does not know is not committed.
    repository.git(&["checkout", "--quiet", "main.tf"]);
    repository.write("other.tf", &bad().replace("\"lab\"", "\"other\""));
    repository.write("README", "x");
    repository.git(&["add", "README"]);
    check(commit(&[]), true);
}

#[test]
fn a_hook_of_somebody_else_stays() {
    let repository = Repository::new();
    let ran = repository.hooks("uninstall");
    assert!(ran.code == Some(0) && ran.output.contains("there is no hook"), "{}", ran.output);
    assert_eq!(repository.hooks("install").code, Some(0));
    assert_eq!(fs::metadata(repository.hook()).unwrap().permissions().mode() & 0o111, 0o111);
    assert!(repository.hooks("install").output.contains("already"));
    assert!(repository.hooks("uninstall").output.contains("is removed") && !repository.hook().exists());
    for action in ["install", "uninstall"] {
        fs::create_dir_all(repository.hook().parent().unwrap()).unwrap();
        fs::write(repository.hook(), "#!/bin/sh\nexit 0\n").unwrap();
        let ran = repository.hooks(action);
        assert_eq!(ran.code, Some(2), "{}", ran.errors);
        assert!(ran.errors.contains("is a hook of somebody else"), "{}", ran.errors);
        assert_eq!(fs::read_to_string(repository.hook()).unwrap(), "#!/bin/sh\nexit 0\n");
    }
    // `core.hooksPath` decides where git looks for hooks.
    repository.git(&["config", "core.hooksPath", "hooks"]);
    assert_eq!(repository.hooks("install").code, Some(0));
    assert!(repository.root().join("hooks/pre-commit").exists());
}
