//! Layers: the settings of all sources, uppermost first, and what they amount to.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::layer::{Layer, Source, Value};
use super::table::{CA_FILE, ENDPOINTS, FINGERPRINTS, INSECURE, MIN_TLS, SETTINGS, Setting, TIMEOUT};
use super::{Connection, Endpoint, MinimumTls, Settings, SettingsError, Trust, World, file, login};
use crate::workspace::Workspace;

/// The settings of all sources, uppermost first.
#[derive(Debug)]
pub struct Layers(Vec<Layer>);

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
    /// Reads every source: the request's connection, the environment, the file of the workspace, the user's file, the
    /// defaults.
    pub fn read(
        connection: Connection,
        workspace: Option<&Workspace>,
        world: &World<'_>,
    ) -> Result<Self, SettingsError> {
        let mut layers = vec![Layer::from(connection), Layer::environment(world)?];
        layers.extend(file::layers(workspace, world)?);
        layers.push(Layer::defaults()?);
        Ok(Self(layers))
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
            credentials: login::credentials(&self.0, world)?,
            trust: self.trust(world)?,
            min_tls: self.min_tls()?,
            timeout: self.number(&TIMEOUT).map(Duration::from_secs),
        })
    }

    /// The URL of the state store; `None` for the file of the workspace.
    pub(super) fn state_url(&self, world: &World<'_>) -> Result<Option<SecretString>, SettingsError> {
        login::state_url(&self.0, world)
    }

    /// The uppermost path.
    pub(super) fn path(&self, setting: &Setting) -> Option<PathBuf> {
        self.holder(setting)?.path(setting).cloned()
    }

    /// The uppermost number.
    pub(super) fn number(&self, setting: &Setting) -> Option<u64> {
        self.holder(setting)?.number(setting)
    }

    /// The uppermost layer that has the setting.
    fn holder(&self, setting: &Setting) -> Option<&Layer> {
        self.0.iter().find(|layer| layer.has(setting))
    }

    /// The endpoints of the uppermost layer that names any, each once.
    fn endpoints(&self) -> Result<Vec<Endpoint>, SettingsError> {
        let layer = self.holder(&ENDPOINTS).ok_or(SettingsError::NoEndpoint)?;
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

    fn min_tls(&self) -> Result<MinimumTls, SettingsError> {
        let layer = self.holder(&MIN_TLS);
        let Some((layer, text)) = layer.and_then(|layer| Some((layer, layer.text(&MIN_TLS)?))) else {
            return Ok(MinimumTls::default());
        };
        text.parse().map_err(|()| SettingsError::MinimumTls { text: text.to_owned(), origin: layer.source(&MIN_TLS) })
    }

    /// The uppermost layer that says anything about certificates decides; within it the strictest word counts. A layer that
    /// says `insecure = false` decides nothing, but lets no layer below it turn the check off.
    fn trust(&self, world: &World<'_>) -> Result<Trust, SettingsError> {
        let mut checked = false;
        for layer in &self.0 {
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
