//! Scratch copy of the code, which uses the twin: without state, backend and values of variables.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use proxmox_mpc_code::RootModule;
use proxmox_mpc_code::quote::quoted;
use tempfile::TempDir;

use crate::workbench::WorkbenchError;

/// Temporary folder of mode 0700, which is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: TempDir,
}

/// The name of the override file. It sorts after all others, since Terraform lets the last one win.
const OVERRIDE: &str = "zz_proxmox_mpc_override.tf";
/// The SOCKS5 proxy for SSH: nothing listens there, and the provider's error names this address.
pub const NO_SSH: &str = "127.0.0.1:9";
/// The name of the file for `import` blocks that the user removed after they had been applied.
const IMPORTS: &str = "zz_proxmox_mpc_imports.tf";

impl Scratch {
    pub(crate) fn new() -> Result<Self, WorkbenchError> {
        let folder = tempfile::Builder::new().prefix("proxmox-mpc-").tempdir().map_err(WorkbenchError::Scratch)?;
        for part in ["code", "data"] {
            fs::create_dir(folder.path().join(part)).map_err(WorkbenchError::Scratch)?;
        }
        Ok(Self { folder })
    }

    /// The folder of the copied code.
    pub(crate) fn code(&self) -> PathBuf {
        self.folder.path().join("code")
    }

    /// The folder where Terraform keeps providers (`TF_DATA_DIR`).
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The folder for copies of other files.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// The file of the plan.
    pub(crate) fn plan(&self) -> PathBuf {
        self.folder.path().join("plan")
    }

    /// Copies the code in `from`. Other files that it may refer to (templates, modules) are linked.
    pub(crate) fn copy(&self, from: &Path) -> Result<(), WorkbenchError> {
        for entry in fs::read_dir(from).map_err(|source| WorkbenchError::read(from, source))? {
            let entry = entry.map_err(|source| WorkbenchError::read(from, source))?;
            let (path, name) = (entry.path(), entry.file_name());
            let to = self.code().join(&name);
            match role(&name.to_string_lossy()) {
                Role::Excluded => {}
                Role::Code if path.is_file() => {
                    fs::copy(&path, &to).map_err(WorkbenchError::Scratch)?;
                }
                Role::Code | Role::Other => {
                    let path = path.canonicalize().map_err(|source| WorkbenchError::read(&path, source))?;
                    link(&path, &to).map_err(WorkbenchError::Scratch)?;
                }
            }
        }
        Ok(())
    }

    /// Replaces the copied `.tf` files by these: the parts of them that are planned.
    pub(crate) fn select(&self, files: &BTreeMap<&str, String>) -> Result<(), WorkbenchError> {
        for entry in fs::read_dir(self.code()).map_err(WorkbenchError::Scratch)? {
            let path = entry.map_err(WorkbenchError::Scratch)?.path();
            if path.extension().is_some_and(|extension| extension == "tf") {
                fs::remove_file(&path).map_err(WorkbenchError::Scratch)?;
            }
        }
        let mut files = files.iter();
        files.try_for_each(|(name, text)| fs::write(self.code().join(name), text)).map_err(WorkbenchError::Scratch)
    }

    /// Points every provider block at `endpoint`, and replaces the backend by a local one. The token comes from the
    /// environment.
    ///
    /// Credentials in the code would win over the environment, and are unset. The certificate is not checked: the twin is in
    /// this process and listens on loopback only. The twin's answers have the real addresses of nodes, so that SSH is sent
    /// to a port where nothing listens.
    pub(crate) fn point_at(&self, endpoint: &str, code: &RootModule) -> Result<(), WorkbenchError> {
        let mut text = "terraform {\n  backend \"local\" {}\n}\n".to_owned();
        let mut plain = String::new();
        // Without a block in the code there is nothing to override: the block then goes into a file of its own.
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

    /// Adds `import` blocks, from addresses and ids.
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

/// Writes a provider block that connects to `endpoint` and nowhere else.
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

/// Role of a file in the user's folder.
#[derive(Debug, PartialEq, Eq)]
enum Role {
    /// Code, which is copied.
    Code,
    /// A file that code may refer to, which is linked.
    Other,
    /// State, values of variables, or a file that Terraform installed: not used here.
    Excluded,
}

fn role(name: &str) -> Role {
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    if name == ".terraform.lock.hcl" || ends(&[".tf", ".tf.json", ".tofu", ".tofu.json"]) {
        Role::Code
    } else if name.starts_with('.') || name.contains(".tfstate") || ends(&[".tfvars", ".tfvars.json"]) {
        Role::Excluded
    } else {
        Role::Other
    }
}
fn link(from: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(from, to)
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
        check("modules", Role::Other);
        check("cloud-init.yaml.tftpl", Role::Other);
        check(".terraform", Role::Excluded);
        check("terraform.tfstate", Role::Excluded);
        check("terraform.tfstate.1732.backup", Role::Excluded);
        check("secret.auto.tfvars", Role::Excluded);
        check("terraform.tfvars.json", Role::Excluded);
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
