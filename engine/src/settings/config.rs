//! Config: commands that show settings with their sources, and change them in a settings file.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::context::{ContextReason, Contexts};
use super::edit::SettingsEditor;
use super::endpoint::Endpoint;
use super::file;
use super::layer::{Source, Value, parse};
use super::section::is_name;
use super::table::{CONTEXT_FOLDER, CONTEXT_WORKSPACE, CONTEXTS, Files, Form, SETTINGS, Setting};
use super::{Connection, FileFault, Fingerprint, Layers, MinimumTls, SettingsError, World, credentials, in_world};
use crate::operation::report::ReportType;
use crate::operation::{Context, Effect, Failure, FaultKind, Request};
use crate::workspace::Workspace;

/// Request for every setting with its value and its source.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConfigListRequest {}

/// Request for one setting.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigGetRequest {
    /// The key: `endpoints`.
    pub key: String,
}

/// Settings file that a command writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SettingsScope {
    /// The file of the workspace.
    Workspace,
    /// The user's file.
    User,
}

/// Request to give a setting a value in a settings file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigSetRequest {
    /// The key: `endpoints`, or `contexts.prod.endpoints`.
    pub key: String,
    /// The value; of a list its elements.
    pub values: Vec<String>,
    /// The file; without it that of the workspace, and the user's outside of every workspace.
    #[serde(default)]
    pub scope: Option<SettingsScope>,
}

/// Request to remove a setting from a settings file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigUnsetRequest {
    /// The key: `endpoints`, or `contexts.prod.endpoints`.
    pub key: String,
    /// The file; without it that of the workspace, and the user's outside of every workspace.
    #[serde(default)]
    pub scope: Option<SettingsScope>,
}

/// A setting, its value and its source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SettingReport {
    /// The name in a settings file.
    pub name: String,
    /// The value. A secret has none, since it is never shown.
    pub value: Option<Value>,
    /// True if some source has it.
    pub set: bool,
    /// True if it is a secret.
    pub secret: bool,
    /// Its source.
    #[serde(flatten)]
    pub source: Source,
}

/// Report of all settings.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SettingsReport {
    /// The context that counts.
    pub context: Option<String>,
    /// The settings file of the workspace, whether it is there or not; none outside of every workspace.
    pub workspace_file: Option<PathBuf>,
    /// The user's settings file, whether it is there or not; none without a home.
    pub user_file: Option<PathBuf>,
    /// The settings, in the order of the documentation.
    pub settings: Vec<SettingReport>,
}

impl ReportType for SettingsReport {
    const KIND: &'static str = "settings";
}

impl ReportType for SettingReport {
    const KIND: &'static str = "setting";

    fn ended(&self) -> Option<FaultKind> {
        (!self.set).then_some(FaultKind::Failed)
    }
}

/// Report of a change of a settings file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SettingChange {
    /// The key, as it was given.
    pub key: String,
    /// The value that the file has now; none if the key was removed.
    pub value: Option<Value>,
    /// The file.
    pub file: PathBuf,
    /// True if the file is new.
    pub created: bool,
    /// True if the file has changed.
    pub changed: bool,
    /// The source that counts instead of this file, if another one does.
    pub overridden: Option<Source>,
}

impl ReportType for SettingChange {
    const KIND: &'static str = "setting_change";
}

impl Request for ConfigListRequest {
    const NAME: &'static str = "config list";
    const EFFECT: Effect = Effect::Reads;
    type Report = SettingsReport;

    async fn run(self, context: Context) -> Result<SettingsReport, Failure> {
        let workspace = super::workspace(&context, Path::new("."))?;
        Ok(in_world(&context, |world| {
            let layers = Layers::read(Connection::default(), Some(&workspace), world)?;
            Ok::<_, SettingsError>(SettingsReport {
                context: layers.context().map(str::to_owned),
                workspace_file: workspace.is_marked().then(|| workspace.settings()),
                user_file: file::user(world),
                settings: SETTINGS.iter().map(|setting| layers.setting(setting)).collect(),
            })
        })?)
    }
}

impl Request for ConfigGetRequest {
    const NAME: &'static str = "config get";
    const EFFECT: Effect = Effect::Reads;
    type Report = SettingReport;

