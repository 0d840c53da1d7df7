//! Connection: how a request says to reach the cluster, and the environment in the same form.

use std::path::PathBuf;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{SettingsError, World};

/// How to reach the cluster, and as whom. Secrets are no part of it: they come from the environment, a file or a command.
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
    /// How many seconds one answer may take; 60 where nothing is said.
    pub timeout: Option<u64>,
}

/// Layer: the settings of one source, with the secrets that only the environment can hold.
#[derive(Debug, Default)]
pub(super) struct Layer {
    pub(super) connection: Connection,
    pub(super) api_token: Option<SecretString>,
    pub(super) auth_ticket: Option<SecretString>,
    pub(super) csrf: Option<SecretString>,
    pub(super) password: Option<SecretString>,
    pub(super) otp: Option<SecretString>,
}

impl From<Connection> for Layer {
    fn from(connection: Connection) -> Self {
        Self { connection, ..Self::default() }
    }
}

impl Layer {
    /// The settings of the environment. `PROXMOX_VE_…` are the variables of Terraform's provider (docs/provider.md, R1);
    /// what the provider has no word for is `PROXMOX_MPC_…`.
    pub(super) fn environment(world: &World<'_>) -> Result<Self, SettingsError> {
        let get = |name: &str| (world.variable)(name).filter(|value| !value.is_empty());
        let secret = |name: &str| get(name).map(SecretString::from);
        let list = |name: &str| -> Vec<String> {
            let text = get(name).unwrap_or_default();
            text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
        };
        let connection = Connection {
            endpoints: list("PROXMOX_VE_ENDPOINT"),
            username: get("PROXMOX_VE_USERNAME"),
            api_token_file: get("PROXMOX_MPC_API_TOKEN_FILE").map(PathBuf::from),
            api_token_command: get("PROXMOX_MPC_API_TOKEN_COMMAND"),
            password_file: get("PROXMOX_MPC_PASSWORD_FILE").map(PathBuf::from),
            password_command: get("PROXMOX_MPC_PASSWORD_COMMAND"),
            ca_file: get("PROXMOX_MPC_CA_FILE").map(PathBuf::from),
            fingerprints: list("PROXMOX_MPC_FINGERPRINT"),
            insecure: boolean("PROXMOX_VE_INSECURE", get("PROXMOX_VE_INSECURE").as_deref())?,
            min_tls: get("PROXMOX_VE_MIN_TLS"),
            timeout: None,
        };
        Ok(Self {
            connection,
            api_token: secret("PROXMOX_VE_API_TOKEN"),
            auth_ticket: secret("PROXMOX_VE_AUTH_TICKET"),
            csrf: secret("PROXMOX_VE_CSRF_PREVENTION_TOKEN"),
            password: secret("PROXMOX_VE_PASSWORD"),
            otp: secret("PROXMOX_VE_OTP"),
        })
    }
}

/// The words that Go's `strconv.ParseBool` takes, since the provider reads the same variable with it.
pub(super) fn boolean(name: &'static str, value: Option<&str>) -> Result<bool, SettingsError> {
    match value {
        None | Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
        Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
        Some(_) => Err(SettingsError::Boolean { name }),
    }
}
