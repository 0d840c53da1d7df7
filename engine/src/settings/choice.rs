//! Stored choice: the context that `context use` chose, in the user's folder of state or in a workspace's private folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::file::user_folder;
use super::{SettingsError, World};
use crate::workspace::Workspace;

/// The name of the file.
const NAME: &str = "context.toml";

/// The context that was chosen, and the one before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct StoredChoice {
    pub(super) current: Option<String>,
    pub(super) previous: Option<String>,
}

impl StoredChoice {
    /// The choice of the user: `$XDG_STATE_HOME/proxmox-mpc/context.toml`, or below `~/.local/state`.
    pub(super) fn of_user(world: &World<'_>) -> Result<Self, SettingsError> {
        Self::user_path(world).map_or_else(|| Ok(Self::default()), |path| Self::read(&path, world))
    }

    /// The choice among the contexts of a workspace: `.proxmox-mpc/context.toml`.
    pub(super) fn of_workspace(workspace: &Workspace, world: &World<'_>) -> Result<Self, SettingsError> {
        Self::read(&Self::workspace_path(workspace), world)
    }

    pub(super) fn user_path(world: &World<'_>) -> Option<PathBuf> {
        Some(user_folder(world, "XDG_STATE_HOME", ".local/state")?.join(NAME))
    }

    pub(super) fn workspace_path(workspace: &Workspace) -> PathBuf {
        workspace.private().join(NAME)
    }

    fn read(path: &Path, world: &World<'_>) -> Result<Self, SettingsError> {
        match (world.read)(path) {
            // A file that is broken holds nothing of value.
            Ok(text) => Ok(toml::from_str(&text).unwrap_or_else(|error| {
                tracing::warn!(path = %path.display(), problem = error.message(), "the choice of a context is not read");
                Self::default()
            })),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(Self::default())
            }
            Err(source) => Err(SettingsError::File { path: path.to_owned(), source }),
        }
    }

    /// The choice after this one.
    pub(super) fn then(self, name: &str) -> Self {
        if self.current.as_deref() == Some(name) {
            return self;
        }
        Self { current: Some(name.to_owned()), previous: self.current }
    }

    /// Writes it.
    pub(super) fn write(&self, path: &Path) -> Result<(), SettingsError> {
        let line = |key: &str, name: &Option<String>| {
            name.as_ref().map(|name| format!("{key} = \"{name}\"\n")).unwrap_or_default()
        };
        let text = line("current", &self.current) + &line("previous", &self.previous);
        let failed = |source| SettingsError::Unwritable { path: path.to_owned(), source };
        fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).map_err(failed)?;
        super::edit::write_whole(path, &text).map_err(failed)
    }
}