    async fn run(self, context: Context) -> Result<SettingReport, Failure> {
        let workspace = super::workspace(&context, Path::new("."))?;
        Ok(in_world(&context, |world| match Key::parse(&self.key)? {
            Key::Setting(setting) => Ok(Layers::read(Connection::default(), Some(&workspace), world)?.setting(setting)),
            Key::InContext { name, key } => {
                let contexts = Contexts::read(Some(&workspace), world)?;
                let section = contexts.get(&name)?;
                let value = match key {
                    ContextKey::Setting(setting) => section.layer.get(setting).cloned(),
                    ContextKey::Folder(_) => section.folder.clone().map(Value::Path),
                };
                let path = section.layer.origin.path().to_owned();
                let source = if value.is_some() { Source::Context { context: name, path } } else { Source::Unset };
                Ok::<_, SettingsError>(SettingReport {
                    name: self.key,
                    set: value.is_some(),
                    value,
                    secret: false,
                    source,
                })
            }
        })?)
    }
}

impl Request for ConfigSetRequest {
    const NAME: &'static str = "config set";
    const EFFECT: Effect = Effect::WritesElsewhere;
    type Report = SettingChange;

    async fn run(self, context: Context) -> Result<SettingChange, Failure> {
        Ok(in_world(&context, |world| {
            let key = Key::parse(&self.key)?;
            let mut editor = editor(self.scope, world)?;
            let value = key.value(&self.key, &self.values, editor.path())?;
            editor.set(&key.path(), &value);
            changed(self.key, Some(value), &key, &editor, world)
        })?)
    }
}

impl Request for ConfigUnsetRequest {
    const NAME: &'static str = "config unset";
    const EFFECT: Effect = Effect::WritesElsewhere;
    type Report = SettingChange;

    async fn run(self, context: Context) -> Result<SettingChange, Failure> {
        Ok(in_world(&context, |world| {
            let key = Key::parse(&self.key)?;
            let mut editor = editor(self.scope, world)?;
            editor.remove(&key.path());
            changed(self.key, None, &key, &editor, world)
        })?)
    }
}

impl Layers {
    /// A setting as the uppermost source has it.
    fn setting(&self, setting: &Setting) -> SettingReport {
        let layer = self.holder(setting);
        SettingReport {
            name: setting.name.to_owned(),
            value: layer.and_then(|layer| layer.get(setting)).cloned(),
            set: layer.is_some(),
            secret: setting.form == Form::Secret,
            source: layer.map_or(Source::Unset, |layer| layer.source(setting)),
        }
    }
}

/// Opens the file of this scope.
fn editor(scope: Option<SettingsScope>, world: &World<'_>) -> Result<SettingsEditor, SettingsError> {
    let workspace = Workspace::around(Path::new("."));
    match scope {
        Some(SettingsScope::User) => SettingsEditor::of_user(world),
        None if !workspace.is_marked() => SettingsEditor::of_user(world),
        Some(SettingsScope::Workspace) if !workspace.is_marked() => {
            Err(SettingsError::NoWorkspace { folder: workspace.root().to_owned() })
        }
        _ => SettingsEditor::of_workspace(workspace.settings(), world),
    }
}

/// Saves a file, and compares it with what counts then.
fn changed(
    key: String,
    value: Option<Value>,
    parts: &Key,
    editor: &SettingsEditor,
    world: &World<'_>,
) -> Result<SettingChange, SettingsError> {
    let (created, changed) = (!editor.is_there() && editor.is_changed(), editor.is_changed());
    if changed {
        editor.save()?;
    }
    let overridden = match parts {
        Key::Setting(setting) if value.is_some() => {
            let workspace = Workspace::around(Path::new("."));
            let source = Layers::read(Connection::default(), Some(&workspace), world)?.setting(setting).source;
            let is_it = matches!(&source, Source::Workspace { path } | Source::User { path } if path == editor.path());
            (!is_it).then_some(source)
        }
        _ => None,
    };
    Ok(SettingChange { key, value, file: editor.path().to_owned(), created, changed, overridden })
}

