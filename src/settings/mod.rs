//! How to reach a cluster and as whom: the only room that reads the environment.
//!
//! Options win over the environment, and the environment over the workspace's file.

use std::error::Error;
use std::io;
use std::path::Path;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

mod credentials;
mod endpoint;
mod error;
mod flags;
mod trust;

pub use credentials::Credentials;
pub use endpoint::{Endpoint, EndpointError};
pub use error::SettingsError;
pub use flags::Flags;
pub use trust::{Fingerprint, MinimumTls, NoFingerprint, Trust};

use flags::Layer;

/// Everything that a client needs to know. No secret in it is ever printed.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The nodes of the one cluster, best first; never empty.
    pub endpoints: Vec<Endpoint>,
    /// As whom.
    pub credentials: Credentials,
    /// Whose certificate is believed.
    pub trust: Trust,
    /// The least version of TLS.
    pub min_tls: MinimumTls,
    /// How long one answer may take; `None` for the client's own patience.
    pub timeout: Option<Duration>,
}

/// The parts of the world that settings are read from, so that tests can make up their own.
pub struct World<'w> {
    /// The value of an environment variable.
    pub variable: &'w dyn Fn(&str) -> Option<String>,
    /// The text of a file.
    pub read: &'w dyn Fn(&Path) -> io::Result<String>,
    /// What a program, given with its arguments, prints on standard output.
    pub run: &'w dyn Fn(&[String]) -> Result<String, Failure>,
}

/// Whatever went wrong with a program.
pub type Failure = Box<dyn Error + Send + Sync>;

/// An environment variable of this process, where it is set.
pub fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "this is the one door to the environment")]
    let value = std::env::var_os(name);
    value.map(|value| value.to_string_lossy().into_owned())
}

/// The settings that these options, this world and the workspace's file together make.
pub fn resolve(options: Flags, file: Flags, world: &World<'_>) -> Result<Settings, SettingsError> {
    let layers = [Layer::from(options), Layer::environment(world)?, Layer::from(file)];
    let first = |get: fn(&Flags) -> Option<String>| layers.iter().find_map(|layer| get(&layer.flags));
    let min_tls = first(|flags| flags.min_tls.clone())
        .map(|text| text.parse().map_err(|()| SettingsError::MinimumTls { text }))
        .transpose()?;
    Ok(Settings {
        endpoints: endpoints(&layers)?,
        credentials: credentials(&layers, world)?,
        trust: trust(&layers, world)?,
        min_tls: min_tls.unwrap_or_default(),
        timeout: layers.iter().find_map(|layer| layer.flags.timeout).map(Duration::from_secs),
    })
}

fn endpoints(layers: &[Layer]) -> Result<Vec<Endpoint>, SettingsError> {
    let named = layers.iter().map(|layer| &layer.flags.endpoints).find(|endpoints| !endpoints.is_empty());
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for text in named.ok_or(SettingsError::NoEndpoint)? {
        let endpoint = text.parse().map_err(|source| SettingsError::Endpoint { text: shown(text), source })?;
        if !endpoints.contains(&endpoint) {
            endpoints.push(endpoint);
        }
    }
    Ok(endpoints)
}

/// The endpoint as an error may show it: without a login that somebody put into it.
fn shown(endpoint: &str) -> String {
    endpoint.rsplit_once('@').map_or(endpoint, |(_, host)| host).to_owned()
}

/// The uppermost layer that names a way to log in chooses it; a password's other half may come from below.
/// Within a layer a token wins over a ticket, and a ticket over a password, as in the provider.
fn credentials(layers: &[Layer], world: &World<'_>) -> Result<Credentials, SettingsError> {
    for layer in layers {
        let (file, command) = (layer.flags.api_token_file.as_deref(), layer.flags.api_token_command.as_deref());
        if let Some(token) = secret(layer.api_token.as_ref(), file, command, world)? {
            return Credentials::token(&token).ok_or(SettingsError::Token);
        }
        if let Some(ticket) = &layer.auth_ticket {
            return Credentials::ticket(ticket.clone(), layer.csrf.clone()).ok_or(SettingsError::Ticket);
        }
        if layer.flags.username.is_some() || layer.names_password() {
            return password(layers, world);
        }
    }
    Err(SettingsError::NoCredentials)
}

impl Layer {
    fn names_password(&self) -> bool {
        self.password.is_some() || self.flags.password_file.is_some() || self.flags.password_command.is_some()
    }
}

fn password(layers: &[Layer], world: &World<'_>) -> Result<Credentials, SettingsError> {
    let username = layers.iter().find_map(|layer| layer.flags.username.clone()).ok_or(SettingsError::NoUsername)?;
    if !credentials::has_realm(&username) {
        return Err(SettingsError::NoRealm { username });
    }
    let Some(layer) = layers.iter().find(|layer| layer.names_password()) else {
        return Err(SettingsError::NoPassword { username });
    };
    let (file, command) = (layer.flags.password_file.as_deref(), layer.flags.password_command.as_deref());
    let Some(password) = secret(layer.password.as_ref(), file, command, world)? else {
        return Err(SettingsError::NoPassword { username });
    };
    let otp = layers.iter().find_map(|layer| layer.otp.clone());
    Ok(Credentials::Password { username, password, otp })
}

/// A secret given as it is, in a file, or by a command: the first of these that is there.
fn secret(
    plain: Option<&SecretString>,
    file: Option<&Path>,
    command: Option<&str>,
    world: &World<'_>,
) -> Result<Option<SecretString>, SettingsError> {
    if let Some(plain) = plain {
        return Ok(Some(plain.clone()));
    }
    let (text, origin) = if let Some(path) = file {
        let text = (world.read)(path).map_err(|source| SettingsError::File { path: path.to_owned(), source })?;
        (text, path.display().to_string())
    } else if let Some(command) = command {
        let words = shlex::split(command).filter(|words| !words.is_empty());
        let words = words.ok_or_else(|| SettingsError::Command { command: command.to_owned() })?;
        let run = (world.run)(&words);
        (run.map_err(|source| SettingsError::Run { program: words[0].clone(), source })?, words[0].clone())
    } else {
        return Ok(None);
    };
    // Editors and `echo` end the last line; no secret of Proxmox ends with a line break.
    let text = SecretString::from(text.trim_end_matches(['\r', '\n']));
    if text.expose_secret().is_empty() {
        return Err(SettingsError::Empty { origin });
    }
    Ok(Some(text))
}

/// The uppermost layer that says anything about certificates decides; within it the strictest word counts.
fn trust(layers: &[Layer], world: &World<'_>) -> Result<Trust, SettingsError> {
    for Flags { fingerprints, ca_file, insecure, .. } in layers.iter().map(|layer| &layer.flags) {
        if !fingerprints.is_empty() {
            let parse = |text: &String| {
                text.parse().map_err(|source| SettingsError::Fingerprint { text: text.clone(), source })
            };
            return fingerprints.iter().map(parse).collect::<Result<_, _>>().map(Trust::Pinned);
        }
        if let Some(file) = ca_file {
            let pem = (world.read)(file).map_err(|source| SettingsError::File { path: file.clone(), source })?;
            return Ok(Trust::Authorities { file: file.clone(), pem });
        }
        if *insecure {
            return Ok(Trust::Insecure);
        }
    }
    Ok(Trust::System)
}
