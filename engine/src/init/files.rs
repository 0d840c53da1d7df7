//! Files of a new workspace: settings, what git ignores, the page for people, and the secret that was typed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use proxmox_mpc_generators::Manifest;
use secrecy::ExposeSecret as _;

use super::request::{FileResult, InitFile, TrustReport};
use super::typed_secret::{Typed, secret_file};
use super::{InitError, relative};
use crate::operation::Failure;
use crate::settings::{Connection, Endpoint, Fingerprint, SecretSource, SettingsEditor, Value, World};
use crate::workspace::{self, FileSet, Workspace};

/// The name of the page for people. An import replaces it by its own, as long as nobody has edited it.
const README: &str = "README.md";

/// The number of names that a message shows of a folder.
const SHOWN: usize = 8;

/// Everything that is to be written.
pub(super) struct Plan {
    pub(super) endpoints: Vec<String>,
    pub(super) trust: TrustReport,
    pub(super) connection: Connection,
    pub(super) typed: Option<Typed>,
}

/// The files that were written.
pub(super) struct Written {
    pub(super) files: Vec<InitFile>,
    /// The place of the secret, if it was written.
    pub(super) secret: Option<SecretSource>,
    pub(super) notices: Vec<String>,
}

/// Refuses a folder that cannot be written to, before anybody is asked anything.
pub(super) fn check_writable(folder: &Path) -> Result<(), InitError> {
    if folder.exists() && !folder.is_dir() {
        return Err(InitError::NotAFolder { path: folder.to_owned() });
    }
    let parents = folder.ancestors().map(|path| if path.as_os_str().is_empty() { Path::new(".") } else { path });
    let Some(existing) = parents.into_iter().find(|path| path.exists()) else { return Ok(()) };
    if !existing.is_dir() {
        return Err(InitError::NotAFolder { path: existing.to_owned() });
    }
    // The file has no name, and is gone when it is closed.
    let written = tempfile::tempfile_in(existing);
    written.map(drop).map_err(|source| InitError::Unwritable { folder: existing.to_owned(), source })
}

