//! Layout: the one place that knows where things are in a workspace.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use proxmox_mpc_generators::Manifest;

use super::{WorkspaceError, path};

/// A workspace: the folder of generated code, with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    root: PathBuf,
}

/// The beginning of the names of folders that an operation writes before they get their place. Those that a killed one left
/// are removed by the next.
const UNFINISHED: &str = "unfinished-";

/// Keeps git away from the private folder, whatever other `.gitignore` there is.
const IGNORE: &str = "# Recordings of the cluster, copies and locks: nothing for others.\n*\n";

impl Workspace {
    /// The addresses of all objects, relative to the workspace.
    pub const MANIFEST: &str = "manifest.json";
    /// The folder of Terraform's code, relative to the workspace.
    pub const TERRAFORM: &str = "terraform";
    /// The folder of Ansible's roles, playbooks and inventory, relative to the workspace.
    pub const ANSIBLE: &str = "ansible";
    /// The settings without secrets, relative to the workspace.
    pub const SETTINGS: &str = "proxmox-mpc.toml";
    /// The folder of what is not for others (recordings, copies, locks), relative to the workspace.
    pub const PRIVATE: &str = ".proxmox-mpc";

    /// The workspace in this folder, which need not be there yet.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        Self { root: if root.as_os_str().is_empty() { PathBuf::from(".") } else { root } }
    }

    /// The workspace that this folder is in: the nearest folder, from it upwards, with a settings file or a manifest of
    /// ours. Where there is none, the folder itself.
    ///
    /// A folder that is a link is in the workspace that it leads to. A file above that belongs to another user than the
    /// folder is passed over: in `/tmp` nobody else decides where somebody's login is sent.
    pub fn around(folder: &Path) -> Self {
        let here = Self::at(folder);
        if here.marker().is_some() {
            return here;
        }
        // Of `lab/../other`, `lab` is no folder above.
        let Ok(real) = fs::canonicalize(here.root()) else { return here };
        let ours = |above: &Self| above.marker().is_some_and(|marker| same_owner(&marker, &real));
        real.ancestors().skip(1).map(Self::at).find(ours).unwrap_or(here)
    }

    /// The file that makes a folder a workspace: the settings, or the manifest. Other programs have files called
    /// `manifest.json` too.
    fn marker(&self) -> Option<PathBuf> {
        let (settings, manifest) = (self.settings(), self.manifest());
        if settings.is_file() {
            return Some(settings);
        }
        let text = fs::read_to_string(&manifest).ok()?;
        Manifest::parse(&text).is_ok().then_some(manifest)
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

    /// The folder of Ansible's roles, playbooks and inventory.
    pub fn ansible(&self) -> PathBuf {
        self.root.join(Self::ANSIBLE)
    }

    /// The settings without secrets.
    pub fn settings(&self) -> PathBuf {
        self.root.join(Self::SETTINGS)
    }

    /// The recording that the last import made.
    pub fn recording(&self) -> PathBuf {
        self.private().join("recordings/latest")
    }

    /// The folder of what is not for others.
    pub fn private(&self) -> PathBuf {
        self.root.join(Self::PRIVATE)
    }

    /// The file that keeps git away from the private folder, and its text.
    pub(super) fn ignore(&self) -> (PathBuf, &'static str) {
        (self.private().join(".gitignore"), IGNORE)
    }

    /// The journal of a change that is under way.
    pub(super) fn journal(&self) -> PathBuf {
        self.private().join("unfinished.json")
    }

    /// The folder where files are written before they get their names; on the same disk, so that a rename is enough.
    pub(super) fn staging(&self) -> PathBuf {
        self.private().join("staging")
    }

    /// The folder of copies of the overwritten files; `name` is the time of the operation.
    pub(super) fn backup(&self, name: &str) -> PathBuf {
        self.private().join("backup").join(name)
    }

    /// The file of the lock, once the workspace is there.
    pub(super) fn lock(&self) -> PathBuf {
        self.private().join("lock")
    }

    /// The file of the lock while the workspace is not there yet. Its parent has to be.
    pub(super) fn outer_lock(&self) -> Result<PathBuf, WorkspaceError> {
        self.beside("lock")
    }

    /// A file of the workspace by its relative path, which must not lead out of it.
    pub(super) fn file(&self, relative: &str) -> Result<PathBuf, WorkspaceError> {
        path::inside(&self.root, relative)
    }

    /// Makes the private folder where it is not there.
    pub(crate) fn make_private(&self) -> Result<(), WorkspaceError> {
        let folder = self.private();
        let failed = |source| WorkspaceError::io("write", &folder, source);
        fs::create_dir_all(&folder).map_err(failed)?;
        let (path, text) = self.ignore();
        if fs::symlink_metadata(&path).is_err() {
            fs::write(&path, text).map_err(failed)?;
        }
        Ok(())
    }

    /// The hidden path beside the workspace that is called after it: `.lab.lock` beside `lab`. The parent has to be there.
    fn beside(&self, what: &str) -> Result<PathBuf, WorkspaceError> {
        let parent = match self.root.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        if !parent.is_dir() {
            return Err(WorkspaceError::NoParent { path: parent.to_owned() });
        }
        let name = self.root.file_name().unwrap_or_default().to_string_lossy();
        Ok(parent.join(format!(".{name}.{what}")))
    }

    /// A new folder for what is not finished, on the disk of the workspace, so that a rename is enough: in the workspace
    /// where that is there, since nobody needs to be able to write beside it then, and beside it otherwise.
    pub fn unfinished(&self) -> Result<tempfile::TempDir, WorkspaceError> {
        if !self.root.is_dir() {
            let (parent, prefix) = split(&self.beside(UNFINISHED)?);
            return new_folder(tempfile::Builder::new().prefix(&prefix), &parent);
        }
        self.make_private()?;
        new_folder(tempfile::Builder::new().prefix(&format!(".{UNFINISHED}")), &self.private())
    }

    /// A new folder beside the workspace that is to become the workspace.
    pub(super) fn new_root(&self) -> Result<tempfile::TempDir, WorkspaceError> {
        let (parent, prefix) = split(&self.beside(UNFINISHED)?);
        let mut builder = tempfile::Builder::new();
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777)); // Less the user's mask, as `mkdir` does.
        new_folder(builder.prefix(&prefix), &parent)
    }

    /// Removes the unfinished folders of operations that were killed. Only for whoever holds the lock.
    pub fn clean(&self) -> Result<(), WorkspaceError> {
        remove(&self.private(), &format!(".{UNFINISHED}"))?;
        let (parent, prefix) = split(&self.beside(UNFINISHED)?);
        remove(&parent, &prefix)
    }
}

