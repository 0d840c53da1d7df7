//! Playbooks: runs a copy of the workspace's playbooks against the twin, limited to the plays that use the API.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::operation::{Context, EventKind, Step, StepKind};
use crate::rehearse::RehearseError;
use crate::toolchain::invocation::Invocation;
use crate::toolchain::process::{self, Stream};
use crate::workspace::Workspace;

/// Result of the playbooks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlaybookResult {
    /// The number of tasks that ran.
    pub tasks: usize,
    /// The number of tasks that would change something.
    pub changed: usize,
    /// The tasks that would fail.
    pub failed: Vec<FailedTask>,
    /// The exit code of Ansible.
    pub code: Option<i32>,
    /// The last error that Ansible printed outside of a task.
    pub complaint: String,
}

/// A task that would fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailedTask {
    /// The name of the task.
    pub task: String,
    /// The reason.
    pub why: String,
}

/// Everything that running the playbooks needs.
pub(super) struct Stage<'a> {
    /// `ansible-playbook`.
    pub(super) program: &'a Path,
    /// The workspace.
    pub(super) workspace: &'a Workspace,
    /// A temporary folder.
    pub(super) scratch: &'a Path,
    /// The URL of the twin.
    pub(super) endpoint: &'a str,
    /// The certificate of the twin, as PEM.
    pub(super) certificate: &'a str,
    /// The API token.
    pub(super) token: Option<SecretString>,
}

/// The playbook that includes all others, relative to Ansible's folder.
const PLAYBOOK: &str = "playbooks/site.yml";

#[derive(Deserialize)]
struct Line {
    task: String,
    changed: bool,
    failed: bool,
    message: String,
}

/// Checks that the workspace has playbooks, before anything is run.
pub(super) fn check(workspace: &Workspace) -> Result<(), RehearseError> {
    let path = workspace.ansible().join(PLAYBOOK);
    if path.is_file() { Ok(()) } else { Err(RehearseError::NoPlaybook { path }) }
}

/// Runs the playbooks for `localhost` only, which is where the API is used from: other hosts are real machines.
pub(super) fn run(stage: &Stage<'_>, context: &Context) -> Result<PlaybookResult, RehearseError> {
    let step = Step::start(context, StepKind::RehearsePlaybooks);
    let context = step.context();
    let invocation = stage.invocation().map_err(|source| {
        let path = stage.workspace.ansible();
        RehearseError::Copy { path, source }
    })?;
    let mut result = PlaybookResult::default();
    let name = invocation.name();
    let ended = process::run(&invocation, &context, |stream, line| {
        if let Ok(line) = serde_json::from_str::<Line>(&line) {
            result.task(line);
        } else if !line.trim().is_empty() {
            if stream == Stream::Error && line.contains("ERROR") {
                line.trim().clone_into(&mut result.complaint);
            }
            context.event(EventKind::Text { program: name.clone(), line });
        }
    });
    match ended {
        Ok(ended) => result.code = ended.code,
        Err(error) if error.is_missing() => {
            return Err(RehearseError::NoAnsible { program: stage.program.to_owned() });
        }
        Err(error) => return Err(RehearseError::Ansible(error)),
    }
    Ok(result)
}

impl PlaybookResult {
    fn task(&mut self, line: Line) {
        self.tasks += 1;
        self.changed += usize::from(line.changed);
        if line.failed {
            self.failed.push(FailedTask { task: line.task, why: line.message });
        }
    }

    /// Reports whether the playbooks would run to their end.
    pub fn succeeded(&self) -> bool {
        self.code == Some(0) && self.failed.is_empty()
    }
}

impl Stage<'_> {
    fn invocation(&self) -> io::Result<Invocation> {
        let at = |name: &str| self.scratch.join(name);
        let folder = at(Workspace::ANSIBLE);
        copy(&self.workspace.ansible(), &folder)?;
        for folder in ["callbacks", "home"] {
            fs::create_dir(at(folder))?;
        }
        fs::write(at("callbacks/proxmox_mpc_lines.py"), include_str!("lines.py"))?;
        fs::write(at("authority.pem"), self.certificate)?;
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let invocation = Invocation::new(self.program)
            .arg("--limit")
            .arg("localhost")
            .arg(PLAYBOOK)
            .folder(&folder)
            .withhold("ANSIBLE_")
            .withhold("PROXMOX_VE_")
            .withhold("PROXMOX_MPC_CA_FILE")
            .withhold("REQUESTS_CA_BUNDLE")
            .keep("ANSIBLE_VAULT_PASSWORD_FILE") // the playbooks' secrets may be in a vault
            .env("ANSIBLE_CONFIG", text(folder.join("ansible.cfg")))
            .env("ANSIBLE_HOME", text(at("home"))) // otherwise it writes into the user's home
            .env("ANSIBLE_CALLBACK_PLUGINS", text(at("callbacks")))
            .env("ANSIBLE_STDOUT_CALLBACK", "proxmox_mpc_lines")
            .env("ANSIBLE_NOCOLOR", "1")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PROXMOX_VE_ENDPOINT", self.endpoint)
            .env("PROXMOX_MPC_CA_FILE", text(at("authority.pem")))
            .env("REQUESTS_CA_BUNDLE", text(at("authority.pem")));
        Ok(match &self.token {
            Some(token) => invocation.secret("PROXMOX_VE_API_TOKEN", token.clone()),
            None => invocation,
        })
    }
}

/// Copies a folder with everything in it. Links are followed.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &to)?;
        } else {
            fs::copy(&path, &to)?;
        }
    }
    Ok(())
}
