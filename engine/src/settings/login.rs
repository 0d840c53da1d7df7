//! Login: the credentials that the layers name, the URL of the state store, and where such secrets are read.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::credentials::has_realm;
use super::layer::Layer;
use super::table::{
    API_TOKEN, API_TOKEN_COMMAND, API_TOKEN_FILE, AUTH_TICKET, CSRF_PREVENTION_TOKEN, OTP, PASSWORD, PASSWORD_COMMAND,
    PASSWORD_FILE, STATE_URL, STATE_URL_COMMAND, STATE_URL_FILE, Setting, USERNAME,
};
use super::{Credentials, SettingsError, World};

/// A secret's three settings: itself, the file that holds it, and the command that prints it.
type Secret = [&'static Setting; 3];

const TOKENS: Secret = [&API_TOKEN, &API_TOKEN_FILE, &API_TOKEN_COMMAND];
const PASSWORDS: Secret = [&PASSWORD, &PASSWORD_FILE, &PASSWORD_COMMAND];
const STATE_URLS: Secret = [&STATE_URL, &STATE_URL_FILE, &STATE_URL_COMMAND];

/// The uppermost layer that names a way to log in chooses it; a password's other half may come from below.
/// Within a layer a token wins over a ticket, and a ticket over a password, as in the provider.
pub(super) fn credentials(layers: &[Layer], world: &World<'_>) -> Result<Credentials, SettingsError> {
    for layer in layers {
        if let Some(token) = secret(layer, TOKENS, world)? {
            return Credentials::token(&token).ok_or(SettingsError::Token);
        }
        if let Some(ticket) = layer.secret(&AUTH_TICKET) {
            let csrf = layer.secret(&CSRF_PREVENTION_TOKEN).cloned();
            return Credentials::ticket(ticket.clone(), csrf).ok_or(SettingsError::Ticket);
        }
        if layer.has(&USERNAME) || names(layer, PASSWORDS) {
            return password(layers, world);
        }
    }
    Err(SettingsError::NoCredentials)
}

/// The URL of the state store, from the uppermost layer that names it.
pub(super) fn state_url(layers: &[Layer], world: &World<'_>) -> Result<Option<SecretString>, SettingsError> {
    let layer = layers.iter().find(|layer| names(layer, STATE_URLS));
    layer.map_or(Ok(None), |layer| secret(layer, STATE_URLS, world))
}

/// The file that [`credentials`] reads the secret from, if it is read from one.
pub(super) fn secret_file(layers: &[Layer]) -> Option<&PathBuf> {
    for layer in layers {
        if names(layer, TOKENS) {
            return file_of(layer, TOKENS);
        }
        if layer.has(&AUTH_TICKET) {
            return None;
        }
        if layer.has(&USERNAME) || names(layer, PASSWORDS) {
            return layers.iter().find(|layer| names(layer, PASSWORDS)).and_then(|layer| file_of(layer, PASSWORDS));
        }
    }
    None
}

/// The file of a layer's secret, where the layer does not have the secret itself.
fn file_of(layer: &Layer, [plain, file, _]: Secret) -> Option<&PathBuf> {
    if layer.has(plain) { None } else { layer.path(file) }
}

fn names(layer: &Layer, secret: Secret) -> bool {
    secret.into_iter().any(|setting| layer.has(setting))
}

fn password(layers: &[Layer], world: &World<'_>) -> Result<Credentials, SettingsError> {
    let username = layers.iter().find_map(|layer| layer.text(&USERNAME)).ok_or(SettingsError::NoUsername)?.to_owned();
    if !has_realm(&username) {
        return Err(SettingsError::NoRealm { username });
    }
    let Some(layer) = layers.iter().find(|layer| names(layer, PASSWORDS)) else {
        return Err(SettingsError::NoPassword { username });
    };
    let Some(password) = secret(layer, PASSWORDS, world)? else {
        return Err(SettingsError::NoPassword { username });
    };
    let otp = layers.iter().find_map(|layer| layer.secret(&OTP).cloned());
    Ok(Credentials::Password { username, password, otp })
}

/// The secret that a layer gives as it is, in a file, or by a command: the first of these that it has.
fn secret(layer: &Layer, settings: Secret, world: &World<'_>) -> Result<Option<SecretString>, SettingsError> {
    let [plain, file, command] = settings;
    if let Some(plain) = layer.secret(plain) {
        return Ok(Some(plain.clone()));
    }
    let (text, origin) = if let Some(path) = layer.path(file) {
        (read(path, world)?, path.display().to_string())
    } else if let Some(command) = layer.text(command) {
        let words = shlex::split(command).filter(|words| !words.is_empty());
        let words = words.ok_or_else(|| SettingsError::Command { command: command.to_owned() })?;
        let run = (world.run)(&words);
        (run.map_err(|source| SettingsError::Run { program: words[0].clone(), source })?, words[0].clone())
    } else {
        return Ok(None);
    };
    // Editors and `echo` end the last line; no secret ends with a line break.
    let text = SecretString::from(text.trim_end_matches(['\r', '\n']));
    if text.expose_secret().is_empty() {
        return Err(SettingsError::Empty { origin });
    }
    Ok(Some(text))
}

/// The text of a file that a setting names.
pub(super) fn read(path: &Path, world: &World<'_>) -> Result<String, SettingsError> {
    (world.read)(path).map_err(|source| SettingsError::File { path: path.to_owned(), source })
}
