//! How to reach a cluster and as whom: the only room that reads the environment.
//!
//! Options win over the environment, and the environment over the workspace's file.

use std::error::Error;
use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use secrecy::{ExposeSecret, SecretString};

use crate::operation::{Context, Message};
use crate::toolchain::invocation::Invocation;
use crate::toolchain::process::{self, Stream};

mod cautions;
mod connection;
mod credentials;
mod endpoint;
mod error;
mod sources;
mod trust;

pub use cautions::{Caution, cautions, provider_caution};
pub use connection::Connection;
pub use credentials::Credentials;
pub use endpoint::{Endpoint, EndpointError};
pub use error::SettingsError;
pub use sources::Sources;
pub use trust::{Fingerprint, MinimumTls, NoFingerprint, Trust};

use connection::Layer;

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
    pub run: &'w dyn Fn(&[String]) -> Result<String, ProgramError>,
}

/// Whatever went wrong with a program.
pub type ProgramError = Box<dyn Error + Send + Sync>;

/// The settings for a request's connection, and the client's cautions told to whoever follows the operation.
pub fn of(context: &Context, connection: Connection) -> Result<Settings, SettingsError> {
    let world = World {
        variable: &|name| context.sources().variable(name).map(str::to_owned),
        read: &|path| fs::read_to_string(path),
        run: &|arguments| printed(arguments, context),
    };
    let settings = resolve(connection, Connection::default(), &world)?;
    for caution in cautions(&settings, &world) {
        context.message(Message::Caution(caution));
    }
    Ok(settings)
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

/// The settings that these options, this world and the workspace's file together make.
pub fn resolve(options: Connection, file: Connection, world: &World<'_>) -> Result<Settings, SettingsError> {
    let layers = [Layer::from(options), Layer::environment(world)?, Layer::from(file)];
    let first = |get: fn(&Connection) -> Option<String>| layers.iter().find_map(|layer| get(&layer.connection));
    let min_tls = first(|connection| connection.min_tls.clone())
        .map(|text| text.parse().map_err(|()| SettingsError::MinimumTls { text }))
        .transpose()?;
    Ok(Settings {
        endpoints: endpoints(&layers)?,
        credentials: credentials(&layers, world)?,
        trust: trust(&layers, world)?,
        min_tls: min_tls.unwrap_or_default(),
        timeout: layers.iter().find_map(|layer| layer.connection.timeout).map(Duration::from_secs),
    })
}

fn endpoints(layers: &[Layer]) -> Result<Vec<Endpoint>, SettingsError> {
    let named = layers.iter().map(|layer| &layer.connection.endpoints).find(|endpoints| !endpoints.is_empty());
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
        let (file, command) =
            (layer.connection.api_token_file.as_deref(), layer.connection.api_token_command.as_deref());
        if let Some(token) = secret(layer.api_token.as_ref(), file, command, world)? {
            return Credentials::token(&token).ok_or(SettingsError::Token);
        }
        if let Some(ticket) = &layer.auth_ticket {
            return Credentials::ticket(ticket.clone(), layer.csrf.clone()).ok_or(SettingsError::Ticket);
        }
        if layer.connection.username.is_some() || layer.names_password() {
            return password(layers, world);
        }
    }
    Err(SettingsError::NoCredentials)
}

impl Layer {
    fn names_password(&self) -> bool {
        self.password.is_some() || self.connection.password_file.is_some() || self.connection.password_command.is_some()
    }
}

