//! Settings: how to reach a cluster, as whom, where the state store is, and which programs to run, resolved from layers;
//! the only room that reads the environment.
//!
//! The layers, uppermost first: the request, the environment, the context that counts, the settings file of the workspace,
//! the user's settings file, and the defaults. Each setting is declared once, in the table.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use proxmox_mpc_code::check::{self, Level};
use secrecy::SecretString;

use crate::history::DEFAULT_BRANCH;
use crate::operation::{Context, Message};
use crate::toolchain::invocation::Invocation;
use crate::toolchain::process::{self, Stream};
use crate::workspace::Workspace;

mod cautions;
mod choice;
pub mod config;
mod connection;
mod context;
pub mod contexts;
mod credentials;
mod document;
mod edit;
mod endpoint;
mod error;
mod file;
mod layer;
mod layers;
mod login;
mod section;
mod sources;
pub mod table;
mod trust;

pub use cautions::{Caution, cautions, provider_caution};
pub use connection::{Connection, SecretSource};
pub use context::ContextReason;
pub use credentials::Credentials;
pub use document::document;
pub(crate) use edit::SettingsEditor;
pub use endpoint::{Endpoint, EndpointError};
pub use error::{FileFault, SettingsError};
pub use layer::{Source, Value};
pub use layers::{Layers, Resolved};
pub use sources::Sources;
pub use trust::{Fingerprint, MinimumTls, NoFingerprint, Trust};

/// Everything that a client needs to know. No secret in it is ever printed.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The nodes of the one cluster, best first; never empty.
    pub endpoints: Vec<Endpoint>,
    /// The login.
    pub credentials: Credentials,
    /// The certificates that are believed.
    pub trust: Trust,
    /// The least version of TLS.
    pub min_tls: MinimumTls,
    /// The time that one answer may take; `None` for the client's own limit.
    pub timeout: Option<Duration>,
}

/// The parts of the world that settings are read from, so that tests can make up their own.
pub struct World<'w> {
    /// The context that was asked for.
    pub context: Option<&'w str>,
    /// The value of an environment variable.
    pub variable: &'w dyn Fn(&str) -> Option<String>,
    /// The text of a file.
    pub read: &'w dyn Fn(&Path) -> io::Result<String>,
    /// The standard output of a program, given with its arguments.
    pub run: &'w dyn Fn(&[String]) -> Result<String, ProgramError>,
}

/// Any error of a program.
pub type ProgramError = Box<dyn Error + Send + Sync>;

/// The settings for a request's connection; whoever follows the operation hears the cautions. A secret may come from a
/// program, so this blocks (`Context::block`).
pub fn of(context: &Context, connection: Connection, workspace: Option<&Workspace>) -> Result<Settings, SettingsError> {
    in_world(context, |world| {
        let layers = Layers::read(connection, workspace, world)?;
        let settings = layers.settings(world)?;
        for caution in cautions::of_layers(&layers).into_iter().chain(cautions(&settings, world)) {
            context.message(Message::Caution(caution));
        }
        Ok(settings)
    })
}

/// The login for a request's connection. A secret may come from a program, so this blocks (`Context::block`).
pub(crate) fn credentials_of(
    context: &Context,
    connection: Connection,
    workspace: &Workspace,
) -> Result<Credentials, SettingsError> {
    in_world(context, |world| Layers::read(connection, Some(workspace), world)?.credentials(world))
}

/// The workspace that a command means by this folder: the one that the folder is in, or that of the context that counts
/// there. The current folder (`.`) stands for the workspace of a context that was asked for, wherever that is.
pub fn workspace(context: &Context, folder: &Path) -> Result<Workspace, SettingsError> {
    in_world(context, |world| in_context(folder, folder == Path::new("."), world))
}

/// The workspace that an operation writes into, which need not be there yet: this folder, or that of the context that counts
/// there.
pub fn target(context: &Context, folder: &Path) -> Result<Workspace, SettingsError> {
    if folder == Path::new(".") {
        return workspace(context, folder);
    }
    in_world(context, |world| in_context_of(Workspace::at(folder), folder, false, world))
}

/// The workspace that is meant by a folder. `here` is true for the current folder.
fn in_context(folder: &Path, here: bool, world: &World<'_>) -> Result<Workspace, SettingsError> {
    in_context_of(Workspace::around(folder), folder, here, world)
}

