//! Errors of settings, and what to do about them.

use std::io;
use std::path::PathBuf;

use super::table::Form;
use super::{EndpointError, NoFingerprint, ProgramError, Source};
use crate::operation::fault::{Fault, FaultKind};

/// A setting that is wrong or missing.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// No source names a node.
    #[error("no Proxmox endpoint was given")]
    NoEndpoint {
        /// The contexts that could be chosen; none if one is.
        contexts: Vec<String>,
    },
    /// No file names the context.
    #[error("there is no context `{name}`")]
    NoContext {
        /// The name that was asked for.
        name: String,
        /// The known one that is most like it.
        nearest: Option<String>,
        /// The names of all contexts.
        names: Vec<String>,
    },
    /// Two files name the context.
    #[error("two files name the context `{name}`: `{}` and `{}`", files[0].display(), files[1].display())]
    TwoContexts {
        /// The name.
        name: String,
        /// The files.
        files: [PathBuf; 2],
    },
    /// The folder of the command is that of another context.
    #[error("`{}` is the folder of the context `{own}`, not of `{name}`", folder.display())]
    OtherContext {
        /// The context that was asked for.
        name: String,
        /// The folder.
        folder: PathBuf,
        /// The context of the folder.
        own: String,
    },
    /// `context use -` without a context that was chosen before.
    #[error("no other context was chosen before")]
    NoPrevious,
    /// There is no home folder to keep settings or a choice in.
    #[error("there is no home folder for your own settings")]
    NoHome,
    /// No workspace has a settings file to write to.
    #[error("`{}` is not a workspace", folder.display())]
    NoWorkspace {
        /// The folder.
        folder: PathBuf,
    },
    /// There is no setting of this name.
    #[error("there is no setting `{key}`")]
    NoSetting {
        /// The name that was asked for.
        key: String,
        /// The known one that is most like it.
        nearest: Option<&'static str>,
    },
    /// The setting has one value.
    #[error("`{key}` takes one value")]
    OneValue {
        /// The setting.
        key: String,
    },
    /// The value has another form.
    #[error("`{value}` is not a value of `{key}`")]
    Value {
        /// The setting.
        key: String,
        /// The value, as it was given.
        value: String,
        /// The form that it should have, as a sentence.
        form: String,
    },
    /// A settings file could not be written.
    #[error("cannot write {}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A node's address that cannot be used.
    #[error("`{text}` is not a URL of a Proxmox node")]
    Endpoint {
        /// The address, as it was given.
        text: String,
        /// The source of the setting.
        origin: Source,
        /// The reason.
        source: EndpointError,
    },
    /// No source names a way to log in.
    #[error("no credentials were given")]
    NoCredentials,
    /// The token has another shape; it is not shown.
    #[error("the API token does not have the form USER@REALM!NAME=UUID")]
    Token,
    /// The ticket has another shape; it is not shown.
    #[error("PROXMOX_VE_AUTH_TICKET does not hold a ticket: it would start with `PVE:user@realm:`")]
    Ticket,
    /// A password without a user.
    #[error("a password was given, but no user name")]
    NoUsername,
    /// A user without a realm.
    #[error("the user name `{username}` lacks its realm")]
    NoRealm {
        /// The user name, as it was given.
        username: String,
    },
    /// A user without a password.
    #[error("no password was given for `{username}`")]
    NoPassword {
        /// The user.
        username: String,
    },
    /// A file that a setting names, or a settings file, could not be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A settings file is not TOML.
    #[error("line {line} of `{}` is not TOML: {problem}", path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1. Its text may hold a secret, and is not shown.
        line: usize,
        /// The reason, in the parser's words.
        problem: String,
    },
    /// A key of a settings file that may not be there, or not with this value.
    #[error("`{key}` in `{}` {fault}", path.display())]
    Key {
        /// The key.
        key: String,
        /// The file.
        path: PathBuf,
        /// The reason. The value may be a secret, and is not shown.
        fault: FileFault,
    },
    /// A command line with quotes that do not match, or without a word.
    #[error("`{command}` is not a command: its quotes do not match, or it is empty")]
    Command {
        /// The command line, as it was given.
        command: String,
    },
    /// The command that prints a secret failed.
    #[error("the command `{program}` did not print a secret")]
    Run {
        /// The program, without its arguments.
        program: String,
        /// The reason.
        source: ProgramError,
    },
    /// A file or a command without a secret in it.
    #[error("the secret from {origin} is empty")]
    Empty {
        /// The file or the program.
        origin: String,
    },
    /// A fingerprint with another form.
    #[error("`{text}` is not a fingerprint")]
    Fingerprint {
        /// The fingerprint, as it was given.
        text: String,
        /// The source of the setting.
        origin: Source,
        /// The reason.
        source: NoFingerprint,
    },
    /// A version of TLS that does not exist.
    #[error("`{text}` is not a version of TLS")]
    MinimumTls {
        /// The version, as it was given.
        text: String,
        /// The source of the setting.
        origin: Source,
    },
    /// A variable that should be true or false.
    #[error("{name} is neither `true` nor `false`")]
    Boolean {
        /// The variable.
        name: &'static str,
    },
    /// A variable that should be a number.
    #[error("{name} is not a whole number from {least} to {most}")]
    Number {
        /// The variable.
        name: &'static str,
        /// The least number.
        least: u64,
        /// The greatest number.
        most: u64,
    },
}

