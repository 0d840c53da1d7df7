//! Layer: the settings that one source has, by name.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::table::{Form, SETTINGS, Setting};
use super::{Connection, SettingsError, World, table};

/// A value that is no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Value {
    /// `true` or `false`.
    Switch(bool),
    /// A whole number.
    Number(u64),
    /// A text.
    Text(String),
    /// The path of a file or a program.
    Path(PathBuf),
    /// Texts in their order.
    List(Vec<String>),
}

/// The source of a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "source", rename_all = "snake_case")]
pub enum Source {
    /// The request itself: an option of the command line.
    Option,
    /// The environment.
    Environment {
        /// The variable.
        variable: String,
    },
    /// A context, in one of the two files.
    Context {
        /// The name of the context.
        context: String,
        /// The file.
        path: PathBuf,
    },
    /// The settings file of the workspace.
    Workspace {
        /// The file.
        path: PathBuf,
    },
    /// The user's settings file.
    User {
        /// The file.
        path: PathBuf,
    },
    /// The default.
    Default,
    /// No source has it.
    Unset,
}

/// The source of all values of a layer.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    Options,
    Environment,
    Context { name: String, path: PathBuf, of_workspace: bool },
    Workspace(PathBuf),
    User(PathBuf),
    Defaults,
}

/// The settings that one source has. Secrets are kept apart, and never printed.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) origin: Origin,
    pub(super) values: BTreeMap<&'static str, Value>,
    pub(super) secrets: BTreeMap<&'static str, SecretString>,
}

impl Layer {
    pub(super) fn new(origin: Origin) -> Self {
        Self { origin, values: BTreeMap::new(), secrets: BTreeMap::new() }
    }

    /// The environment. `PROXMOX_VE_…` are the variables of Terraform's provider (docs/provider.md, R1); what the provider
    /// has no word for is `PROXMOX_MPC_…`. An empty variable counts as unset.
    pub(super) fn environment(world: &World<'_>) -> Result<Self, SettingsError> {
        let mut layer = Self::new(Origin::Environment);
        for setting in SETTINGS {
            let Some(name) = setting.variable else { continue };
            match (world.variable)(name).filter(|text| !text.is_empty()) {
                Some(text) if setting.form == Form::Secret => drop(layer.secrets.insert(setting.name, text.into())),
                Some(text) => layer.put(setting, parse(setting, name, &text)?),
                None => {}
            }
        }
        Ok(layer)
    }

    /// The defaults of the table.
    pub(super) fn defaults() -> Result<Self, SettingsError> {
        let mut layer = Self::new(Origin::Defaults);
        for setting in SETTINGS {
            if let Some(text) = setting.default {
                layer.put(setting, parse(setting, setting.name, text)?);
            }
        }
        Ok(layer)
    }

    /// Adds a value; a list without elements says nothing.
    pub(super) fn put(&mut self, setting: &Setting, value: Value) {
        if value != Value::List(Vec::new()) {
            self.values.insert(setting.name, value);
        }
    }

    pub(super) fn get(&self, setting: &Setting) -> Option<&Value> {
        self.values.get(setting.name)
    }

    pub(super) fn text(&self, setting: &Setting) -> Option<&str> {
        match self.get(setting) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn list(&self, setting: &Setting) -> Option<&[String]> {
        match self.get(setting) {
            Some(Value::List(texts)) => Some(texts),
            _ => None,
        }
    }

    pub(super) fn path(&self, setting: &Setting) -> Option<&PathBuf> {
        match self.get(setting) {
            Some(Value::Path(path)) => Some(path),
            _ => None,
        }
    }

    pub(super) fn number(&self, setting: &Setting) -> Option<u64> {
        match self.get(setting) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn switch(&self, setting: &Setting) -> Option<bool> {
        match self.get(setting) {
            Some(Value::Switch(switch)) => Some(*switch),
            _ => None,
        }
    }

    pub(super) fn secret(&self, setting: &Setting) -> Option<&SecretString> {
        self.secrets.get(setting.name)
    }

    /// Removes these settings.
    #[must_use]
    pub(super) fn without(mut self, settings: &[&Setting]) -> Self {
        self.values.retain(|name, _| !settings.iter().any(|setting| setting.name == *name));
        self
    }

    /// Reports whether the layer has the setting, secret or not.
    pub(super) fn has(&self, setting: &Setting) -> bool {
        self.values.contains_key(setting.name) || self.secrets.contains_key(setting.name)
    }

    /// The source of a setting that the layer has.
    pub(super) fn source(&self, setting: &Setting) -> Source {
        match &self.origin {
            Origin::Options => Source::Option,
            Origin::Environment => Source::Environment { variable: setting.variable.unwrap_or_default().to_owned() },
            Origin::Context { name, path, .. } => Source::Context { context: name.clone(), path: path.clone() },
            Origin::Workspace(path) => Source::Workspace { path: path.clone() },
            Origin::User(path) => Source::User { path: path.clone() },
            Origin::Defaults => Source::Default,
        }
    }
}

impl From<Connection> for Layer {
    fn from(connection: Connection) -> Self {
        let (text, path) =
            (|text: Option<String>| text.map(Value::Text), |path: Option<PathBuf>| path.map(Value::Path));
        let values = [
            (&table::ENDPOINTS, Some(Value::List(connection.endpoints))),
            (&table::USERNAME, text(connection.username)),
            (&table::API_TOKEN_FILE, path(connection.api_token_file)),
            (&table::API_TOKEN_COMMAND, text(connection.api_token_command)),
            (&table::PASSWORD_FILE, path(connection.password_file)),
            (&table::PASSWORD_COMMAND, text(connection.password_command)),
            (&table::CA_FILE, path(connection.ca_file)),
            (&table::FINGERPRINTS, Some(Value::List(connection.fingerprints))),
            (&table::INSECURE, connection.insecure.then_some(Value::Switch(true))),
            (&table::MIN_TLS, text(connection.min_tls)),
            (&table::TIMEOUT, connection.timeout.map(Value::Number)),
        ];
        let mut layer = Self::new(Origin::Options);
        for (setting, value) in values {
            if let Some(value) = value {
                layer.put(setting, value);
            }
        }
        layer
    }
}

/// A value as the environment has it. `name` is for the error.
pub(super) fn parse(setting: &Setting, name: &'static str, text: &str) -> Result<Value, SettingsError> {
    Ok(match setting.form {
        Form::Text | Form::Secret => Value::Text(text.to_owned()),
        Form::Path | Form::Program => Value::Path(PathBuf::from(text)),
        Form::List => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Value::List(parts.map(str::to_owned).collect())
        }
        Form::Switch => Value::Switch(boolean(name, text)?),
        Form::Number(least, most) => {
            let number = text.parse().ok().filter(|number| (least..=most).contains(number));
            Value::Number(number.ok_or_else(|| SettingsError::Number { name, least, most })?)
        }
    })
}

/// The words that Go's `strconv.ParseBool` takes, since the provider reads the same variable with it.
pub(super) fn boolean(name: &'static str, text: &str) -> Result<bool, SettingsError> {
    match text {
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        _ => Err(SettingsError::Boolean { name }),
    }
}
