//! Layout: the one place that knows where things are in a workspace.

use std::path::{Path, PathBuf};

use proxmox_mpc_generators::Manifest;

use super::PRIVATE;

/// A workspace: the folder of generated code, with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The addresses of all objects, relative to the workspace.
    pub const MANIFEST: &str = "manifest.json";
    /// The folder of Terraform's code, relative to the workspace.
    pub const TERRAFORM: &str = "terraform";
    /// The settings without secrets, relative to the workspace.
    pub const SETTINGS: &str = "proxmox-mpc.toml";
    /// The recording that the last import made, relative to the workspace.
    pub const RECORDING: &str = ".proxmox-mpc/recordings/latest";

    /// The workspace in this folder, which need not be there yet.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The workspace that this folder is in: the nearest folder, from it upwards, with a settings file or a manifest of
    /// ours. Where there is none, the folder itself.
    pub fn around(folder: &Path) -> Self {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        if is_workspace(folder) {
            return Self::at(folder);
        }
        let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let root = absolute.ancestors().skip(1).find(|ancestor| is_workspace(ancestor));
        Self::at(root.unwrap_or(folder))
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The manifest.
    pub fn manifest(&self) -> PathBuf {
        self.root.join(Self::MANIFEST)
    }

    /// The folder of Terraform's code.
    pub fn terraform(&self) -> PathBuf {
        self.root.join(Self::TERRAFORM)
    }

    /// The settings without secrets.
    pub fn settings(&self) -> PathBuf {
        self.root.join(Self::SETTINGS)
    }

    /// The recording that the last import made.
    pub fn recording(&self) -> PathBuf {
        self.root.join(Self::RECORDING)
    }

    /// The folder of what is not for others: recordings, copies, locks.
    pub fn private(&self) -> PathBuf {
        self.root.join(PRIVATE)
    }
}

/// Other programs have files called `manifest.json` as well.
fn is_workspace(folder: &Path) -> bool {
    let manifest = || std::fs::read_to_string(folder.join(Workspace::MANIFEST)).ok();
    folder.join(Workspace::SETTINGS).is_file() || manifest().is_some_and(|text| Manifest::parse(&text).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_is_found_from_a_folder_in_it() {
        let parent = tempfile::tempdir().unwrap();
        let at = |path: &str| parent.path().join(path);
        for folder in ["lab/terraform/modules", "other/sub", "plain"] {
            std::fs::create_dir_all(at(folder)).unwrap();
        }
        std::fs::write(at("lab/manifest.json"), Manifest::default().render()).unwrap();
        std::fs::write(at("other/manifest.json"), "{\"name\": \"a browser extension\"}").unwrap();
        let check = |folder: &str, expected: &str| {
            assert_eq!(Workspace::around(&at(folder)).root(), at(expected), "{folder}");
        };
        check("lab", "lab");
        check("lab/terraform/modules", "lab");
        check("other/sub", "other/sub");
        check("plain", "plain");
        std::fs::write(at("plain/proxmox-mpc.toml"), "").unwrap();
        check("plain", "plain");
    }
}