fn new_folder(builder: &tempfile::Builder<'_, '_>, parent: &Path) -> Result<tempfile::TempDir, WorkspaceError> {
    builder.tempdir_in(parent).map_err(|source| WorkspaceError::io("write", parent, source))
}

/// The folder and the name of a path.
fn split(path: &Path) -> (PathBuf, String) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    (path.parent().unwrap_or(Path::new(".")).to_owned(), name)
}

/// Removes the folders in `folder` whose names have this beginning.
fn remove(folder: &Path, prefix: &str) -> Result<(), WorkspaceError> {
    let failed = |source| WorkspaceError::io("remove", folder, source);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(failed(source)),
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            fs::remove_dir_all(entry.path()).map_err(|source| WorkspaceError::io("remove", &entry.path(), source))?;
        }
    }
    Ok(())
}

/// Reports whether two files belong to the same user.
fn same_owner(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    matches!((fs::metadata(one), fs::metadata(other)), (Ok(one), Ok(other)) if one.uid() == other.uid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_is_found_from_a_folder_in_it() {
        let parent = tempfile::tempdir().unwrap();
        let parent = fs::canonicalize(parent.path()).unwrap();
        let at = |path: &str| parent.join(path);
        for folder in ["lab/terraform/modules", "other/sub", "plain"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        fs::write(at("lab/manifest.json"), Manifest::default().render()).unwrap();
        fs::write(at("other/manifest.json"), "{\"name\": \"a browser extension\"}").unwrap();
        let check = |folder: &str, expected: &str| {
            assert_eq!(Workspace::around(&at(folder)).root(), at(expected), "{folder}");
        };
        check("lab", "lab");
        check("lab/terraform/modules", "lab");
        check("lab/terraform/../../plain", "lab/terraform/../../plain");
        check("other/sub", "other/sub");
        check("plain", "plain");
        check("new", "new");
        std::os::unix::fs::symlink(at("lab/terraform"), at("code")).unwrap();
        std::os::unix::fs::symlink(at("lab"), at("other/link")).unwrap();
        std::os::unix::fs::symlink(at("plain"), at("lab/plain")).unwrap();
        check("code/modules", "lab");
        check("code", "lab");
        check("other/link", "other/link");
        check("lab/plain", "lab/plain");
        fs::write(at("plain/proxmox-mpc.toml"), "").unwrap();
        check("plain", "plain");
    }
}
