//! The workspace's playbooks against the same twin, from a copy of them, for the plays that speak to the API only.

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

/// What came of the playbooks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Played {
    /// How many tasks ran.
    pub tasks: usize,
    /// How many of them would change something.
    pub changed: usize,
    /// Those that would fail.
    pub failed: Vec<FailedTask>,
    /// Ansible's own exit code.
    pub code: Option<i32>,
    /// What it says where no task tells why it failed.
    pub complaint: String,
}

/// A task that would fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailedTask {
    /// Its name.
    pub task: String,
    /// Why.
    pub why: String,
}

/// Where a play is heard and what it is told.
pub(super) struct Stage<'a> {
    /// `ansible-playbook`.
    pub(super) program: &'a Path,
    /// The workspace.
    pub(super) workspace: &'a Workspace,
    /// A folder that is gone afterwards.
    pub(super) scratch: &'a Path,
    /// Where the twin is.
    pub(super) endpoint: &'a str,
    /// Its certificate, as PEM.
    pub(super) certificate: &'a str,
    /// The login.
    pub(super) token: Option<SecretString>,
}

/// The playbook of all playbooks, relative to Ansible's folder.
const PLAYBOOK: &str = "playbooks/site.yml";

#[derive(Deserialize)]
struct Line {
    task: String,
    changed: bool,
    failed: bool,
    message: String,
}

/// Refuses before anything has run where there is nothing to play.
pub(super) fn check(workspace: &Workspace) -> Result<(), RehearseError> {
    let path = workspace.ansible().join(PLAYBOOK);
    if path.is_file() { Ok(()) } else { Err(RehearseError::NoPlaybook { path }) }
}

/// Plays them. Nothing but `localhost` is played, which is where the API is asked from: other hosts are real.
pub(super) fn play(stage: &Stage<'_>, context: &Context) -> Result<Played, RehearseError> {
    let step = Step::start(context, StepKind::RehearsePlaybooks);
    let context = step.context();
    let invocation = stage.invocation().map_err(|source| {
        let path = stage.workspace.ansible();
        RehearseError::Copy { path, source }
    })?;
    let mut played = Played::default();
    let name = invocation.name();
    let ended = process::run(&invocation, &context, |stream, line| {
        if let Ok(line) = serde_json::from_str::<Line>(&line) {
            played.task(line);
        } else if !line.trim().is_empty() {
            if stream == Stream::Error && line.contains("ERROR") {
                line.trim().clone_into(&mut played.complaint);
            }
            context.event(EventKind::Text { program: name.clone(), line });
        }
    });
    match ended {
        Ok(ended) => played.code = ended.code,
        Err(error) if error.is_missing() => {
            return Err(RehearseError::NoAnsible { program: stage.program.to_owned() });
        }
        Err(error) => return Err(RehearseError::Ansible(error)),
    }
    Ok(played)
}

impl Played {
    fn task(&mut self, line: Line) {
        self.tasks += 1;
        self.changed += usize::from(line.changed);
        if line.failed {
            self.failed.push(FailedTask { task: line.task, why: line.message });
        }
    }

    /// Whether the playbooks would run to their end.
    pub fn succeeded(&self) -> bool {
        self.code == Some(0) && self.failed.is_empty()
    }
}

impl Stage<'_> {
    fn invocation(&self) -> io::Result<Invocation> {
        let at = |name: &str| self.scratch.join(name);
        let folder = at(Workspace::ANSIBLE);
        copy(&self.workspace.ansible(), &folder)?;
        for made in ["callbacks", "home"] {
            fs::create_dir(at(made))?;
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
            .keep("ANSIBLE_VAULT_PASSWORD_FILE") // Secrets of the playbooks may be in a vault.
            .env("ANSIBLE_CONFIG", text(folder.join("ansible.cfg")))
            .env("ANSIBLE_HOME", text(at("home"))) // Else it writes into the user's.
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

/// Copies a folder with everything in it; a link is copied as what it points to.
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
