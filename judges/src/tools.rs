//! Tools that checks need and a machine may lack; `PROXMOX_MPC_REQUIRE` says which of them must be there.

use serde::Serialize;

/// Environment variable with the names of required tools, separated by commas: `terraform,provider,ansible`.
pub const REQUIRE: &str = "PROXMOX_MPC_REQUIRE";

/// Tools that only `scripts/test` looks for. Their names may stand in the list as well.
const OF_THE_SCRIPT: [&str; 2] = ["cargo-deny", "shellcheck"];

/// A tool without which a test or a judge is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tool {
    /// Terraform or OpenTofu.
    Terraform,
    /// The provider `bpg/proxmox`, which Terraform installs from a registry or a mirror.
    Provider,
    /// Ansible with the packages of `scripts/ansible.txt`.
    Ansible,
    /// PostgreSQL's server and `psql`.
    Postgresql,
    /// The program `pre-commit`.
    #[serde(rename = "pre-commit")]
    PreCommit,
}

impl Tool {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Terraform, Self::Provider, Self::Ansible, Self::Postgresql, Self::PreCommit];

    /// Name in [`REQUIRE`].
    pub fn name(self) -> &'static str {
        match self {
            Self::Terraform => "terraform",
            Self::Provider => "provider",
            Self::Ansible => "ansible",
            Self::Postgresql => "postgresql",
            Self::PreCommit => "pre-commit",
        }
    }

    /// Reports whether the environment requires this tool.
    ///
    /// # Panics
    ///
    /// If the list holds a name that is no tool's: a typing error must not require nothing.
    pub fn is_required(self) -> bool {
        #[expect(clippy::disallowed_methods, reason = "the judges have no settings but this one")]
        let list = std::env::var(REQUIRE).unwrap_or_default();
        self.is_in(&list).unwrap_or_else(|unknown| panic!("{unknown}"))
    }

    /// Reports whether a list of names holds this tool.
    fn is_in(self, list: &str) -> Result<bool, UnknownTool> {
        let known: Vec<&str> = Self::ALL.map(Self::name).into_iter().chain(OF_THE_SCRIPT).collect();
        let names = || list.split(',').map(str::trim).filter(|name| !name.is_empty());
        match names().find(|name| !known.contains(name)) {
            Some(name) => Err(UnknownTool { name: name.to_owned(), known: known.join(", ") }),
            None => Ok(names().any(|name| name == self.name())),
        }
    }
}

/// A name in [`REQUIRE`] that is no tool's.
#[derive(Debug, thiserror::Error)]
#[error("{REQUIRE} names `{name}`, which is not one of {known}")]
struct UnknownTool {
    name: String,
    known: String,
}

/// A tool that this machine lacks.
#[derive(Clone, Debug, Serialize, thiserror::Error)]
#[error("{why}")]
pub struct Missing {
    /// The tool.
    pub tool: Tool,
    /// Reason why it is taken to be missing, as a sentence without its full stop.
    pub why: String,
}

impl Missing {
    /// A missing tool with the reason for which it is taken to be missing.
    pub fn new(tool: Tool, why: impl Into<String>) -> Self {
        Self { tool, why: why.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn required_tools_are_named_in_a_list() {
        let check = |list: &str, expected: &[Tool]| {
            for tool in Tool::ALL {
                assert_eq!(tool.is_in(list).unwrap(), expected.contains(&tool), "{list}: {tool:?}");
            }
        };
        check("", &[]);
        check("terraform", &[Tool::Terraform]);
        check("terraform, ansible,", &[Tool::Terraform, Tool::Ansible]);
        check("shellcheck,provider", &[Tool::Provider]);
        let error = Tool::Ansible.is_in("ansibel").unwrap_err().to_string();
        assert_eq!(
            error,
            "PROXMOX_MPC_REQUIRE names `ansibel`, which is not one of terraform, provider, ansible, postgresql, pre-commit, \
             cargo-deny, shellcheck"
        );
    }
}