/// The reason why a key of a settings file is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileFault {
    /// There is no such setting.
    Unknown {
        /// The known one that is most like it.
        nearest: Option<&'static str>,
    },
    /// `contexts` is not a table of tables.
    ContextForm,
    /// A context cannot have this name.
    ContextName,
    /// A level of a rule is not one, or `check` is not a table.
    CheckForm,
    /// There is no such rule of `check`.
    NoRule,
    /// The setting is a secret.
    Secret {
        /// The places where it belongs, as a sentence.
        instead: &'static str,
    },
    /// The setting is the user's own, and this is the file of a workspace.
    UserOnly,
    /// The setting names a file outside of the workspace that its settings file is in.
    Outside,
    /// The value has another form.
    Form {
        /// The form that it should have.
        form: Form,
    },
}

impl std::fmt::Display for FileFault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown { .. } => formatter.write_str("is not a setting"),
            Self::ContextForm => formatter.write_str("has to be a table, as in `[contexts.prod]`"),
            Self::ContextName => {
                formatter.write_str("is not the name of a context: those have letters, digits, `.`, `_` and `-`")
            }
            Self::CheckForm => formatter.write_str("has to be `error`, `warning`, `note` or `off`, in the table `[check]`"),
            Self::NoRule => formatter.write_str("is not a rule: `proxmox-mpc check --explain` lists them"),
            Self::Secret { .. } => formatter.write_str("is a secret, and secrets do not belong in settings files"),
            Self::UserOnly => formatter.write_str(
                "is not taken from a workspace, which may come from somebody else: it starts a program, turns a check off or says where the state store is",
            ),
            Self::Outside => formatter
                .write_str("names a file outside of the workspace, which may come from somebody else: it is not read"),
            Self::Form { form } => match form {
                Form::List => formatter.write_str("has to be an array of texts, as in `[\"a\", \"b\"]`"),
                Form::Switch => formatter.write_str("has to be `true` or `false`"),
                Form::Number(least, u64::MAX) => write!(formatter, "has to be a whole number, at least {least}"),
                Form::Number(least, most) => write!(formatter, "has to be a whole number from {least} to {most}"),
                Form::Text | Form::Path | Form::Program | Form::Secret => {
                    formatter.write_str("has to be a text in quotes, and not an empty one")
                }
            },
        }
    }
}

