//! Layers: the settings of all sources, uppermost first, and what they amount to.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::context::{Contexts, same};
use super::layer::{Layer, Source, Value};
use super::table::{CA_FILE, CLUSTER, ENDPOINTS, FINGERPRINTS, INSECURE, MIN_TLS, SETTINGS, Setting, TIMEOUT};
use super::{
    Connection, Credentials, Endpoint, MinimumTls, SecretSource, Settings, SettingsError, Trust, World, file, login,
};
use crate::workspace::Workspace;

/// The settings of all sources, uppermost first.
#[derive(Debug)]
pub struct Layers {
    sources: Vec<Layer>,
    /// The context that counts.
    context: Option<String>,
    /// The names of all contexts.
    contexts: Vec<String>,
}

/// A setting that some source has: the value of the uppermost one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resolved {
    /// The name in a settings file.
    pub name: String,
    /// The value; `None` for a secret, which is never shown.
    pub value: Option<Value>,
    /// Its source.
    #[serde(flatten)]
    pub source: Source,
}

impl Layers {
    /// Reads every source: the request's connection, the environment, the context that counts, the file of the workspace, the
    /// user's file, the defaults.
    pub fn read(
        connection: Connection,
        workspace: Option<&Workspace>,
        world: &World<'_>,
    ) -> Result<Self, SettingsError> {
        let contexts = Contexts::read(workspace, world)?;
        let active = contexts.active(workspace, world)?;
        let (mut own, mut user) = (None, file::of_user(world)?.map(|file| file.layer));
        if let Some(workspace) = workspace {
            own = file::of_workspace(workspace, world)?.map(|file| file.layer);
        }
        let mut layers = vec![Layer::from(connection), Layer::environment(world)?];
        if let Some(active) = &active {
            layers.push(active.section.layer.clone());
            // A login is never sent to another cluster because a file lower down has it.
            if active.section.is_of_user() && active.section.layer.has(&ENDPOINTS) {
                user = user.map(|layer| layer.without(&CLUSTER));
                let is_its = |workspace: &Workspace| {
                    active.workspace().is_some_and(|folder| same(folder.root(), workspace.root()))
                };
                own = own.map(|layer| if workspace.is_some_and(is_its) { layer } else { layer.without(&CLUSTER) });
            }
        }
        layers.extend(own.into_iter().chain(user));
        layers.push(Layer::defaults()?);
        let context = active.map(|active| active.section.name.clone());
        Ok(Self { sources: layers, context, contexts: contexts.names() })
    }

    /// The name of the context that counts.
    pub fn context(&self) -> Option<&str> {
        self.context.as_deref()
    }

    /// The login.
    pub(crate) fn credentials(&self, world: &World<'_>) -> Result<Credentials, SettingsError> {
        login::credentials(&self.sources, world)
    }

    /// The place that the secret of the login comes from: a file, this variable where it is set, or a command.
    pub(crate) fn secret_source(&self, variable: &str) -> SecretSource {
        let named = SETTINGS.into_iter().find(|setting| setting.variable == Some(variable));
        match (self.secret_file(), named.and_then(|setting| self.holder(setting))) {
            (Some(path), _) => SecretSource::File { path: path.clone() },
            (None, Some(_)) => SecretSource::Environment { variable: variable.to_owned() },
            (None, None) => SecretSource::Command,
        }
    }

    /// The file that the secret of the login is read from, if it is read from one.
    pub(super) fn secret_file(&self) -> Option<&PathBuf> {
        login::secret_file(&self.sources)
    }

    /// Every setting that some source has, in the order of the table. Of logins and of certificates only the uppermost
    /// layer counts that names any, whatever the layers below it say.
    pub fn resolved(&self) -> Vec<Resolved> {
        let resolved = SETTINGS.iter().filter_map(|setting| {
            let layer = self.holder(setting)?;
            let name = setting.name.to_owned();
            Some(Resolved { name, value: layer.get(setting).cloned(), source: layer.source(setting) })
        });
        resolved.collect()
    }

