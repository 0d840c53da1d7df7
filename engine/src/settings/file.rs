//! Settings files: `proxmox-mpc.toml` of a workspace, and the user's own, with the contexts in them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use proxmox_mpc_code::check::{self, Level};

use super::layer::{Layer, Origin, Value};
use super::section::{self, ContextSection, is_name};
use super::table::{CHECK, CONTEXT_FOLDER, CONTEXT_WORKSPACE, CONTEXTS, Files, Form, SETTINGS, Setting};
use super::{FileFault, SettingsError, World};
use crate::workspace::Workspace;

/// Tables of a workspace's file that are rules of a command: `[[drift.ignore]]`.
const ROOMS: [&str; 1] = ["drift"];

/// A settings file: its own settings, and the contexts that it names.
#[derive(Debug)]
pub(super) struct SettingsFile {
    pub(super) layer: Layer,
    pub(super) contexts: Vec<ContextSection>,
    /// Levels of rules, by code or name.
    pub(super) levels: BTreeMap<String, Level>,
}

/// The user's file: `$XDG_CONFIG_HOME/proxmox-mpc/config.toml`, or below `~/.config`. `None` where there is no home.
pub(super) fn user(world: &World<'_>) -> Option<PathBuf> {
    Some(user_folder(world, "XDG_CONFIG_HOME", ".config")?.join("config.toml"))
}