impl Fault for SettingsError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::File { .. } | Self::Run { .. } | Self::Empty { .. } | Self::Unwritable { .. } => FaultKind::Failed,
            _ => FaultKind::Usage,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hints: &[&str] = match self {
            Self::NoEndpoint { contexts } if !contexts.is_empty() => {
                return vec![format!(
                    "Choose one of the contexts with `--context NAME` or `proxmox-mpc context use NAME`: {}.",
                    contexts.join(", ")
                )];
            }
            Self::NoContext { nearest: Some(nearest), names, .. } => {
                return vec![format!("Did you mean `{nearest}`? The contexts here are {}.", names.join(", "))];
            }
            Self::NoContext { names, .. } if names.is_empty() => &[
                "`proxmox-mpc config set --user contexts.NAME.endpoints pve.example` names one in your own settings file.",
            ],
            Self::NoContext { names, .. } => return vec![format!("The contexts here are {}.", names.join(", "))],
            Self::TwoContexts { .. } => &["Rename the one in your own file."],
            Self::OtherContext { own, .. } => {
                return vec![format!("Leave out the folder, or use `--context {own}`.")];
            }
            Self::NoHome => &["Set HOME or XDG_CONFIG_HOME."],
            Self::NoWorkspace { .. } => &["`proxmox-mpc init` sets one up; `--user` writes to your own settings file."],
            Self::NoSetting { nearest: Some(name), .. } => return vec![format!("Did you mean `{name}`?")],
            Self::NoSetting { .. } => &["`proxmox-mpc config list` lists all settings."],
            Self::Value { form, .. } => return vec![form.clone()],
            Self::NoEndpoint { .. } => &["Name a node, as in `pve.example`, or set PROXMOX_VE_ENDPOINT."],
            Self::Endpoint { source: EndpointError::PlainHttp, .. } => {
                &["Write `https://` instead, or the host name alone."]
            }
            Self::Endpoint { source: EndpointError::Login, .. } => {
                &["Give the host alone, and the user with `--username`."]
            }
            Self::Endpoint { .. } => {
                &["Endpoints look like `pve.example`, `10.0.0.1:8006` or `https://[2001:db8::1]:8006/`."]
            }
            Self::NoCredentials => &[
                "Set PROXMOX_VE_API_TOKEN to `USER@REALM!NAME=UUID`, or name `--api-token-file` or `--api-token-command`.",
                "Or log in as a user with `--username` and PROXMOX_VE_PASSWORD, `--password-file` or `--password-command`.",
            ],
            Self::Token => &["`pveum user token add USER@REALM NAME` prints both halves: full-tokenid and value."],
            Self::NoUsername => &["Name it with `--username` or PROXMOX_VE_USERNAME, as in `root@pam`."],
            Self::NoRealm { .. } => &["Write the realm after an `@`, as in `root@pam` or `alice@pve`."],
            Self::NoPassword { .. } => &["Set PROXMOX_VE_PASSWORD, or name `--password-file` or `--password-command`."],
            Self::Fingerprint { .. } => &["`pvenode cert info` on the node shows it."],
            Self::MinimumTls { .. } => &["The versions are 1.2 and 1.3."],
            Self::Key { fault, .. } => return fault.hints(),
            _ => &[],
        };
        hints.iter().map(ToString::to_string).chain(self.origin_hint()).collect()
    }
}

impl SettingsError {
    /// The settings file that a wrong value is from, which nobody sees on the command line.
    fn origin_hint(&self) -> Option<String> {
        let (Self::Endpoint { origin, .. } | Self::Fingerprint { origin, .. } | Self::MinimumTls { origin, .. }) = self
        else {
            return None;
        };
        match origin {
            Source::Workspace { path } | Source::User { path } => {
                Some(format!("The setting is from `{}`.", path.display()))
            }
            Source::Environment { variable } => Some(format!("The setting is from the variable {variable}.")),
            Source::Context { context, path } => {
                Some(format!("The setting is from the context `{context}` in `{}`.", path.display()))
            }
            Source::Option | Source::Default | Source::Unset => None,
        }
    }
}

impl FileFault {
    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Unknown { nearest: Some(name) } => format!("Did you mean `{name}`?"),
            Self::Unknown { nearest: None } => "The page docs/settings.md lists all settings.".to_owned(),
            Self::Secret { instead } => return vec![(*instead).to_owned()],
            Self::UserOnly => {
                "Put it into your own file, `~/.config/proxmox-mpc/config.toml` (`config set --user`), or use the option or \
                 the variable."
                    .to_owned()
            }
            Self::Outside => {
                "Put the file into the workspace's `.proxmox-mpc/`, or name it in your own settings file.".to_owned()
            }
            Self::ContextForm | Self::ContextName | Self::CheckForm | Self::NoRule | Self::Form { .. } => return Vec::new(),
        };
        vec![hint]
    }
}
