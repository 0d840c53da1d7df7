//! Context: a cluster with a name, in the user's settings file or in that of a workspace, and the one that counts now.

use std::fs;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::choice::StoredChoice;
use super::file::{self, SettingsFile};
use super::layer::Origin;
use super::section::{ContextSection, nearest};
use super::{SettingsError, World};
use crate::workspace::Workspace;

/// The variable that chooses a context.
pub(super) const VARIABLE: &str = "PROXMOX_MPC_CONTEXT";

/// The reason why a context counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContextReason {
    /// The option `--context`.
    Option,
    /// The variable `PROXMOX_MPC_CONTEXT`.
    Environment,
    /// The folder of the command is that of the context.
    Folder,
    /// It was chosen with `context use`.
    Choice,
}

/// The contexts that a folder knows: those of its workspace, and those of the user.
#[derive(Debug)]
pub(super) struct Contexts {
    /// The workspace whose file names contexts: the folder's own, or the one around it.
    pub(super) holder: Option<Workspace>,
    pub(super) sections: Vec<ContextSection>,
}

/// The context that counts, and why.
pub(super) struct Active<'c> {
    pub(super) section: &'c ContextSection,
    pub(super) reason: ContextReason,
}

impl Contexts {
    /// Reads them. `workspace` is the workspace of the command, where it has one.
    pub(super) fn read(workspace: Option<&Workspace>, world: &World<'_>) -> Result<Self, SettingsError> {
        let user = file::of_user(world)?;
        let mut contexts = Self { holder: None, sections: Vec::new() };
        if let Some(workspace) = workspace
            && let Some((holder, file)) = holder(workspace, world)?
        {
            contexts.holder = Some(holder);
            contexts.sections.extend(file.contexts);
        }
        contexts.sections.extend(user.into_iter().flat_map(|file| file.contexts));
        Ok(contexts)
    }

    /// The names, sorted, each once.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.sections.iter().map(|section| section.name.clone()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// The context of this name. One that both files name is refused: the workspace's file, which may come from somebody
    /// else, would decide where the user's login is sent, or the other way round.
    pub(super) fn get(&self, name: &str) -> Result<&ContextSection, SettingsError> {
        let sections: Vec<&ContextSection> = self.sections.iter().filter(|section| section.name == name).collect();
        match sections[..] {
            [section] => Ok(section),
            [] => {
                let names = self.names();
                let nearest = nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
                Err(SettingsError::NoContext { name: name.to_owned(), nearest, names })
            }
            [ours, theirs, ..] => Err(SettingsError::TwoContexts {
                name: name.to_owned(),
                files: [ours, theirs].map(|section| section.layer.origin.path().to_owned()),
            }),
        }
    }