/// The first names in a folder, sorted; what belongs to git and pages for people do not count.
pub(super) fn content(folder: &Path) -> Result<Vec<String>, InitError> {
    let failed = |source| InitError::File { action: "read", path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(failed(source)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        let is_page = ["README", "LICENSE", ".git"].iter().any(|beginning| name.starts_with(beginning));
        if !is_page && name != Workspace::PRIVATE {
            names.push(name);
        }
    }
    names.sort();
    if names.len() > SHOWN {
        let more = names.len() - SHOWN;
        names.truncate(SHOWN);
        names.push(format!("{more} more"));
    }
    Ok(names)
}

impl Plan {
    /// Writes all files. The secret comes first, and the settings file last: it is what makes the folder a workspace.
    pub(super) fn write(self, workspace: &Workspace, world: &World<'_>) -> Result<Written, Failure> {
        let root = workspace.root();
        fs::create_dir_all(root).map_err(|source| InitError::File {
            action: "write",
            path: root.to_owned(),
            source,
        })?;
        workspace.make_private()?;
        let mut written = Written { files: Vec::new(), secret: None, notices: Vec::new() };
        if let Some(typed) = &self.typed {
            let path = root.join(secret_file(typed.setting));
            write_secret(&path, typed)?;
            written.secret = Some(SecretSource::File { path });
        }
        let mut put = |name: &str, text: &str| -> Result<FileResult, InitError> {
            let result = write_new(&root.join(name), text)?;
            written.files.push(InitFile { path: name.to_owned(), result });
            Ok(result)
        };
        put(".gitignore", IGNORE)?;
        if !workspace.manifest().exists() && put(README, PAGE)? == FileResult::Written {
            // The manifest knows the page as ours, so that the first import may replace it.
            let files: FileSet = BTreeMap::from([(README.to_owned(), PAGE.to_owned())]);
            let manifest = Manifest { files: workspace::hashes(&files), ..Manifest::default() };
            put(Workspace::MANIFEST, &manifest.render())?;
        }
        self.write_settings(workspace, world, &mut written)?;
        written.files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(written)
    }

    /// Writes what is no secret: into the workspace's file, and into the user's what a workspace may not say.
    fn write_settings(&self, workspace: &Workspace, world: &World<'_>, written: &mut Written) -> Result<(), Failure> {
        let mut editor = SettingsEditor::of_workspace(workspace.settings(), world)?;
        let is_new = !editor.is_there();
        // What means the same stays as somebody wrote it.
        if parsed::<Endpoint>(&editor.texts("endpoints")) != parsed(&self.endpoints) {
            editor.set(&["endpoints"], &Value::List(self.endpoints.clone()));
        }
        let pinned = parsed::<Fingerprint>(&editor.texts("fingerprints"));
        let mut set = |key: &str, value: Value| editor.set(&[key], &value);
        match &self.trust {
            TrustReport::Pinned { fingerprints, .. } if pinned != parsed(fingerprints) => {
                set("fingerprints", Value::List(fingerprints.clone()));
            }
            TrustReport::Authorities { file } => {
                let path = relative(file, workspace.root());
                if path.is_absolute() {
                    written
                        .notices
                        .push(format!("`ca_file` names {}, which other computers may not have", path.display()));
                }
                set("ca_file", Value::Path(path));
            }
            TrustReport::Pinned { .. } | TrustReport::System | TrustReport::Unchecked => {}
        }
        if let Some(username) = &self.connection.username {
            set("username", Value::Text(username.clone()));
        }
        if let Some(typed) = &self.typed {
            set(typed.setting, Value::Path(secret_file(typed.setting).into()));
        }
        let mut own = Vec::new();
        let files =
            [("api_token_file", &self.connection.api_token_file), ("password_file", &self.connection.password_file)];
        for (key, path) in files.into_iter().filter_map(|(key, path)| Some((key, path.as_ref()?))) {
            let path = relative(path, workspace.root());
            if path.is_absolute() { own.push((key, Value::Path(path))) } else { set(key, Value::Path(path)) }
        }
        let commands = [
            ("api_token_command", &self.connection.api_token_command),
            ("password_command", &self.connection.password_command),
        ];
        own.extend(commands.into_iter().filter_map(|(key, command)| Some((key, Value::Text(command.clone()?)))));
        if is_new {
            editor.comment("endpoints", HEAD);
        }
        let result = match (is_new, editor.is_changed()) {
            (true, _) => FileResult::Written,
            (false, true) => FileResult::Changed,
            (false, false) => FileResult::Kept,
        };
        if editor.is_changed() {
            editor.save()?;
        }
        written.files.push(InitFile { path: Workspace::SETTINGS.to_owned(), result });
        if !own.is_empty() {
            written.notices.push(own_context(workspace, &own, world)?);
        }
        Ok(())
    }
}

fn parsed<T: std::str::FromStr>(texts: &[String]) -> Option<Vec<T>> {
    texts.iter().map(|text| text.parse().ok()).collect()
}

/// Writes settings that a workspace may not have into a context of the user's that is bound to this workspace. Returns the
/// remark about it.
fn own_context(workspace: &Workspace, settings: &[(&str, Value)], world: &World<'_>) -> Result<String, Failure> {
    let root = fs::canonicalize(workspace.root()).unwrap_or_else(|_| workspace.root().to_owned());
    let mut editor = SettingsEditor::of_user(world)?;
    let name = root.file_name().unwrap_or_default().to_string_lossy();
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || "._-".contains(letter) { letter } else { '-' };
    let name: String = name.chars().map(plain).collect();
    let name =
        format!("{}{name}", if name.starts_with(|first: char| first.is_ascii_alphanumeric()) { "" } else { "w" });
    let place = Value::Path(root);
    let is_free =
        |name: &String| !editor.has(&["contexts", name]) || editor.is(&["contexts", name, "workspace"], &place);
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    let name = std::iter::once(name.clone()).chain(numbered).find(is_free).unwrap_or(name);
    editor.set(&["contexts", &name, "workspace"], &place);
    for (key, value) in settings {
        editor.set(&["contexts", &name, key], value);
    }
    if editor.is_changed() {
        editor.save()?;
    }
    let keys: Vec<String> = settings.iter().map(|(key, _)| format!("`{key}`")).collect();
    let (keys, file) = (keys.join(", "), editor.path().display());
    Ok(format!("{keys}: in {file}, context `{name}`, since a workspace's file may not say that"))
}

/// Writes a file that is not there; one that is stays as it is.
fn write_new(path: &Path, text: &str) -> Result<FileResult, InitError> {
    let failed = |source| InitError::File { action: "write", path: path.to_owned(), source };
    match fs::OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map(|()| FileResult::Written).map_err(failed),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(FileResult::Kept),
        Err(source) => Err(failed(source)),
    }
}

/// Writes the secret into a file that nobody else can read, from its first moment on.
fn write_secret(path: &Path, typed: &Typed) -> Result<(), InitError> {
    let failed = |source| InitError::File { action: "write", path: PathBuf::from(path), source };
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(typed.secret.expose_secret().as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(failed)
}

const HEAD: &str = "\
# Settings of this workspace, for everybody who works with it. They hold no secret.
# `proxmox-mpc config list` shows where each value comes from.
";

const IGNORE: &str = "\
# Recordings of the cluster, secrets that were typed, locks.
/.proxmox-mpc/
# Terraform's own: what it installed, and its state, which holds secrets.
.terraform/
*.tfstate
*.tfstate.*
*.tfplan
crash.log
# Ansible's own.
*.retry
";

const PAGE: &str = "\
# A Proxmox VE cluster as code

This is a workspace of [Proxmox-MPC](https://github.com/proxmox-mpc/proxmox-mpc). It will hold a cluster as Terraform and Ansible code;
the first import replaces this page by one that says what is here.

`proxmox-mpc.toml` says which cluster it is. No file in git holds a secret: the login comes from the environment
(`PROXMOX_VE_API_TOKEN`), from a command, or from a file below `.proxmox-mpc/`, which git ignores.

```console
proxmox-mpc import                # read the cluster, and write its code
proxmox-mpc verify                # prove that the code is the cluster
proxmox-mpc coverage              # see what is code, and why the rest is not
proxmox-mpc rehearse              # see what a change of the code would do, before it is done
proxmox-mpc config list           # see every setting, and where it comes from
```
";
