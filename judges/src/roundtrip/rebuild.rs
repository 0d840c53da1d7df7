//! Rebuilding: applies generated code to an empty twin as `docs/rebuild.md` says, and imports the result.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use proxmox_mpc_twin::server::{AgentPolicy, Options};
use proxmox_mpc_twin::{Credentials, Empty, Recording};
use secrecy::ExposeSecret as _;
use serde::Deserialize as _;
use serde_json::json;

use super::edits::{keep_imports, placeholders};
use super::workspace::{Program, Workspace};
use crate::network::{Network, options};
use crate::terraform::{Terraform, errors};
use crate::tools::Missing;
use crate::{JudgeError, programs};

/// Programs and the folder of one rebuilding.
pub(super) struct Rebuild<'r> {
    pub(super) program: &'r Program,
    pub(super) terraform: &'r Path,
    pub(super) playbook: &'r Path,
    /// Folder of the workspaces and of the log.
    pub(super) folder: &'r Path,
}

impl Rebuild<'_> {
    /// Imports a recording into a folder of this name.
    pub(super) fn import(&self, name: &str, arguments: &[String]) -> Result<Workspace, JudgeError> {
        Workspace::import(self.program, &self.folder.join(name), arguments, &BTreeMap::new(), &self.log())
    }

    /// Applies the code to an empty twin of the recording: the errors, and the workspace that an import makes of the result.
    pub(super) fn run(
        &self,
        recording: &Path,
        before: &Workspace,
    ) -> Result<Result<(Vec<String>, Workspace), Missing>, JudgeError> {
        let network = Network::new(Duration::from_mins(1))?;
        let (credentials, password) = root()?;
        let answers = Arc::new(Empty::of(Recording::open(recording)?)?);
        // No system was installed on the disks of new guests: nobody is to wait for an agent inside.
        let options = Options { agent: AgentPolicy::RefuseUnlessUsable, ..options(credentials) };
        let twin = network.serve(answers, options)?;
        let environment: BTreeMap<String, String> = [
            ("PROXMOX_VE_ENDPOINT", format!("{}/", twin.endpoint)),
            ("PROXMOX_VE_INSECURE", "true".to_owned()),
            ("PROXMOX_VE_USERNAME", "root@pam".to_owned()),
            ("PROXMOX_VE_PASSWORD", password),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let import =
            |name: &str| Workspace::import(self.program, &self.folder.join(name), &[], &environment, &self.log());
        let empty = import("empty")?;
        keep_imports(before, &empty)?;
        let variables = environment.iter().map(|(name, value)| (name.clone(), value.clone()));
        let variables = variables.chain(placeholders(before, &empty)?).collect();
        match self.apply(before, &variables)? {
            Ok(errors) => Ok(Ok((errors, import("after")?))),
            Err(missing) => Ok(Err(missing)),
        }
    }

    /// Runs Terraform and Ansible twice: references to objects that the other one makes fail at first.
    fn apply(
        &self,
        before: &Workspace,
        variables: &BTreeMap<String, String>,
    ) -> Result<Result<Vec<String>, Missing>, JudgeError> {
        let patience = Duration::from_mins(10);
        let code = before.folder.join("terraform");
        let terraform = Terraform::new(self.terraform, &code, variables, &self.log(), patience);
        let ansible = before.folder.join("ansible");
        let config = [("ANSIBLE_CONFIG".to_owned(), ansible.join("ansible.cfg").display().to_string())];
        let playbook = programs::Program::new(self.playbook, &ansible)
            .arguments(["playbooks/site.yml"])
            .environment(variables)
            .environment(&config.into());
        if let Err(missing) = terraform.init()? {
            return Ok(Err(missing));
        }
        terraform.run(&["apply", "-auto-approve"])?;
        playbook.run(&self.log())?;
        let applied = terraform.run(&["apply", "-auto-approve"])?;
        let played = playbook.run(&self.log())?;
        let applied = if applied.code == 0 { Vec::new() } else { errors(&applied.output) };
        let played = if played.code == 0 { Vec::new() } else { failures(&played.output) };
        Ok(Ok([applied, played].concat()))
    }

    fn log(&self) -> PathBuf {
        self.folder.join("output.log")
    }
}

/// A login of root with a password that nobody has seen before: some options are root's alone, and refused to a token.
fn root() -> Result<(Credentials, String), JudgeError> {
    let fresh = Credentials::fresh().token();
    let password = fresh.map(|token| token.expose_secret().to_owned()).unwrap_or_default();
    let form = |source| JudgeError::Form { name: "the logins of the twin".to_owned(), source };
    let credentials = Credentials::deserialize(json!({ "passwords": { "root@pam": password } })).map_err(form)?;
    Ok((credentials, password))
}

/// The lines in which Ansible reports failures.
fn failures(output: &str) -> Vec<String> {
    let starts = ["fatal", "failed", "ERROR"];
    let lines = output.lines().filter(|line| starts.iter().any(|start| line.starts_with(start)));
    lines.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_ansible_are_lines() {
        let check = |output: &str, expected: &[&str]| assert_eq!(failures(output), expected, "{output}");
        check("ok: [a]\nfatal: [a]: FAILED! => {}\n", &["fatal: [a]: FAILED! => {}"]);
        check("failed: [a] (item=b)\n", &["failed: [a] (item=b)"]);
        check("ERROR! no playbook\n", &["ERROR! no playbook"]);
        check("a : ok=1 failed=0\n", &[]);
    }

    #[test]
    fn root_logs_in_with_a_password() {
        let (credentials, password) = root().unwrap();
        assert_eq!(credentials.names().collect::<Vec<_>>(), ["root@pam"]);
        assert!(password.len() > 30);
    }
}