/// A key of a settings file, as people write it.
enum Key {
    /// `endpoints`
    Setting(&'static Setting),
    /// `contexts.prod.endpoints`
    InContext { name: String, key: ContextKey },
}

enum ContextKey {
    Setting(&'static Setting),
    /// `folder` or `workspace`
    Folder(&'static str),
}

impl Key {
    fn parse(text: &str) -> Result<Self, SettingsError> {
        let unknown = |word: &str| SettingsError::NoSetting { key: text.to_owned(), nearest: file::nearest(word) };
        let setting = |word: &str| SETTINGS.iter().find(|setting| setting.name == word).copied();
        let Some(rest) = text.strip_prefix(CONTEXTS).and_then(|rest| rest.strip_prefix('.')) else {
            return setting(text).map(Self::Setting).ok_or_else(|| unknown(text));
        };
        // The name of a context may have dots in it, a key has none.
        let (name, word) = rest.rsplit_once('.').ok_or_else(|| unknown(text))?;
        if !is_name(name) {
            return Err(unknown(text));
        }
        let key = match word {
            CONTEXT_FOLDER => ContextKey::Folder(CONTEXT_FOLDER),
            CONTEXT_WORKSPACE => ContextKey::Folder(CONTEXT_WORKSPACE),
            word => ContextKey::Setting(setting(word).ok_or_else(|| unknown(word))?),
        };
        Ok(Self::InContext { name: name.to_owned(), key })
    }

    fn path(&self) -> Vec<&str> {
        match self {
            Self::Setting(setting) => vec![setting.name],
            Self::InContext { name, key: ContextKey::Setting(setting) } => vec![CONTEXTS, name, setting.name],
            Self::InContext { name, key: ContextKey::Folder(key) } => vec![CONTEXTS, name, key],
        }
    }

    /// The value that these words are. `file` is for errors.
    fn value(&self, key: &str, words: &[String], file: &Path) -> Result<Value, SettingsError> {
        let setting = match self {
            Self::Setting(setting) | Self::InContext { key: ContextKey::Setting(setting), .. } => setting,
            Self::InContext { key: ContextKey::Folder(_), .. } => {
                let [word] = words else { return Err(SettingsError::OneValue { key: key.to_owned() }) };
                return Ok(Value::Path(word.into()));
            }
        };
        // Before the value is looked at: it may be the secret itself.
        if let Files::None { instead } = setting.files {
            let fault = FileFault::Secret { instead };
            return Err(SettingsError::Key { key: key.to_owned(), path: file.to_owned(), fault });
        }
        let refused = |value: &str| SettingsError::Value {
            key: key.to_owned(),
            value: value.to_owned(),
            form: format!("It {}.", FileFault::Form { form: setting.form }),
        };
        let value = match (setting.form, words) {
            (Form::List, words) => Value::List(words.iter().flat_map(|word| elements(word)).collect()),
            (_, [word]) if !word.is_empty() => parse(setting, setting.name, word).map_err(|_| refused(word))?,
            (_, [word]) => return Err(refused(word)),
            _ => return Err(SettingsError::OneValue { key: key.to_owned() }),
        };
        check(setting, &value)?;
        Ok(value)
    }
}

fn elements(word: &str) -> impl Iterator<Item = String> {
    word.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned)
}

/// Checks what only the reader of a value knows, so that no file gets a value that every later command would refuse.
fn check(setting: &Setting, value: &Value) -> Result<(), SettingsError> {
    let origin = || Source::Option;
    match (setting.name, value) {
        ("endpoints", Value::List(texts)) => texts.iter().try_for_each(|text| {
            text.parse::<Endpoint>().map(drop).map_err(|source| SettingsError::Endpoint {
                // A login that somebody put into it is not shown.
                text: text.rsplit_once('@').map_or(text.as_str(), |(_, host)| host).to_owned(),
                origin: origin(),
                source,
            })
        }),
        ("fingerprints", Value::List(texts)) => texts.iter().try_for_each(|text| {
            text.parse::<Fingerprint>().map(drop).map_err(|source| SettingsError::Fingerprint {
                text: text.clone(),
                origin: origin(),
                source,
            })
        }),
        ("min_tls", Value::Text(text)) => text
            .parse::<MinimumTls>()
            .map(drop)
            .map_err(|()| SettingsError::MinimumTls { text: text.clone(), origin: origin() }),
        ("username", Value::Text(text)) if !credentials::has_realm(text) => {
            Err(SettingsError::NoRealm { username: text.clone() })
        }
        _ => Ok(()),
    }
}

/// The words of a reason, for people.
impl ContextReason {
    /// The reason in a few words: `--context`.
    pub fn words(&self) -> &'static str {
        match self {
            Self::Option => "--context",
            Self::Environment => super::context::VARIABLE,
            Self::Folder => "its folder",
            Self::Choice => "context use",
        }
    }
}
