//! Timeline of a cluster in a real git repository: `status`, `diff` and `history`, of syncs that were written one after another.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use proxmox_mpc_engine::history::{DEFAULT_BRANCH, Oid, Repository};
use proxmox_mpc_engine::toolchain::invocation::Invocation;
use proxmox_mpc_engine::workspace::Workspace;
use proxmox_mpc_generators::{Options, Previous, generate};
use proxmox_mpc_model::observation::{Changes, Observation, TaskLog, Window};
use proxmox_mpc_model::{Answer, ApiPath, Identity};
use proxmox_mpc_twin::Credentials;
use proxmox_mpc_twin::server::{Options as ServerOptions, serve};
use regex_lite::Regex;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support;
use crate::support::clusters::{Memory, asked, data, fixture, without};
use crate::support::program::{PROGRAM, Ran, ran_in};
use crate::support::workspaces::edit;

const TOKEN: &str = "ca9a2100-0000-4000-8000-00000000ca9a";

/// 2026-11-20T08:00:00Z.
const START: i64 = 1_795_161_600;
const DAY: i64 = 86_400;

/// A workspace in a repository, and the syncs that were written to it.
pub(crate) struct Lab {
    folder: TempDir,
    tip: Option<Oid>,
    last: Option<(Observation, i64)>,
}

impl Lab {
    fn new() -> Self {
        let lab = Self { folder: tempfile::tempdir().unwrap(), tip: None, last: None };
        lab.git(&["init", "--quiet", "--initial-branch", "main"]);
        lab.git(&["config", "user.name", "Ada"]);
        lab.git(&["config", "user.email", "ada@example.org"]);
        fs::write(lab.root().join("proxmox-mpc.toml"), "").unwrap();
        lab
    }

    /// The workspace.
    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Runs git in the workspace, and returns its output.
    fn git(&self, arguments: &[&str]) -> String {
        let program = Invocation::new("git")
            .folder(self.root())
            .env("GIT_AUTHOR_DATE", "2026-11-20T09:00:00Z")
            .env("GIT_COMMITTER_DATE", "2026-11-20T09:00:00Z");
        let ran = ran_in(program, arguments);
        assert_eq!(ran.code, Some(0), "git {arguments:?}: {}", ran.errors);
        ran.output.trim().to_owned()
    }

    /// Writes a sync of these answers to the generated branch, this many days after the first.
    fn sync(&mut self, answers: &Memory, day: i64, log: Option<&TaskLog>) {
        let time = START + day * DAY;
        let generated = generate(answers, &Options::default(), &Previous::default()).unwrap();
        let observation = Observation::read(answers).unwrap();
        let mut files = generated.files;
        files.insert(Workspace::MANIFEST.to_owned(), generated.manifest.render());
        files.extend(observation.files());
        let mut changes = match &self.last {
            Some((before, _)) => Changes::between(before, &observation),
            None => Changes::first(&observation),
        };
        if let (Some(log), Some((_, before))) = (log, &self.last) {
            let seconds = |time: i64| u64::try_from(time).unwrap();
            changes.attribute(log, Window { from: seconds(*before), to: seconds(time) });
        }
        let message = format!("{}\n\n{}", changes.subject(), changes.body());
        let repository = Repository::discover(&Workspace::at(self.root())).unwrap().unwrap();
        let commit = repository.write_generated(DEFAULT_BRANCH, &files, &message, time, self.tip).unwrap();
        repository.advance(DEFAULT_BRANCH, self.tip, commit.id).unwrap();
        self.tip = Some(commit.id);
        self.last = Some((observation, time));
    }

    /// Takes the files of the last sync into the work tree and the current branch, as a merge would.
    fn merge(&self) {
        let tip = self.tip.unwrap().to_string();
        self.git(&["checkout", "--quiet", &tip, "--", "."]);
        self.git(&["rm", "--quiet", "-r", "-f", "observed"]);
        self.git(&["add", "--all"]);
        let tree = self.git(&["write-tree"]);
        let commit = self.git(&["commit-tree", &tree, "-p", &tip, "-m", "merge"]);
        self.git(&["update-ref", "refs/heads/main", &commit]);
    }

    /// Runs the program in the workspace.
    fn ran(&self, line: &str) -> Ran {
        self.ran_in(Invocation::new(PROGRAM), line)
    }

    fn ran_in(&self, program: Invocation, line: &str) -> Ran {
        let words = shlex::split(line).unwrap();
        let mut ran = ran_in(program.folder(self.root()), &words.iter().map(String::as_str).collect::<Vec<_>>());
        if !line.contains("--output json") {
            ran.output = commits_hidden(&ran.output);
        }
        ran
    }
}

