//! A copy of the code that points at the twin: no state, no backend, nobody's variables.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use proxmox_mpc_code::RootModule;
use proxmox_mpc_code::quote::quoted;
use tempfile::TempDir;

use crate::workbench::WorkbenchError;

/// A folder that is gone when this is dropped. Its mode is 0700.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: TempDir,
}

/// Sorts behind every other override file: the last one wins.
const OVERRIDE: &str = "zz_proxmox_mpc_override.tf";
/// Where SSH is led to: nothing listens there. The provider's complaint names it.
pub const NO_SSH: &str = "127.0.0.1:9";
/// The `import` blocks of objects whose own were removed after they had been applied.
const IMPORTS: &str = "zz_proxmox_mpc_imports.tf";

impl Scratch {
    pub(crate) fn new() -> Result<Self, WorkbenchError> {
        let folder = tempfile::Builder::new().prefix("proxmox-mpc-").tempdir().map_err(WorkbenchError::Scratch)?;
        for part in ["code", "data"] {
            fs::create_dir(folder.path().join(part)).map_err(WorkbenchError::Scratch)?;
        }
        Ok(Self { folder })
    }

    /// Where the copy of the code is.
    pub(crate) fn code(&self) -> PathBuf {
        self.folder.path().join("code")
    }

    /// Where Terraform keeps providers and the like.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A place for what is copied besides the code.
    pub(crate) fn beside(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Where the plan goes.
    pub(crate) fn plan(&self) -> PathBuf {
        self.folder.path().join("plan")
    }

    /// Copies the code in `from`; what it may refer to beside it (templates, modules) is linked.
    pub(crate) fn copy(&self, from: &Path) -> Result<(), WorkbenchError> {
        for entry in fs::read_dir(from).map_err(|source| WorkbenchError::read(from, source))? {
            let entry = entry.map_err(|source| WorkbenchError::read(from, source))?;
            let (path, name) = (entry.path(), entry.file_name());
            let to = self.code().join(&name);
            match role(&name.to_string_lossy()) {
                Role::LeftOut => {}
                Role::Code if path.is_file() => {
                    fs::copy(&path, &to).map_err(WorkbenchError::Scratch)?;
                }
                Role::Code | Role::Beside => {
                    let path = path.canonicalize().map_err(|source| WorkbenchError::read(&path, source))?;
                    link(&path, &to).map_err(WorkbenchError::Scratch)?;
                }
            }
        }
        Ok(())
    }

    /// Points every block of the provider at `endpoint`, whose token comes by the environment, and takes any backend
    /// away.
    ///
    /// What the code sets of the credentials would win over the environment, and is unset. The certificate is not
    /// checked: the twin is in this process and listens on loopback only. The addresses of the nodes are the cluster's
    /// own, so that SSH is led to a port where nothing listens.
    pub(crate) fn point_at(&self, endpoint: &str, code: &RootModule) -> Result<(), WorkbenchError> {
        let mut text = "terraform {\n  backend \"local\" {}\n}\n".to_owned();
        let mut plain = String::new();
        // An override needs something to override.
        provider(if code.has_provider { &mut text } else { &mut plain }, endpoint, None);
        for alias in &code.aliases {
            provider(&mut text, endpoint, Some(alias));
        }
        fs::write(self.code().join(OVERRIDE), text).map_err(WorkbenchError::Scratch)?;
        if plain.is_empty() {
            return Ok(());
        }
        fs::write(self.code().join("zz_proxmox_mpc.tf"), plain).map_err(WorkbenchError::Scratch)
    }

    /// Adds `import` blocks: addresses and the ids to import them by.
    pub(crate) fn import(&self, imports: &[(&str, &str)]) -> Result<(), WorkbenchError> {
        if imports.is_empty() {
            return Ok(());
        }
        let mut text = String::new();
        for (address, id) in imports {
            let id = quoted(id);
            writeln!(text, "import {{\n  to = {address}\n  id = {id}\n}}").expect("writing to a string cannot fail");
        }
        fs::write(self.code().join(IMPORTS), text).map_err(WorkbenchError::Scratch)
    }
}

/// A block of the provider that leads to `endpoint` and nowhere else.
fn provider(text: &mut String, endpoint: &str, alias: Option<&str>) {
    let unset = ["api_token", "username", "password", "auth_ticket", "csrf_prevention_token", "min_tls"];
    text.push_str("\nprovider \"proxmox\" {\n");
    if let Some(alias) = alias {
        let alias = quoted(alias);
        writeln!(text, "  alias = {alias}").expect("writing to a string cannot fail");
    }
    writeln!(text, "  endpoint = \"{endpoint}\"\n  insecure = true").expect("writing to a string cannot fail");
    for name in unset {
        writeln!(text, "  {name} = null").expect("writing to a string cannot fail");
    }
    text.push_str("  ssh {\n    agent         = false\n    username      = \"nobody\"\n    password      = \"none\"\n");
    writeln!(text, "    socks5_server = \"{NO_SSH}\"\n  }}\n}}").expect("writing to a string cannot fail");
}

/// What becomes of a file of the user's folder.
#[derive(Debug, PartialEq, Eq)]
enum Role {
    /// It is copied.
    Code,
    /// It is linked.
    Beside,
    /// It has no place here: state, values of variables, what Terraform installed.
    LeftOut,
}

fn role(name: &str) -> Role {
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    if name == ".terraform.lock.hcl" || ends(&[".tf", ".tf.json", ".tofu", ".tofu.json"]) {
        Role::Code
    } else if name.starts_with('.') || name.contains(".tfstate") || ends(&[".tfvars", ".tfvars.json"]) {
        Role::LeftOut
    } else {
        Role::Beside
    }
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(from, to)
}

#[cfg(windows)]
fn link(from: &Path, to: &Path) -> io::Result<()> {
    if from.is_dir() {
        std::os::windows::fs::symlink_dir(from, to)
    } else {
        std::os::windows::fs::symlink_file(from, to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_is_copied() {
        let check = |name: &str, expected: Role| assert_eq!(role(name), expected, "{name}");
        check("vms.tf", Role::Code);
        check(".terraform.lock.hcl", Role::Code);
        check("more.tf.json", Role::Code);
        check("modules", Role::Beside);
        check("cloud-init.yaml.tftpl", Role::Beside);
        check(".terraform", Role::LeftOut);
        check("terraform.tfstate", Role::LeftOut);
        check("terraform.tfstate.1732.backup", Role::LeftOut);
        check("secret.auto.tfvars", Role::LeftOut);
        check("terraform.tfvars.json", Role::LeftOut);
    }

    #[test]
    fn a_copy_has_no_state_and_an_override() {
        let from = tempfile::tempdir().unwrap();
        fs::create_dir(from.path().join("modules")).unwrap();
        for name in ["main.tf", "terraform.tfstate", "a.tfvars", "modules/x.tf"] {
            fs::write(from.path().join(name), name).unwrap();
        }
        let scratch = Scratch::new().unwrap();
        scratch.copy(from.path()).unwrap();
        let code = RootModule { has_provider: true, aliases: ["b".to_owned()].into(), ..RootModule::default() };
        scratch.point_at("https://127.0.0.1:1/", &code).unwrap();
        let text = fs::read_to_string(scratch.code().join(OVERRIDE)).unwrap();
        assert_eq!(text.matches("endpoint = \"https://127.0.0.1:1/\"").count(), 2, "{text}");
        scratch.import(&[("a.b", "it's \"1\"")]).unwrap();
        let mut names: Vec<_> = fs::read_dir(scratch.code())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["main.tf", "modules", IMPORTS, OVERRIDE]);
        let imports = fs::read_to_string(scratch.code().join(IMPORTS)).unwrap();
        assert_eq!(imports, "import {\n  to = a.b\n  id = \"it's \\\"1\\\"\"\n}\n");
    }
}
