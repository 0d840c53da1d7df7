//! One layer of connection settings: the options of a command, and the environment in the same form.

use std::path::PathBuf;

use secrecy::SecretString;

use super::{SettingsError, World};

/// How to reach the cluster, and as whom.
///
/// Secrets are never options: every user of a machine can read those. They come from the environment
/// (`PROXMOX_VE_API_TOKEN`, `PROXMOX_VE_PASSWORD`, `PROXMOX_VE_OTP`), a file or a command.
// To be flattened last: its heading holds for every option after it.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Connection")]
pub struct Flags {
    /// A node of the cluster, as in `pve.example` or `https://10.0.0.1:8006`; more nodes
    /// stand in for the first (`PROXMOX_VE_ENDPOINT`)
    #[arg(long = "endpoint", value_name = "URL", value_delimiter = ',')]
    pub endpoints: Vec<String>,
    /// Log in as this user, as in `root@pam`, instead of with an API token (`PROXMOX_VE_USERNAME`)
    #[arg(long, value_name = "USER@REALM")]
    pub username: Option<String>,
    /// Read the API token, `USER@REALM!NAME=UUID`, from this file (`PROXMOX_MPC_API_TOKEN_FILE`)
    #[arg(long, value_name = "FILE", conflicts_with = "username")]
    pub api_token_file: Option<PathBuf>,
    /// Read the API token from what this command prints (`PROXMOX_MPC_API_TOKEN_COMMAND`)
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["username", "api_token_file"])]
    pub api_token_command: Option<String>,
    /// Read the password from this file (`PROXMOX_MPC_PASSWORD_FILE`)
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Read the password from what this command prints (`PROXMOX_MPC_PASSWORD_COMMAND`)
    #[arg(long, value_name = "COMMAND", conflicts_with = "password_file")]
    pub password_command: Option<String>,
    /// Trust what the certificate authorities in this PEM file signed (`PROXMOX_MPC_CA_FILE`)
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Trust the certificate with this SHA-256 fingerprint; one for each node (`PROXMOX_MPC_FINGERPRINT`)
    #[arg(long = "fingerprint", value_name = "SHA256", value_delimiter = ',', conflicts_with = "ca_file")]
    pub fingerprints: Vec<String>,
    /// Trust any certificate: whoever sits on the wire can read the token or the password (`PROXMOX_VE_INSECURE`)
    #[arg(long, conflicts_with_all = ["ca_file", "fingerprints"])]
    pub insecure: bool,
    /// The least version of TLS to speak: 1.2 or 1.3 (`PROXMOX_VE_MIN_TLS`)
    #[arg(long, value_name = "VERSION")]
    pub min_tls: Option<String>,
    /// Wait this many seconds for one answer; 60 where nothing is said
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: Option<u64>,
}

/// One layer: what options can say, and the secrets that only the environment can hold.
#[derive(Debug, Default)]
pub(super) struct Layer {
    pub(super) flags: Flags,
    pub(super) api_token: Option<SecretString>,
    pub(super) auth_ticket: Option<SecretString>,
    pub(super) csrf: Option<SecretString>,
    pub(super) password: Option<SecretString>,
    pub(super) otp: Option<SecretString>,
}

impl From<Flags> for Layer {
    fn from(flags: Flags) -> Self {
        Self { flags, ..Self::default() }
    }
}

impl Layer {
    /// What the environment says. `PROXMOX_VE_…` are the variables of Terraform's provider (docs/provider.md, R1);
    /// what the provider has no word for is `PROXMOX_MPC_…`.
    pub(super) fn environment(world: &World<'_>) -> Result<Self, SettingsError> {
        let get = |name: &str| (world.variable)(name).filter(|value| !value.is_empty());
        let secret = |name: &str| get(name).map(SecretString::from);
        let list = |name: &str| -> Vec<String> {
            let text = get(name).unwrap_or_default();
            text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
        };
        let flags = Flags {
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
            flags,
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
