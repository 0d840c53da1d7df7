//! A copy of the code that points at the twin: no state, no backend, nobody's variables.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::verify::VerifyError;

/// A folder that is gone when this is dropped. Its mode is 0700.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: TempDir,
}

/// Sorts behind every other override file: the last one wins.
const OVERRIDE: &str = "zz_proxmox_mpc_override.tf";
/// The `import` blocks of objects whose own were removed after they had been applied.
const IMPORTS: &str = "zz_proxmox_mpc_imports.tf";

impl Scratch {
    pub(super) fn new() -> Result<Self, VerifyError> {
        let folder = tempfile::Builder::new().prefix("proxmox-mpc-").tempdir().map_err(VerifyError::Scratch)?;
        for part in ["code", "data"] {
            fs::create_dir(folder.path().join(part)).map_err(VerifyError::Scratch)?;
        }
        Ok(Self { folder })
    }

    /// Where the copy of the code is.
    pub(super) fn code(&self) -> PathBuf {
        self.folder.path().join("code")
    }

    /// Where Terraform keeps providers and the like.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Where the plan goes.
    pub(super) fn plan(&self) -> PathBuf {
        self.folder.path().join("plan")
    }

    /// Copies the code in `from`; what it may refer to beside it (templates, modules) is linked.
    pub(super) fn copy(&self, from: &Path) -> Result<(), VerifyError> {
        for entry in fs::read_dir(from).map_err(|source| VerifyError::read(from, source))? {
            let entry = entry.map_err(|source| VerifyError::read(from, source))?;
            let (path, name) = (entry.path(), entry.file_name());
            let to = self.code().join(&name);
            match role(&name.to_string_lossy()) {
                Role::LeftOut => {}
                Role::Code if path.is_file() => {
                    fs::copy(&path, &to).map_err(VerifyError::Scratch)?;
                }
                Role::Code | Role::Beside => {
                    let path = path.canonicalize().map_err(|source| VerifyError::read(&path, source))?;
                    link(&path, &to).map_err(VerifyError::Scratch)?;
                }
            }
        }
        Ok(())
    }

    /// Points the provider at `endpoint`, whose token comes by the environment, and takes any backend away.
    ///
    /// What the code sets of the credentials would win over the environment, and is unset. The certificate is not
    /// checked: the twin is in this process and listens on loopback only.
    pub(super) fn point_at(&self, endpoint: &str, provider: bool) -> Result<(), VerifyError> {
        let unset = ["api_token", "username", "password", "auth_ticket", "csrf_prevention_token", "min_tls"];
        let mut text = format!(
            "terraform {{\n  backend \"local\" {{}}\n}}\n\nprovider \"proxmox\" {{\n  endpoint = \"{endpoint}\"\n  insecure = true\n"
        );
        for name in unset {
            writeln!(text, "  {name} = null").expect("writing to a string cannot fail");
        }
        text.push_str("}\n");
        // An override needs something to override.
        let name = if provider { OVERRIDE } else { "zz_proxmox_mpc.tf" };
        fs::write(self.code().join(name), text).map_err(VerifyError::Scratch)
    }

    /// Adds `import` blocks: addresses and the ids to import them by.
    pub(super) fn import(&self, imports: &[(&str, &str)]) -> Result<(), VerifyError> {
        if imports.is_empty() {
            return Ok(());
        }
        let mut text = String::new();
        for (address, id) in imports {
            let id = hcl_edit::expr::Expression::from(*id);
            writeln!(text, "import {{\n  to = {address}\n  id = {id}\n}}").expect("writing to a string cannot fail");
        }
        fs::write(self.code().join(IMPORTS), text).map_err(VerifyError::Scratch)
    }
}

/// What becomes of a file of the user's folder.
#[derive(Debug, PartialEq, Eq)]
enum Role {
    /// It is copied.
    Code,
    /// It is linked.
    Beside,
    /// It has no place in a proof: state, values of variables, what Terraform installed.
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
        scratch.point_at("https://127.0.0.1:1/", true).unwrap();
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