/// Our folder in one of the user's: the one that the variable names, else the one in the home folder.
pub(super) fn user_folder(world: &World<'_>, variable: &str, in_home: &str) -> Option<PathBuf> {
    // By the XDG base directory specification a relative path there is to be ignored.
    let absolute = |name| (world.variable)(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = absolute(variable).or_else(|| Some(absolute("HOME")?.join(in_home)))?;
    Some(folder.join("proxmox-mpc"))
}

/// Reads the user's file; `None` where there is none.
pub(super) fn of_user(world: &World<'_>) -> Result<Option<SettingsFile>, SettingsError> {
    user(world).map_or(Ok(None), |path| read(&Origin::User(path), world))
}

/// Reads the file of a workspace; `None` where there is none.
pub(super) fn of_workspace(workspace: &Workspace, world: &World<'_>) -> Result<Option<SettingsFile>, SettingsError> {
    read(&Origin::Workspace(workspace.settings()), world)
}

fn read(origin: &Origin, world: &World<'_>) -> Result<Option<SettingsFile>, SettingsError> {
    let path = origin.path();
    match (world.read)(path) {
        Ok(text) => parse(origin, &text).map(Some),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(source) => Err(SettingsError::File { path: path.to_owned(), source }),
    }
}

/// Reads the text of a settings file. The origin is [`Origin::Workspace`] or [`Origin::User`].
pub(super) fn parse(origin: &Origin, text: &str) -> Result<SettingsFile, SettingsError> {
    let path = origin.path();
    // The error of the parser shows the line, which may hold a secret; its message does not.
    let table: toml::Table = toml::from_str(text).map_err(|error| SettingsError::Toml {
        line: error.span().map_or(1, |span| text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1),
        path: path.to_owned(),
        problem: error.message().to_owned(),
    })?;
    let mut file = SettingsFile { layer: Layer::new(origin.clone()), contexts: Vec::new(), levels: BTreeMap::new() };
    for (key, value) in table {
        if key == CONTEXTS {
            file.contexts = contexts(value, origin)?;
        } else if ROOMS.contains(&key.as_str()) && matches!(origin, Origin::Workspace(_)) {
            // Rules of a command, which it reads by itself.
        } else if key == CHECK {
            file.levels = levels(value, origin)?;
        } else {
            put(&mut file.layer, &key, &key, value)?;
        }
    }
    Ok(file)
}

/// The levels of rules of `check`: a table of words.
fn levels(value: toml::Value, origin: &Origin) -> Result<BTreeMap<String, Level>, SettingsError> {
    let refused = |key: String, fault| SettingsError::Key { key, path: origin.path().to_owned(), fault };
    let toml::Value::Table(table) = value else {
        return Err(refused(CHECK.to_owned(), FileFault::CheckForm));
    };
    let level = |(word, value): (String, toml::Value)| {
        let key = format!("{CHECK}.{word}");
        if check::rule(&word).is_none() {
            return Err(refused(key, FileFault::NoRule));
        }
        let level = value.as_str().and_then(Level::parse);
        level.map(|level| (word, level)).ok_or_else(|| refused(key, FileFault::CheckForm))
    };
    table.into_iter().map(level).collect()
}

/// The contexts of a file: a table of tables.
fn contexts(value: toml::Value, origin: &Origin) -> Result<Vec<ContextSection>, SettingsError> {
    let path = origin.path();
    let refused = |key: String, fault| SettingsError::Key { key, path: path.to_owned(), fault };
    let toml::Value::Table(table) = value else {
        return Err(refused(CONTEXTS.to_owned(), FileFault::ContextForm));
    };
    let mut sections = Vec::new();
    for (name, value) in table {
        let key = format!("{CONTEXTS}.{name}");
        let toml::Value::Table(keys) = value else { return Err(refused(key, FileFault::ContextForm)) };
        if !is_name(&name) {
            return Err(refused(key, FileFault::ContextName));
        }
        let mut section = ContextSection { layer: Layer::new(origin.in_context(&name)), name, folder: None };
        for (key, value) in keys {
            let whole = format!("{CONTEXTS}.{}.{key}", section.name);
            match (key.as_str(), origin) {
                (CONTEXT_FOLDER, Origin::Workspace(_)) | (CONTEXT_WORKSPACE, Origin::User(_)) => {
                    section.folder = Some(folder(value, origin).map_err(|fault| refused(whole, fault))?);
                }
                _ => put(&mut section.layer, &key, &whole, value)?,
            }
        }
        sections.push(section);
    }
    Ok(sections)
}

/// The folder of a context: of a workspace's file, one inside that workspace.
fn folder(value: toml::Value, origin: &Origin) -> Result<PathBuf, FileFault> {
    let parent = origin.folder();
    let Some(Value::Path(path)) = formed(Form::Path, value, parent) else {
        return Err(FileFault::Form { form: Form::Path });
    };
    if matches!(origin, Origin::Workspace(_)) && (!is_inside(&path, parent) || path == parent) {
        return Err(FileFault::Outside);
    }
    Ok(path)
}

/// Puts a key of a file into a layer. `whole` is the key as an error names it: `contexts.prod.timeout`.
fn put(layer: &mut Layer, key: &str, whole: &str, value: toml::Value) -> Result<(), SettingsError> {
    let path = layer.origin.path().to_owned();
    let refused = |fault| SettingsError::Key { key: whole.to_owned(), path, fault };
    let setting = SETTINGS.iter().find(|setting| setting.name == key);
    let Some(setting) = setting else { return Err(refused(FileFault::Unknown { nearest: nearest(key) })) };
    match checked(setting, value, &layer.origin) {
        Ok(value) => layer.put(setting, value),
        Err(fault) => return Err(refused(fault)),
    }
    Ok(())
}

/// The value of a key, if the key may stand in this file and the value has its form.
fn checked(setting: &Setting, value: toml::Value, origin: &Origin) -> Result<Value, FileFault> {
    let is_workspace = origin.is_of_workspace();
    match setting.files {
        Files::None { instead } => return Err(FileFault::Secret { instead }),
        Files::User if is_workspace => return Err(FileFault::UserOnly),
        _ => {}
    }
    let folder = origin.folder();
    let value = formed(setting.form, value, folder).ok_or(FileFault::Form { form: setting.form })?;
    match &value {
        Value::Path(file) if is_workspace && setting.files == Files::BothInside && !is_inside(file, folder) => {
            Err(FileFault::Outside)
        }
        _ => Ok(value),
    }
}

fn formed(form: Form, value: toml::Value, folder: &Path) -> Option<Value> {
    Some(match (form, value) {
        (Form::Text, toml::Value::String(text)) if !text.is_empty() => Value::Text(text),
        (Form::Path, toml::Value::String(text)) if !text.is_empty() => Value::Path(folder.join(text)),
        (Form::Program, toml::Value::String(text)) if !text.is_empty() => {
            // A name without a folder is one that `PATH` is searched for.
            let is_name = Path::new(&text).components().count() == 1 && !text.contains('/');
            Value::Path(if is_name { PathBuf::from(text) } else { folder.join(text) })
        }
        (Form::List, toml::Value::Array(elements)) => {
            let text = |element: toml::Value| element.as_str().map(|text| text.trim().to_owned());
            Value::List(elements.into_iter().map(text).collect::<Option<_>>()?)
        }
        (Form::Switch, toml::Value::Boolean(switch)) => Value::Switch(switch),
        (Form::Number(least, most), toml::Value::Integer(number)) => {
            Value::Number(u64::try_from(number).ok().filter(|number| (least..=most).contains(number))?)
        }
        _ => return None,
    })
}

/// Reports whether the file is in the folder: by its path, and where it is there, by what links lead to.
fn is_inside(file: &Path, folder: &Path) -> bool {
    let climbs = file.components().any(|component| component == Component::ParentDir);
    let leads = match (fs::canonicalize(file), fs::canonicalize(folder)) {
        (Ok(file), Ok(folder)) => file.starts_with(folder),
        _ => true,
    };
    file.starts_with(folder) && !climbs && leads
}

/// The known key that is most like an unknown one, if any is.
pub(super) fn nearest(key: &str) -> Option<&'static str> {
    section::nearest(key, SETTINGS.iter().map(|setting| setting.name).chain([CONTEXTS, CHECK]))
}
