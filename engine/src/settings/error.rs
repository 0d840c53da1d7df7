//! What can be wrong with settings, and what to do about it.

use std::io;
use std::path::PathBuf;

use super::{EndpointError, NoFingerprint, ProgramError};
use crate::operation::fault::{Fault, FaultKind};

/// Settings that make no sense, or that are missing.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Neither an option nor the environment names a node.
    #[error("no Proxmox endpoint was given")]
    NoEndpoint,
    /// A node's address that cannot be used.
    #[error("`{text}` is no Proxmox endpoint")]
    Endpoint {
        /// As it was given.
        text: String,
        /// Why not.
        source: EndpointError,
    },
    /// Nothing says as whom to log in.
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
        /// As it was given.
        username: String,
    },
    /// A user without a password.
    #[error("no password was given for `{username}`")]
    NoPassword {
        /// The user.
        username: String,
    },
    /// A file that was named could not be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A command line that no shell could split.
    #[error("`{command}` is no command: its quotes do not match, or it is empty")]
    Command {
        /// As it was given.
        command: String,
    },
    /// The command that prints a secret failed.
    #[error("the command `{program}` did not print a secret")]
    Run {
        /// The program, without its arguments.
        program: String,
        /// What it said.
        source: ProgramError,
    },
    /// A file or a command that held nothing.
    #[error("the secret from {origin} is empty")]
    Empty {
        /// The file or the program.
        origin: String,
    },
    /// A fingerprint that is none.
    #[error("`{text}` is no fingerprint")]
    Fingerprint {
        /// As it was given.
        text: String,
        /// Why not.
        source: NoFingerprint,
    },
    /// A version of TLS that does not exist.
    #[error("`{text}` is no version of TLS")]
    MinimumTls {
        /// As it was given.
        text: String,
    },
    /// A variable that should say yes or no.
    #[error("{name} is neither `true` nor `false`")]
    Boolean {
        /// The variable.
        name: &'static str,
    },
}

impl Fault for SettingsError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::File { .. } | Self::Run { .. } | Self::Empty { .. } => FaultKind::Failed,
            _ => FaultKind::Usage,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hints: &[&str] = match self {
            Self::NoEndpoint => &["name a node, as in `pve.example`, or set PROXMOX_VE_ENDPOINT"],
            Self::Endpoint { source: EndpointError::PlainHttp, .. } => &["write `https://` instead, or nothing at all"],
            Self::Endpoint { source: EndpointError::Login, .. } => {
                &["give the host alone, and the user with `--username`"]
            }
            Self::Endpoint { .. } => {
                &["`pve.example`, `10.0.0.1:8006` and `https://[2001:db8::1]:8006/` are endpoints"]
            }
            Self::NoCredentials => &[
                "set PROXMOX_VE_API_TOKEN to `USER@REALM!NAME=UUID`, or name `--api-token-file` or `--api-token-command`",
                "or log in as a user with `--username` and PROXMOX_VE_PASSWORD, `--password-file` or `--password-command`",
            ],
            Self::Token => &["`pveum user token add USER@REALM NAME` prints both halves: full-tokenid and value"],
            Self::NoUsername => &["name it with `--username` or PROXMOX_VE_USERNAME, as in `root@pam`"],
            Self::NoRealm { .. } => &["write the realm after an `@`, as in `root@pam` or `alice@pve`"],
            Self::NoPassword { .. } => &["set PROXMOX_VE_PASSWORD, or name `--password-file` or `--password-command`"],
            Self::Fingerprint { .. } => &["`pvenode cert info` on the node shows it"],
            Self::MinimumTls { .. } => &["1.2 and 1.3 are"],
            _ => &[],
        };
        hints.iter().map(ToString::to_string).collect()
    }
}