    /// The context that counts in this workspace: the one that is asked for; the one whose folder it is; the one that was
    /// chosen in it; outside of every workspace, the one that the user chose. So a folder with settings of its own never
    /// means another cluster because of a choice that was made elsewhere.
    pub(super) fn active(
        &self,
        workspace: Option<&Workspace>,
        world: &World<'_>,
    ) -> Result<Option<Active<'_>>, SettingsError> {
        let own = workspace.map(|workspace| self.of_folder(workspace.root(), world)).transpose()?.flatten();
        let variable = (world.variable)(VARIABLE).filter(|name| !name.is_empty());
        let asked = world.context.map(|name| (name.to_owned(), ContextReason::Option));
        if let Some((name, reason)) = asked.or(variable.map(|name| (name, ContextReason::Environment))) {
            let section = self.get(&name)?;
            return match own {
                Some(own) if own.name != name => Err(SettingsError::OtherContext {
                    name,
                    folder: workspace.map(|workspace| workspace.root().to_owned()).unwrap_or_default(),
                    own: own.name.clone(),
                }),
                _ => Ok(Some(Active { section, reason })),
            };
        }
        if let Some(section) = own {
            return Ok(Some(Active { section, reason: ContextReason::Folder }));
        }
        let chosen = match (&self.holder, workspace) {
            (Some(holder), Some(workspace)) if same(holder.root(), workspace.root()) => {
                StoredChoice::of_workspace(holder, world)?.current
            }
            (_, Some(workspace)) if workspace.is_marked() => None,
            _ => StoredChoice::of_user(world)?.current,
        };
        let Some(name) = chosen else { return Ok(None) };
        let in_workspace = workspace.is_some_and(Workspace::is_marked);
        let section = self.sections.iter().find(|section| section.name == name && section.is_of_user() != in_workspace);
        let Some(section) = section else { return self.get(&name).map(|_| None) };
        Ok(Some(Active { section, reason: ContextReason::Choice }))
    }

    /// The folder of a context of the workspace that this folder is in.
    pub(super) fn folder_around(&self, folder: &Path) -> Option<&Path> {
        let real = fs::canonicalize(folder).ok()?;
        let folders = self
            .sections
            .iter()
            .filter(|section| !section.is_of_user())
            .filter_map(|section| section.folder.as_deref());
        folders.into_iter().find(|path| fs::canonicalize(path).is_ok_and(|path| real.starts_with(path)))
    }

    /// The context whose folder this is. Of several of the user's, the one that the user chose.
    fn of_folder(&self, folder: &Path, world: &World<'_>) -> Result<Option<&ContextSection>, SettingsError> {
        let is_there = |section: &&ContextSection| section.folder.as_deref().is_some_and(|path| same(path, folder));
        let sections: Vec<&ContextSection> = self.sections.iter().filter(is_there).collect();
        let asked = world.context.map(str::to_owned).or_else(|| (world.variable)(VARIABLE));
        let chosen = match sections[..] {
            [] | [_] => return Ok(sections.first().copied()),
            _ => asked.or(StoredChoice::of_user(world)?.current),
        };
        Ok(sections.into_iter().find(|section| chosen.as_deref() == Some(section.name.as_str())))
    }
}

impl Active<'_> {
    /// The workspace of the context.
    pub(super) fn workspace(&self) -> Option<Workspace> {
        self.section.folder.as_deref().map(Workspace::at)
    }
}

/// The workspace whose file names contexts, and that file: this one, or the one around it.
fn holder(workspace: &Workspace, world: &World<'_>) -> Result<Option<(Workspace, SettingsFile)>, SettingsError> {
    if let Some(file) = file::of_workspace(workspace, world)?
        && !file.contexts.is_empty()
    {
        return Ok(Some((workspace.clone(), file)));
    }
    let Some(outer) = workspace.outer() else { return Ok(None) };
    let Some(file) = file::of_workspace(&outer, world)? else { return Ok(None) };
    let named =
        file.contexts.iter().any(|section| section.folder.as_deref().is_some_and(|path| same(path, workspace.root())));
    Ok(named.then_some((outer, file)))
}

/// Reports whether two paths are one folder, by what links lead to where both are there.
pub(super) fn same(one: &Path, other: &Path) -> bool {
    match (fs::canonicalize(one), fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

impl Origin {
    /// The origin of a context of this file.
    pub(super) fn in_context(&self, name: &str) -> Self {
        let (path, of_workspace) = (self.path().to_owned(), self.is_of_workspace());
        Self::Context { name: name.to_owned(), path, of_workspace }
    }

    /// Reports whether a workspace's file says it.
    pub(super) fn is_of_workspace(&self) -> bool {
        matches!(self, Self::Workspace(_) | Self::Context { of_workspace: true, .. })
    }

    /// The settings file; the empty path of other origins.
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Workspace(path) | Self::User(path) | Self::Context { path, .. } => path,
            Self::Options | Self::Environment | Self::Defaults => Path::new(""),
        }
    }

    /// The folder of the settings file, which relative paths in it are relative to.
    pub(super) fn folder(&self) -> &Path {
        self.path().parent().unwrap_or(Path::new("."))
    }
}

#[cfg(test)]
mod tests;