/// The text without commits, which change with the generated text.
fn commits_hidden(text: &str) -> String {
    Regex::new(r"\b[0-9a-f]{10}\b").unwrap().replace_all(text, "[commit]").into_owned()
}

const VM: &str = "nodes/pve1/qemu/101/config";

/// Three syncs: the recorded cluster; with more memory for a virtual machine, which the task log knows; with another name
/// for it, and without another one.
pub(crate) fn lab() -> (Lab, Memory) {
    let mut lab = Lab::new();
    let mut answers = asked(&fixture("pve-9.1"));
    lab.sync(&answers, 0, None);
    lab.merge();
    data(&mut answers, VM).as_object_mut().unwrap().insert("memory".to_owned(), json!("4096"));
    let mut log = TaskLog::default();
    log.complete_since = Some(0);
    // 6B05FA00 is 2026-11-24T21:00:48Z; the task ran an hour before the second sync.
    let upid = format!("UPID:pve1:000043EE:000A7C13:{:08X}:qmconfig:101:alice@pam:", START + DAY - 3600);
    log.add(&Answer::ok(json!([{"upid": upid, "status": "OK", "endtime": START + DAY - 3599}])));
    lab.sync(&answers, 1, Some(&log));
    data(&mut answers, VM).as_object_mut().unwrap().insert("name".to_owned(), json!("runner"));
    for list in ["cluster/resources", "nodes/pve1/qemu"] {
        for row in data(&mut answers, list).as_array_mut().unwrap() {
            if row.get("vmid") == Some(&json!(101)) {
                row["name"] = json!("runner");
            }
        }
    }
    let answers = without(&answers, &Identity::new("qemu", 103));
    lab.sync(&answers, 2, None);
    (lab, answers)
}

#[test]
fn the_past_of_a_cluster_is_shown() {
    let (lab, _) = lab();
    let lines = [
        "diff",
        "diff 2026-11-20",
        "diff 2026-11-20..2026-11-21 --exit-code",
        "diff 2026-11-22..2026-11-22 --exit-code",
        "diff 2026-11-19",
        "history",
        "history -n 1",
        "history runner",
        "history 101 -n 1",
        "history qemu/103",
        "history linked-clone",
        "history nobody",
        "diff --live --code",
    ];
    support::screen("timeline", lines.map(|line| lab.ran(line)));
}

#[test]
fn a_status_says_where_the_workspace_stands() {
    let (lab, _) = lab();
    let mut runs = vec![lab.ran("status")];
    lab.merge();
    runs.push(lab.ran("status"));
    edit(lab.root(), "terraform/virtual_machines.tf", &[("dedicated = 4096", "dedicated = 6144 # more")]);
    let pools = fs::read_to_string(lab.root().join("terraform/pools.tf")).unwrap();
    fs::write(lab.root().join("terraform/people.tf"), &pools).unwrap();
    fs::remove_file(lab.root().join("terraform/pools.tf")).unwrap();
    let roles = fs::read_to_string(lab.root().join("terraform/roles.tf")).unwrap();
    let (header, iac) = roles.split_at(roles.find("resource \"proxmox_virtual_environment_role\" \"iac\"").unwrap());
    assert!(header.contains("\"empty\""), "the role before it goes");
    let moved =
        "moved {\n  from = proxmox_virtual_environment_role.iac\n  to   = proxmox_virtual_environment_role.code\n}\n";
    fs::write(lab.root().join("terraform/roles.tf"), iac.replace("\"iac\"", "\"code\"") + moved).unwrap();
    edit(
        lab.root(),
        "terraform/virtual_machines.tf",
        &[("password = var.runner_cloud_init_password", "password = \"CANARY\"")],
    );
    fs::create_dir_all(lab.root().join(".proxmox-mpc")).unwrap();
    let conflicts = json!([{"file": "terraform/virtual_machines.tf", "line": 31, "identity": "qemu/101"}]);
    fs::write(lab.root().join(".proxmox-mpc/conflicts.json"), conflicts.to_string()).unwrap();
    runs.push(lab.ran("status"));
    runs.push(lab.ran("diff --code --exit-code"));
    assert!(runs.iter().all(|ran| !ran.output.contains("CANARY")));
    support::screen("status", runs);
}

