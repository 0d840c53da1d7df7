//! Login: the one of the settings, or one that a person types; tried before anything is written.

use std::path::Path;

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::permissions::Permissions;
use secrecy::SecretString;

use super::certificate::Trusted;
use super::typed_secret::{Typed, secret_file};
use super::{InitError, Interview, layers};
use crate::client::{Client, ClientError, Limits};
use crate::operation::{Cancel, Failure, Person, Prompt, PromptError, Step, StepKind};
use crate::settings::{self, Connection, Credentials, Endpoint, SecretSource, Settings, SettingsError};
use crate::workspace::Workspace;

/// A login that works.
pub(super) struct Login {
    /// `user@realm`, or `user@realm!name` of a token.
    pub(super) name: String,
    pub(super) pve_version: Option<String>,
    pub(super) permissions: Permissions,
    /// The place that the secret comes from, unless it is written to a file now.
    pub(super) secret: SecretSource,
    /// The secret that was typed, if it is to be kept in the workspace.
    pub(super) typed: Option<Typed>,
}

/// The number of times that a typed secret is tried.
const TRIES: usize = 3;

/// The login of the settings; where they name none, the one that a person chooses. What the person names besides a secret goes
/// into `connection`.
pub(super) async fn login(
    endpoints: &[Endpoint],
    trusted: &Trusted,
    connection: &mut Connection,
    workspace: &Workspace,
    interview: &Interview,
) -> Result<Login, Failure> {
    let mut typed = None;
    let mut credentials = match of_settings(connection, workspace, interview).await {
        Err(SettingsError::NoCredentials) if interview.is_attended() => {
            let (answers, secret) = interview.ask(choose).await?;
            connection.username = answers.username;
            connection.api_token_file = answers.api_token_file;
            connection.api_token_command = answers.api_token_command;
            typed = secret;
            match &typed {
                Some(typed) => typed.credentials(connection)?,
                None => of_settings(connection, workspace, interview).await?,
            }
        }
        // The user is known, and only the password is not.
        Err(SettingsError::NoPassword { username }) if interview.is_attended() => {
            connection.username = Some(username);
            let secret = interview.ask(|person, cancel| person.secret(&password(), cancel)).await?;
            typed.insert(Typed { setting: "password_file", secret }).credentials(connection)?
        }
        credentials => credentials?,
    };
    let mut tries = 1;
    loop {
        let outcome = attempt(endpoints, trusted, &credentials, connection, interview).await;
        let error = match outcome {
            Ok((pve_version, permissions)) => {
                let (secret, typed) = kept(typed, &credentials, connection, workspace, interview).await?;
                let name = credentials.login().to_owned();
                return Ok(Login { name, pve_version, permissions, secret, typed });
            }
            Err(Refused::Second(error)) if interview.is_attended() => {
                interview.tell(&error.to_string());
                let code = interview.ask(|person, cancel| {
                    person.secret(&Prompt::new("Code of the authenticator", "PROXMOX_VE_OTP"), cancel)
                });
                let code = code.await?;
                let Credentials::Password { otp, .. } = &mut credentials else { return Err(error.into()) };
                *otp = Some(code);
                continue;
            }
            Err(Refused::Secret(error)) if typed.is_some() && tries < TRIES => error,
            Err(Refused::Secret(error) | Refused::Second(error)) => return Err(error.into()),
            Err(Refused::Other(failure)) => return Err(failure),
        };
        tries += 1;
        interview.tell(&error.to_string());
        if let Some(typed) = &mut typed {
            typed.secret = interview.ask(typed.again()).await?;
            credentials = typed.credentials(connection)?;
        }
    }
}

/// The endpoint as an error may show it: without a login that somebody put into it.
pub(super) fn without_login(text: &str) -> &str {
    text.rsplit_once('@').map_or(text, |(_, host)| host)
}

async fn of_settings(
    connection: &Connection,
    workspace: &Workspace,
    interview: &Interview,
) -> Result<Credentials, SettingsError> {
    let (connection, workspace) = (connection.clone(), workspace.clone());
    // A secret may come from a program, which blocks.
    interview.context.block(move |context| settings::credentials_of(context, connection, &workspace)).await
}

/// What a person said of a login, but for its secret.
#[derive(Default)]
struct Answers {
    username: Option<String>,
    api_token_file: Option<std::path::PathBuf>,
    api_token_command: Option<String>,
}

/// Asks how to log in.
fn choose(person: &dyn Person, cancel: &Cancel) -> Result<(Answers, Option<Typed>), PromptError> {
    let choices = [
        "with an API token that I paste now",
        "with an API token in a file",
        "with an API token that a command prints, such as a password manager",
        "as a user with a password",
    ];
    let mut prompt =
        Prompt::new("How do you log in", "PROXMOX_VE_API_TOKEN, `--api-token-file` or `--api-token-command`");
    prompt = prompt.note("A token that reads everything and changes nothing is made by root on a node with:");
    for line in crate::rights::roles::reader() {
        prompt = prompt.note(format!("  {line}"));
    }
    let mut answers = Answers::default();
    let typed = match person.choice(&prompt, &choices, 0, cancel)? {
        0 => Some(Typed { setting: "api_token_file", secret: ask_token(person, cancel)? }),
        1 => {
            let file = loop {
                let file = person.text(&Prompt::new("File of the API token", "`--api-token-file`"), None, cancel)?;
                if Path::new(&file).is_file() {
                    break file;
                }
                person.tell(&format!("There is no file `{file}`."));
            };
            answers.api_token_file = Some(file.into());
            None
        }
        2 => {
            let prompt = Prompt::new("Command that prints the API token", "`--api-token-command`");
            answers.api_token_command = Some(person.text(&prompt, None, cancel)?);
            None
        }
        _ => {
            let prompt = Prompt::new("User", "`--username`");
            answers.username = Some(person.text(&prompt, Some("root@pam"), cancel)?);
            Some(Typed { setting: "password_file", secret: person.secret(&password(), cancel)? })
        }
    };
    Ok((answers, typed))
}

