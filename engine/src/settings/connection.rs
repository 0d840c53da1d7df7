//! Connection: the cluster of a request, and the place of its secret.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The way to a cluster, and the login there. What it leaves open comes from the layers below it (docs/settings.md).
/// Secrets are no part of it: they come from the environment, a file or a command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Connection {
    /// The nodes of the cluster, best first: `pve.example` or `https://10.0.0.1:8006`.
    pub endpoints: Vec<String>,
    /// The user to log in as, instead of with an API token: `root@pam`.
    pub username: Option<String>,
    /// The file that holds the API token, `USER@REALM!NAME=UUID`.
    pub api_token_file: Option<PathBuf>,
    /// The command that prints the API token.
    pub api_token_command: Option<String>,
    /// The file that holds the password.
    pub password_file: Option<PathBuf>,
    /// The command that prints the password.
    pub password_command: Option<String>,
    /// The PEM file of the certificate authorities to trust.
    pub ca_file: Option<PathBuf>,
    /// The SHA-256 fingerprints of the certificates to trust, one for each node.
    pub fingerprints: Vec<String>,
    /// Trust any certificate.
    pub insecure: bool,
    /// The least version of TLS: 1.2 or 1.3.
    pub min_tls: Option<String>,
    /// The seconds that one answer may take.
    pub timeout: Option<u64>,
}

/// Place that a secret comes from. The secret itself is never shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum SecretSource {
    /// A variable of the environment, which has to be set for every command.
    Environment {
        /// The variable: `PROXMOX_VE_API_TOKEN`.
        variable: String,
    },
    /// A file.
    File {
        /// The file.
        path: PathBuf,
    },
    /// A command that prints it.
    Command,
}