/// The code goes back, the cluster does not: memory and name of a virtual machine, and one that is gone.
#[test]
fn a_former_state_comes_back_into_the_code() {
    let (lab, _) = lab();
    lab.merge();
    let before = support::workspaces::bytes(&lab.root().join("terraform"));
    let mut runs = vec![lab.ran("restore runner --at 2026-11-20 --dry-run")];
    assert_eq!(support::workspaces::bytes(&lab.root().join("terraform")), before, "nothing was written");
    edit(lab.root(), "terraform/virtual_machines.tf", &[("dedicated = 4096", "dedicated = 4096 # much")]);
    runs.push(lab.ran("restore qemu/101 --at 2026-11-20"));
    let code = fs::read_to_string(lab.root().join("terraform/virtual_machines.tf")).unwrap();
    assert!(code.contains("dedicated = 2048 # much") && code.contains("name          = \"ci-ubuntu\""), "{code}");
    runs.push(lab.ran("restore qemu/101 --at 2026-11-20"));
    runs.push(lab.ran("restore linked-clone --at 2026-11-21"));
    let code = fs::read_to_string(lab.root().join("terraform/virtual_machines.tf")).unwrap();
    assert!(code.contains("resource \"proxmox_virtual_environment_vm\" \"linked_clone\" {"), "{code}");
    let imports = fs::read_to_string(lab.root().join("terraform/imports.tf")).unwrap();
    assert!(!imports.contains("linked_clone"), "there is nothing to import");
    runs.push(lab.ran("restore realm/pam --at 2026-11-21"));
    runs.push(lab.ran("restore qemu/101 --at 2020-01-01"));
    support::screen("restore", runs);
}

#[test]
fn without_a_repository_or_a_sync_there_is_no_timeline() {
    let folder = tempfile::tempdir().unwrap();
    let outside =
        |line: &str| ran_in(Invocation::new(PROGRAM).folder(folder.path()), &line.split(' ').collect::<Vec<_>>());
    let lab = Lab::new();
    let runs = [
        outside("status"),
        outside("diff"),
        lab.ran("status"),
        lab.ran("diff"),
        lab.ran("history"),
        lab.ran("diff --code"),
        lab.ran("status --live"),
    ];
    support::screen("no_timeline", runs);
}

/// The running cluster, which is a twin, differs from the last sync; its task log knows why.
#[test]
fn a_look_at_the_cluster_says_what_changed_since() {
    let (lab, mut answers) = lab();
    data(&mut answers, VM).as_object_mut().unwrap().insert("onboot".to_owned(), json!(1));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let place = lab.root().join("credentials.json");
    fs::write(&place, format!(r#"{{"tokens": {{"root@pam!iac": "{TOKEN}"}}}}"#)).unwrap();
    let credentials = Credentials::read(&place).unwrap();
    fs::remove_file(place).unwrap();
    let _inside = runtime.enter();
    let options = ServerOptions { refusal_delay: Duration::ZERO, ..ServerOptions::new(credentials) };
    let twin = serve(Arc::new(answers), options).unwrap();
    let before = support::workspaces::bytes(lab.root());
    let look = |line: &str| {
        let program = Invocation::new(PROGRAM).withhold("PROXMOX_VE_");
        let program = program.env("PROXMOX_VE_API_TOKEN", format!("root@pam!iac={TOKEN}"));
        let (endpoint, fingerprint) = (twin.endpoint(), twin.fingerprint().to_owned());
        lab.ran_in(program, &format!("{line} --live --endpoint {endpoint} --fingerprint {fingerprint} --output json"))
    };
    for line in ["diff --exit-code", "status"] {
        let ran = look(line);
        let expected = if line == "status" { Some(0) } else { Some(3) };
        assert_eq!(ran.code, expected, "{line}: {}{}", ran.output, ran.errors);
        let document: Value = serde_json::from_str(&ran.output).unwrap();
        let objects = document["live"]["changes"]["objects"].as_array().unwrap();
        let settings: Vec<(&Value, &Value)> =
            objects.iter().map(|object| (&object["identity"], &object["attributes"][0]["key"])).collect();
        assert_eq!(settings, [(&json!("qemu/101"), &json!("onboot"))], "{line}: {objects:?}");
        assert!(objects[0]["origin"]["known"].is_string(), "{line}: {objects:?}");
    }
    assert_eq!(support::workspaces::bytes(lab.root()), before, "nothing was written");
    runtime.block_on(twin.stop());
}

/// The generated branch keeps the whole observation.
#[test]
fn an_observation_is_read_back_from_the_branch() {
    let answers = asked(&fixture("homelab"));
    let mut lab = Lab::new();
    lab.sync(&answers, 0, None);
    let repository = Repository::discover(&Workspace::at(lab.root())).unwrap().unwrap();
    let files = repository.files_below(lab.tip.unwrap(), "observed").unwrap();
    assert_eq!(Observation::from_files(&files).unwrap(), Observation::read(&answers).unwrap());
    assert!(files.values().all(|text| text.len() < 65_536));
    assert!(answers.contains_key(&ApiPath::parse("cluster/resources")) && files.len() > 80, "{}", files.len());
}