    /// The settings of a client.
    pub fn settings(&self, world: &World<'_>) -> Result<Settings, SettingsError> {
        Ok(Settings {
            endpoints: self.endpoints()?,
            credentials: login::credentials(&self.sources, world)?,
            trust: self.trust(world)?,
            min_tls: self.min_tls()?,
            timeout: self.number(&TIMEOUT).map(Duration::from_secs),
        })
    }

    /// The URL of the state store; `None` for the file of the workspace.
    pub(super) fn state_url(&self, world: &World<'_>) -> Result<Option<SecretString>, SettingsError> {
        login::state_url(&self.sources, world)
    }

    /// The uppermost path.
    pub(super) fn path(&self, setting: &Setting) -> Option<PathBuf> {
        self.holder(setting)?.path(setting).cloned()
    }

    /// The uppermost text.
    pub(super) fn text(&self, setting: &Setting) -> Option<String> {
        self.holder(setting)?.text(setting).map(str::to_owned)
    }

    /// The uppermost number.
    pub(super) fn number(&self, setting: &Setting) -> Option<u64> {
        self.holder(setting)?.number(setting)
    }

    /// The uppermost layer that has the setting.
    pub(super) fn holder(&self, setting: &Setting) -> Option<&Layer> {
        self.sources.iter().find(|layer| layer.has(setting))
    }

    /// The endpoints of the uppermost layer that names any, each once.
    pub(crate) fn endpoints(&self) -> Result<Vec<Endpoint>, SettingsError> {
        let layer = self.holder(&ENDPOINTS).ok_or_else(|| SettingsError::NoEndpoint {
            contexts: if self.context.is_none() { self.contexts.clone() } else { Vec::new() },
        })?;
        let mut endpoints: Vec<Endpoint> = Vec::new();
        for text in layer.list(&ENDPOINTS).unwrap_or_default() {
            let endpoint = text.parse().map_err(|fault| SettingsError::Endpoint {
                text: shown(text),
                origin: layer.source(&ENDPOINTS),
                source: fault,
            })?;
            if !endpoints.contains(&endpoint) {
                endpoints.push(endpoint);
            }
        }
        Ok(endpoints)
    }

    pub(crate) fn min_tls(&self) -> Result<MinimumTls, SettingsError> {
        let layer = self.holder(&MIN_TLS);
        let Some((layer, text)) = layer.and_then(|layer| Some((layer, layer.text(&MIN_TLS)?))) else {
            return Ok(MinimumTls::default());
        };
        text.parse().map_err(|()| SettingsError::MinimumTls { text: text.to_owned(), origin: layer.source(&MIN_TLS) })
    }

    /// The uppermost layer that says anything about certificates decides; within it the strictest word counts. A layer that
    /// says `insecure = false` decides nothing, but lets no layer below it turn the check off.
    pub(crate) fn trust(&self, world: &World<'_>) -> Result<Trust, SettingsError> {
        let mut checked = false;
        for layer in &self.sources {
            if let Some(fingerprints) = layer.list(&FINGERPRINTS) {
                let parse = |text: &String| {
                    let origin = layer.source(&FINGERPRINTS);
                    text.parse().map_err(|fault| SettingsError::Fingerprint {
                        text: text.clone(),
                        origin,
                        source: fault,
                    })
                };
                return fingerprints.iter().map(parse).collect::<Result<_, _>>().map(Trust::Pinned);
            }
            if let Some(file) = layer.path(&CA_FILE) {
                return Ok(Trust::Authorities { file: file.clone(), pem: login::read(file, world)? });
            }
            match layer.switch(&INSECURE) {
                Some(true) if !checked => return Ok(Trust::Insecure),
                Some(false) => checked = true,
                _ => {}
            }
        }
        Ok(Trust::System)
    }
}

/// The endpoint as an error may show it: without a login that somebody put into it.
fn shown(endpoint: &str) -> String {
    endpoint.rsplit_once('@').map_or(endpoint, |(_, host)| host).to_owned()
}