/// The workspace of the context that counts in this one, seen from a folder in it.
fn in_context_of(
    workspace: Workspace,
    folder: &Path,
    here: bool,
    world: &World<'_>,
) -> Result<Workspace, SettingsError> {
    let contexts = context::Contexts::read(Some(&workspace), world)?;
    let is_holder = contexts.holder.as_ref().is_some_and(|holder| context::same(holder.root(), workspace.root()));
    // Seen from the current folder, a context that was asked for is nowhere else than in its own folder.
    let view = if here && (world.context.is_some() || (world.variable)(context::VARIABLE).is_some()) {
        contexts.holder.as_ref()
    } else {
        Some(&workspace)
    };
    let active = contexts.active(view, world)?;
    // The folder of a cluster need not hold anything yet.
    let asked = active.as_ref().is_some_and(|active| active.reason != ContextReason::Choice);
    if is_holder
        && !asked
        && let Some(inner) = contexts.folder_around(folder)
    {
        return Ok(Workspace::at(inner));
    }
    let Some(active) = active else { return Ok(workspace) };
    let applies = match active.reason {
        ContextReason::Option | ContextReason::Environment => here || is_holder,
        ContextReason::Choice => is_holder || (here && !workspace.is_marked()),
        ContextReason::Folder => false,
    };
    Ok(active.workspace().filter(|_| applies).unwrap_or(workspace))
}

/// The Terraform or OpenTofu to run: the request's choice, else that of a layer below; `None` for the one that `PATH` has.
pub fn terraform(
    context: &Context,
    choice: Option<PathBuf>,
    workspace: Option<&Workspace>,
) -> Result<Option<PathBuf>, SettingsError> {
    match choice {
        Some(program) => Ok(Some(program)),
        None => below(context, workspace, |layers| layers.path(&table::TERRAFORM)),
    }
}

/// The `ansible-playbook` to run: the request's choice, else that of a layer below.
pub fn ansible_playbook(
    context: &Context,
    choice: Option<PathBuf>,
    workspace: Option<&Workspace>,
) -> Result<PathBuf, SettingsError> {
    match choice {
        Some(program) => Ok(program),
        None => Ok(below(context, workspace, |layers| layers.path(&table::ANSIBLE_PLAYBOOK))?.unwrap_or_default()),
    }
}

/// The number of requests that may be under way at once: the request's choice, else that of a layer below.
pub fn concurrency(
    context: &Context,
    choice: Option<u16>,
    workspace: Option<&Workspace>,
) -> Result<usize, SettingsError> {
    let number = match choice {
        Some(number) => Some(u64::from(number)),
        None => below(context, workspace, |layers| layers.number(&table::CONCURRENCY))?,
    };
    Ok(number.and_then(|number| usize::try_from(number).ok()).unwrap_or(1).max(1))
}

/// The branch of the generated code.
pub fn generated_branch(context: &Context, workspace: &Workspace) -> Result<String, SettingsError> {
    let branch = below(context, Some(workspace), |layers| layers.text(&table::GENERATED_BRANCH))?;
    Ok(branch.unwrap_or_else(|| DEFAULT_BRANCH.to_owned()))
}

/// The levels of the rules of `check`, by code or name: the workspace's file over the user's.
pub fn check_levels(context: &Context, workspace: &Workspace) -> Result<BTreeMap<String, Level>, SettingsError> {
    in_world(context, |world| {
        let mut levels = file::of_user(world)?.map(|file| file.levels).unwrap_or_default();
        for (word, level) in file::of_workspace(workspace, world)?.map(|file| file.levels).unwrap_or_default() {
            // The same rule may be named by its code in one file, and by its name in the other.
            levels.retain(|own, _| check::rule(own) != check::rule(&word));
            levels.insert(word, level);
        }
        Ok(levels)
    })
}

/// The URL of the state store; `None` for the file of the workspace. It may come from a program, so this blocks.
pub fn state_url(context: &Context, workspace: Option<&Workspace>) -> Result<Option<SecretString>, SettingsError> {
    in_world(context, |world| Layers::read(Connection::default(), workspace, world)?.state_url(world))
}

/// A value of the layers below the request.
fn below<T>(
    context: &Context,
    workspace: Option<&Workspace>,
    value: impl FnOnce(&Layers) -> T,
) -> Result<T, SettingsError> {
    in_world(context, |world| Ok(value(&Layers::read(Connection::default(), workspace, world)?)))
}

/// Does something in the world of an operation: its environment, the file system, and programs that it can stop.
pub(crate) fn in_world<T>(context: &Context, work: impl FnOnce(&World<'_>) -> T) -> T {
    work(&World {
        context: context.sources().context(),
        variable: &|name| context.sources().variable(name).map(str::to_owned),
        read: &|path| fs::read_to_string(path),
        run: &|arguments| printed(arguments, context),
    })
}

/// The output of a program, where that is a secret: it goes nowhere else. Its complaints go to the user.
fn printed(arguments: &[String], context: &Context) -> Result<String, ProgramError> {
    let (program, rest) = arguments.split_first().ok_or("there is no program to start")?;
    let invocation = rest.iter().fold(Invocation::new(program), Invocation::arg);
    let (mut printed, mut complaint) = (String::new(), String::new());
    let ended = process::run(&invocation, context, |stream, line| {
        let text = if stream == Stream::Output { &mut printed } else { &mut complaint };
        text.push_str(&line);
        text.push('\n');
    })?;
    match ended.code {
        Some(0) => Ok(printed),
        _ => Err(format!("`{program}` failed: {}", complaint.trim()).into()),
    }
}

#[cfg(test)]
mod tests;
