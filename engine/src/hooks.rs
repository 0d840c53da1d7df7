//! Hooks: `check` before every commit, as a plain hook of git. A hook of somebody else is never touched.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::history::{HistoryError, Repository};
use crate::operation::report::ReportType;
use crate::operation::{Context, Effect, Failure, Fault, FaultKind, Request};
use crate::settings::{self, SettingsError};

/// The hook. Git runs it in the root of the work tree; what it checks is the index, which is what is committed.
const SCRIPT: &str = "\
#!/bin/sh
# Written by `proxmox-mpc hooks install`; `proxmox-mpc hooks uninstall` removes it.
command -v proxmox-mpc >/dev/null 2>&1 || {
    echo 'proxmox-mpc is not in PATH: the code is not checked' >&2
    exit 0
}
exec proxmox-mpc check --staged
";

/// The line by which a hook is known as ours, whatever version wrote it.
const MARK: &str = "# Written by `proxmox-mpc hooks install`";

/// The name of the hook.
const HOOK: &str = "pre-commit";

/// Request to install the hook.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HooksInstallRequest {
    /// The workspace, or any folder in the repository.
    pub workspace: PathBuf,
}

/// Request to remove the hook.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HooksUninstallRequest {
    /// The workspace, or any folder in the repository.
    pub workspace: PathBuf,
}

/// Report of a hook that was installed or removed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct HooksReport {
    /// The file of the hook.
    pub path: PathBuf,
    /// True if the hook is there now.
    pub installed: bool,
    /// True if this run changed anything.
    pub changed: bool,
}

impl ReportType for HooksReport {
    const KIND: &'static str = "hooks";
}

/// The reason why a hook was not installed or removed.
#[derive(Debug, thiserror::Error)]
pub enum HooksError {
    /// There is no repository.
    #[error("`{}` is not in a git repository", folder.display())]
    NoRepository {
        /// The folder.
        folder: PathBuf,
    },
    /// Somebody else's hook is there.
    #[error("`{}` is a hook of somebody else", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read or written.
    #[error("could not write `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The settings are not usable.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The repository cannot be read.
    #[error(transparent)]
    History(#[from] HistoryError),
}

impl Fault for HooksError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::NoRepository { .. } | Self::Foreign { .. } => FaultKind::Usage,
            Self::File { .. } => FaultKind::Failed,
            Self::Settings(error) => error.kind(),
            Self::History(error) => error.kind(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::NoRepository { .. } => vec!["`git init` makes one.".to_owned()],
            Self::Foreign { .. } => vec![
                "Add the line `proxmox-mpc check --staged` to it, or use the hooks of `.pre-commit-hooks.yaml` with pre-commit."
                    .to_owned(),
            ],
            Self::File { .. } => Vec::new(),
            Self::Settings(error) => error.hints(),
            Self::History(error) => error.hints(),
        }
    }
}

impl Request for HooksInstallRequest {
    const NAME: &'static str = "hooks install";
    const EFFECT: Effect = Effect::EditsCode;
    type Report = HooksReport;

    async fn run(self, context: Context) -> Result<HooksReport, Failure> {
        Ok(context.block(move |context: &Context| install(&path(&self.workspace, context)?)).await?)
    }
}

impl Request for HooksUninstallRequest {
    const NAME: &'static str = "hooks uninstall";
    const EFFECT: Effect = Effect::EditsCode;
    type Report = HooksReport;

    async fn run(self, context: Context) -> Result<HooksReport, Failure> {
        Ok(context.block(move |context: &Context| uninstall(&path(&self.workspace, context)?)).await?)
    }
}

/// The file of the hook in the repository around a folder.
fn path(folder: &Path, context: &Context) -> Result<PathBuf, HooksError> {
    let workspace = settings::workspace(context, folder)?;
    let repository = Repository::discover(&workspace)?;
    let repository = repository.ok_or_else(|| HooksError::NoRepository { folder: workspace.root().to_owned() })?;
    Ok(repository.hooks_folder()?.join(HOOK))
}

fn install(path: &Path) -> Result<HooksReport, HooksError> {
    let failed = |source| HooksError::File { path: path.to_owned(), source };
    let current = read(path)?;
    let changed = current.as_deref() != Some(SCRIPT);
    if changed {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        fs::write(path, SCRIPT).map_err(failed)?;
    }
    // Git passes over a hook that may not be run.
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).map_err(failed)?;
    Ok(HooksReport { path: path.to_owned(), installed: true, changed })
}

fn uninstall(path: &Path) -> Result<HooksReport, HooksError> {
    let changed = read(path)?.is_some();
    if changed {
        fs::remove_file(path).map_err(|source| HooksError::File { path: path.to_owned(), source })?;
    }
    Ok(HooksReport { path: path.to_owned(), installed: false, changed })
}

/// The text of our hook; `None` where there is no hook.
fn read(path: &Path) -> Result<Option<String>, HooksError> {
    // A link is somebody's, wherever it leads.
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(HooksError::File { path: path.to_owned(), source }),
        Ok(metadata) if !metadata.is_file() => return Err(HooksError::Foreign { path: path.to_owned() }),
        Ok(_) => {}
    }
    let text = fs::read_to_string(path).unwrap_or_default();
    if text.lines().any(|line| line.starts_with(MARK)) {
        Ok(Some(text))
    } else {
        Err(HooksError::Foreign { path: path.to_owned() })
    }
}
