//! Settings files: `proxmox-mpc.toml` of a workspace, and the user's own.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::layer::{Layer, Origin, Value};
use super::table::{Files, Form, SETTINGS, Setting};
use super::{FileFault, SettingsError, World};
use crate::workspace::Workspace;

/// The user's file: `$XDG_CONFIG_HOME/proxmox-mpc/config.toml`, or below `~/.config`. `None` where there is no home.
pub(super) fn user(world: &World<'_>) -> Option<PathBuf> {
    // By the XDG base directory specification a relative path there is to be ignored.
    let absolute = |name| (world.variable)(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")))?;
    Some(folder.join("proxmox-mpc/config.toml"))
}

/// The layers of the files that are there, the workspace's before the user's.
pub(super) fn layers(workspace: Option<&Workspace>, world: &World<'_>) -> Result<Vec<Layer>, SettingsError> {
    let workspace = workspace.map(|workspace| Origin::Workspace(workspace.settings()));
    let user = user(world).map(Origin::User);
    let layers = workspace.into_iter().chain(user).map(|origin| read(origin, world));
    layers.filter_map(Result::transpose).collect()
}

fn read(origin: Origin, world: &World<'_>) -> Result<Option<Layer>, SettingsError> {
    let (Origin::Workspace(path) | Origin::User(path)) = origin.clone() else { return Ok(None) };
    let text = match (world.read)(&path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(source) => return Err(SettingsError::File { path, source }),
    };
    // The error of the parser shows the line, which may hold a secret; its message does not.
    let table: toml::Table = toml::from_str(&text).map_err(|error| SettingsError::Toml {
        line: error.span().map_or(1, |span| text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1),
        path: path.clone(),
        problem: error.message().to_owned(),
    })?;
    let mut layer = Layer::new(origin);
    for (key, value) in table {
        let refused = |fault| SettingsError::Key { key: key.clone(), path: path.clone(), fault };
        let setting = SETTINGS.iter().find(|setting| setting.name == key);
        let setting = setting.ok_or_else(|| refused(FileFault::Unknown { nearest: nearest(&key) }))?;
        let value = checked(setting, value, &layer.origin, &path).map_err(refused)?;
        layer.put(setting, value);
    }
    Ok(Some(layer))
}

/// The value of a key, if the key may stand in this file and the value has its form.
fn checked(setting: &Setting, value: toml::Value, origin: &Origin, path: &Path) -> Result<Value, FileFault> {
    let is_workspace = matches!(origin, Origin::Workspace(_));
    match setting.files {
        Files::None { instead } => return Err(FileFault::Secret { instead }),
        Files::User if is_workspace => return Err(FileFault::UserOnly),
        _ => {}
    }
    let folder = path.parent().unwrap_or(Path::new("."));
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
fn nearest(key: &str) -> Option<&'static str> {
    let like = |setting: &&Setting| strsim::jaro_winkler(key, setting.name);
    let nearest = SETTINGS.into_iter().max_by(|one, other| like(one).total_cmp(&like(other)))?;
    (like(&nearest) > 0.75).then_some(nearest.name)
}