fn password(layers: &[Layer], world: &World<'_>) -> Result<Credentials, SettingsError> {
    let username =
        layers.iter().find_map(|layer| layer.connection.username.clone()).ok_or(SettingsError::NoUsername)?;
    if !credentials::has_realm(&username) {
        return Err(SettingsError::NoRealm { username });
    }
    let Some(layer) = layers.iter().find(|layer| layer.names_password()) else {
        return Err(SettingsError::NoPassword { username });
    };
    let (file, command) = (layer.connection.password_file.as_deref(), layer.connection.password_command.as_deref());
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
    for Connection { fingerprints, ca_file, insecure, .. } in layers.iter().map(|layer| &layer.connection) {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::operation::fault::{Fault, FaultKind};

    const TOKEN: &str = "root@pam!iac=11111111-2222-3333-4444-555555555555";

    /// Resolves in a made-up world: these variables, a file for each path that starts with `/`, and commands that
    /// print their own words.
    fn resolved(options: &[(&str, &str)], environment: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let environment: BTreeMap<&str, &str> = environment.iter().copied().collect();
        let world = World {
            variable: &|name| environment.get(name).map(ToString::to_string),
            read: &|path| match path.to_str().unwrap() {
                "/token" => Ok(format!("{TOKEN}\n")),
                "/password" => Ok("from file\r\n".to_owned()),
                "/empty" => Ok("\n".to_owned()),
                _ => Err(io::ErrorKind::NotFound.into()),
            },
            run: &|words| match words {
                [program, rest @ ..] if program == "print" => Ok(format!("{}\n", rest.join(" "))),
                _ => Err("no such program".into()),
            },
        };
        resolve(connection(options), Connection::default(), &world)
    }

    /// As whom and with which secret the settings log in.
    fn login(settings: &Settings) -> String {
        let (kind, secret) = match &settings.credentials {
            Credentials::Token { secret, .. } => ("token", secret),
            Credentials::Ticket { ticket, .. } => ("ticket", ticket),
            Credentials::Password { password, .. } => ("password", password),
        };
        format!("{kind} {} {}", settings.credentials.login(), secret.expose_secret())
    }

    #[test]
    fn options_win_over_the_environment() {
        let environment = [
            ("PROXMOX_VE_ENDPOINT", "https://pve1.example:8006/, pve2.example,pve2.example"),
            ("PROXMOX_VE_API_TOKEN", TOKEN),
            ("PROXMOX_VE_PASSWORD", "from environment"),
            ("PROXMOX_VE_INSECURE", "true"),
            ("PROXMOX_VE_MIN_TLS", "1.2"),
        ];
        let check = |options: &[&str], endpoints: &[&str], expected: &str| {
            let settings = resolved(options, &environment).unwrap();
            let found: Vec<String> = settings.endpoints.iter().map(ToString::to_string).collect();
            assert_eq!(found, endpoints, "{options:?}");
            assert_eq!(login(&settings), expected, "{options:?}");
            assert_eq!(settings.min_tls, MinimumTls::V12);
        };
        let both = ["https://pve1.example:8006/", "https://pve2.example:8006/"];
        let token = "token root@pam!iac 11111111-2222-3333-4444-555555555555";
        check(&[], &both, token);
        check(&["--endpoint", "10.0.0.1"], &["https://10.0.0.1:8006/"], token);
        check(&["--api-token-command", "print 'a@pve!b=1'"], &both, "token a@pve!b 1");
        check(&["--username", "alice@pve"], &both, "password alice@pve from environment");
        check(&["--username", "alice@pve", "--password-file", "/password"], &both, "password alice@pve from file");
        check(&["--username", "a@pve", "--password-command", "print 'two  words'"], &both, "password a@pve two  words");
    }

    #[test]
    fn the_environment_alone_is_enough() {
        let check = |environment: &[(&str, &str)], expected: &str| {
            let environment = [&[("PROXMOX_VE_ENDPOINT", "pve")], environment].concat();
            assert_eq!(login(&resolved(&[], &environment).unwrap()), expected);
        };
        let password = ("PROXMOX_VE_PASSWORD", "secret");
        let user = ("PROXMOX_VE_USERNAME", "root@pam");
        let ticket = ("PROXMOX_VE_AUTH_TICKET", "PVE:alice@pve:6B038E50::e1==");
        check(&[user, password], "password root@pam secret");
        check(&[user, password, ticket], "ticket alice@pve PVE:alice@pve:6B038E50::e1==");
        let token = "token root@pam!iac 11111111-2222-3333-4444-555555555555";
        check(&[user, password, ticket, ("PROXMOX_MPC_API_TOKEN_FILE", "/token")], token);
        check(&[("PROXMOX_VE_API_TOKEN", ""), user, password], "password root@pam secret");
    }

    #[test]
    fn trust_is_the_strictest_word_of_the_uppermost_layer() {
        let pin = "AB".repeat(32);
        let check = |options: &[&str], environment: &[(&str, &str)], expected: Trust| {
            let environment =
                [&[("PROXMOX_VE_API_TOKEN", TOKEN), ("PROXMOX_VE_ENDPOINT", "pve")], environment].concat();
            assert_eq!(resolved(options, &environment).unwrap().trust, expected);
        };
        let insecure = ("PROXMOX_VE_INSECURE", "1");
        let pinned = Trust::Pinned(vec![pin.parse().unwrap()]);
        check(&[], &[], Trust::System);
        check(&[], &[insecure], Trust::Insecure);
        check(&[], &[insecure, ("PROXMOX_MPC_FINGERPRINT", &pin)], pinned.clone());
        check(&["--fingerprint", &pin], &[insecure], pinned);
        check(&["--insecure"], &[("PROXMOX_MPC_FINGERPRINT", &pin)], Trust::Insecure);
        let authorities = Trust::Authorities { file: "/password".into(), pem: "from file\r\n".to_owned() };
        check(&["--ca-file", "/password"], &[insecure], authorities);
    }

    #[test]
    fn what_is_wrong_is_said_without_a_secret() {
        let check = |options: &[&str], environment: &[(&str, &str)], expected: &str, kind: FaultKind| {
            let error = resolved(options, environment).unwrap_err();
            assert_eq!(error.to_string(), expected);
            assert_eq!(error.kind(), kind, "{expected}");
            assert!(!format!("{error:?} {:?}", error.hints()).contains("CANARY"), "{error:?}");
        };
        let token = ("PROXMOX_VE_API_TOKEN", TOKEN);
        let pve = ("PROXMOX_VE_ENDPOINT", "pve");
        let user = ("PROXMOX_VE_USERNAME", "root");
        let usage = FaultKind::Usage;
        check(&[], &[token], "no Proxmox endpoint was given", usage);
        check(&["--endpoint", "http://pve"], &[token], "`http://pve` is no Proxmox endpoint", usage);
        check(&["--endpoint", "https://a:CANARY@pve"], &[token], "`pve` is no Proxmox endpoint", usage);
        check(&[], &[pve], "no credentials were given", usage);
        let shape = "the API token does not have the form USER@REALM!NAME=UUID";
        check(&[], &[pve, ("PROXMOX_VE_API_TOKEN", "CANARY")], shape, usage);
        check(&[], &[pve, ("PROXMOX_VE_PASSWORD", "CANARY")], "a password was given, but no user name", usage);
        check(&[], &[pve, user], "the user name `root` lacks its realm", usage);
        check(&["--username", "a@pve"], &[pve], "no password was given for `a@pve`", usage);
        check(&["--min-tls", "2"], &[pve, token], "`2` is no version of TLS", usage);
        check(&["--fingerprint", "AB:CD"], &[pve, token], "`AB:CD` is no fingerprint", usage);
        let insecure = ("PROXMOX_VE_INSECURE", "maybe");
        check(&[], &[pve, token, insecure], "PROXMOX_VE_INSECURE is neither `true` nor `false`", usage);
        check(&["--api-token-file", "/none"], &[pve], "cannot read /none", FaultKind::Failed);
        check(&["--api-token-file", "/empty"], &[pve], "the secret from /empty is empty", FaultKind::Failed);
        let program = "the command `pass` did not print a secret";
        check(&["--api-token-command", "pass show x"], &[pve], program, FaultKind::Failed);
        let quotes = "`print 'x` is no command: its quotes do not match, or it is empty";
        check(&["--api-token-command", "print 'x"], &[pve], quotes, usage);
    }

    #[test]
    fn settings_are_printed_without_secrets() {
        let check = |environment: &[(&str, &str)]| {
            let environment = [&[("PROXMOX_VE_ENDPOINT", "pve")], environment].concat();
            let settings = resolved(&[], &environment).unwrap();
            assert!(!format!("{settings:?} {settings:#?}").contains("CANARY"));
        };
        check(&[("PROXMOX_VE_API_TOKEN", "root@pam!iac=CANARY")]);
        check(&[("PROXMOX_VE_USERNAME", "a@pve"), ("PROXMOX_VE_PASSWORD", "CANARY"), ("PROXMOX_VE_OTP", "CANARY")]);
        check(&[("PROXMOX_VE_AUTH_TICKET", "PVE:a@pve:1::CANARY"), ("PROXMOX_VE_CSRF_PREVENTION_TOKEN", "CANARY")]);
    }
}