/// Asks for a token until it has the form of one.
fn ask_token(person: &dyn Person, cancel: &Cancel) -> Result<SecretString, PromptError> {
    loop {
        let secret = person.secret(&token(), cancel)?;
        if Credentials::token(&secret).is_some() {
            return Ok(secret);
        }
        person.tell("That is not an API token. They look like root@pam!iac=11111111-2222-3333-4444-555555555555.");
    }
}

fn token() -> Prompt {
    Prompt::new("API token, USER@REALM!NAME=UUID", "PROXMOX_VE_API_TOKEN")
}

fn password() -> Prompt {
    Prompt::new("Password", "PROXMOX_VE_PASSWORD")
}

impl Typed {
    fn credentials(&self, connection: &Connection) -> Result<Credentials, SettingsError> {
        if self.setting == "api_token_file" {
            return Credentials::token(&self.secret).ok_or(SettingsError::Token);
        }
        let username = connection.username.clone().ok_or(SettingsError::NoUsername)?;
        if !username.contains('@') {
            return Err(SettingsError::NoRealm { username });
        }
        Ok(Credentials::Password { username, password: self.secret.clone(), otp: None })
    }

    /// Asks for the secret once more.
    fn again(&self) -> impl FnOnce(&dyn Person, &Cancel) -> Result<SecretString, PromptError> + Send + 'static {
        let is_token = self.setting == "api_token_file";
        move |person, cancel| if is_token { ask_token(person, cancel) } else { person.secret(&password(), cancel) }
    }
}

/// A login did not work.
enum Refused {
    /// The secret is wrong.
    Secret(ClientError),
    /// A second factor is missing.
    Second(ClientError),
    /// The login was not the reason.
    Other(Failure),
}

impl<E: Into<Failure>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

/// Logs in, and reads the version and the permissions.
async fn attempt(
    endpoints: &[Endpoint],
    trusted: &Trusted,
    credentials: &Credentials,
    connection: &Connection,
    interview: &Interview,
) -> Result<(Option<String>, Permissions), Refused> {
    let settings = Settings {
        endpoints: endpoints.to_vec(),
        credentials: credentials.clone(),
        trust: trusted.trust.clone(),
        min_tls: trusted.min_tls,
        timeout: connection.timeout.map(std::time::Duration::from_secs),
    };
    let client = Client::with_limits(settings, Limits { tries: 1, ..Limits::default() })?;
    let step = Step::start(&interview.context, StepKind::TestConnection);
    let get = |path: &'static str| {
        let client = &client;
        async move { client.get(&ApiPath::parse(path)).await }
    };
    let work = async { Ok::<_, ClientError>((get("version").await?, get("access/permissions").await?)) };
    let outcome = interview.context.unless_cancelled(work).await?;
    drop(step);
    let (version, permissions) = outcome.map_err(|error| match error {
        ClientError::Unauthorized { .. } => Refused::Secret(error),
        ClientError::SecondFactor { .. } => Refused::Second(error),
        error => Refused::Other(error.into()),
    })?;
    let refused = |status: u16, reason: &str| InitError::Permissions {
        login: credentials.login().to_owned(),
        status,
        reason: reason.to_owned(),
    };
    let (status, reason) = (permissions.status, permissions.reason.clone());
    let permissions = permissions.parsed().ok().filter(|_| status == 200).ok_or_else(|| refused(status, &reason))?;
    let version = version.parsed().ok();
    let version = version.as_ref().and_then(|answer| answer.data()?.get("version")?.as_str().map(str::to_owned));
    Ok((version, Permissions::read(permissions.data())))
}

/// Where the secret is from now on: a typed one in a file of the workspace or nowhere, another one where it was.
async fn kept(
    typed: Option<Typed>,
    credentials: &Credentials,
    connection: &Connection,
    workspace: &Workspace,
    interview: &Interview,
) -> Result<(SecretSource, Option<Typed>), Failure> {
    let variable = match credentials {
        Credentials::Token { .. } => "PROXMOX_VE_API_TOKEN",
        Credentials::Ticket { .. } => "PROXMOX_VE_AUTH_TICKET",
        Credentials::Password { .. } => "PROXMOX_VE_PASSWORD",
    };
    let from_variable = SecretSource::Environment { variable: variable.to_owned() };
    let Some(typed) = typed else {
        let layers = layers(connection, workspace, &interview.context).await?;
        return Ok((layers.secret_source(variable), None));
    };
    let file = format!("in {}, which git ignores and only you can read", secret_file(typed.setting));
    let nowhere = format!("nowhere: I set {variable} myself");
    let prompt = Prompt::new("Where is it kept", variable);
    let choice = interview.ask(move |person, cancel| person.choice(&prompt, &[&file, &nowhere], 0, cancel)).await?;
    Ok(if choice == 0 { (from_variable, Some(typed)) } else { (from_variable, None) })
}
