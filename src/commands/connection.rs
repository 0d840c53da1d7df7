//! Connection options: shared by every command that connects to a cluster.

use std::path::PathBuf;

use proxmox_mpc_engine::settings::Connection;

/// Options that say how to reach the cluster, and with which login.
///
/// Secrets are never options: every user of a computer can read those. They come from the environment
/// (`PROXMOX_VE_API_TOKEN`, `PROXMOX_VE_PASSWORD`, `PROXMOX_VE_OTP`), a file or a command. Settings files may hold what is
/// no secret (docs/settings.md).
// To be flattened last: its heading holds for every option after it.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Connection")]
pub(super) struct ConnectionOptions {
    /// A node of the cluster, as in `pve.example` or `https://10.0.0.1:8006`; further nodes are
    /// tried where one does not answer (`PROXMOX_VE_ENDPOINT`)
    #[arg(long = "endpoint", value_name = "URL", value_delimiter = ',')]
    pub(super) endpoints: Vec<String>,
    /// Log in as this user, as in `root@pam`, instead of with an API token (`PROXMOX_VE_USERNAME`)
    #[arg(long, value_name = "USER@REALM")]
    pub(super) username: Option<String>,
    /// Read the API token, `USER@REALM!NAME=UUID`, from this file (`PROXMOX_MPC_API_TOKEN_FILE`)
    #[arg(long, value_name = "FILE", conflicts_with = "username")]
    pub(super) api_token_file: Option<PathBuf>,
    /// Read the API token from the output of this command (`PROXMOX_MPC_API_TOKEN_COMMAND`)
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["username", "api_token_file"])]
    pub(super) api_token_command: Option<String>,
    /// Read the password from this file (`PROXMOX_MPC_PASSWORD_FILE`)
    #[arg(long, value_name = "FILE")]
    pub(super) password_file: Option<PathBuf>,
    /// Read the password from the output of this command (`PROXMOX_MPC_PASSWORD_COMMAND`)
    #[arg(long, value_name = "COMMAND", conflicts_with = "password_file")]
    pub(super) password_command: Option<String>,
    /// Trust the certificate authorities in this PEM file (`PROXMOX_MPC_CA_FILE`)
    #[arg(long, value_name = "FILE")]
    pub(super) ca_file: Option<PathBuf>,
    /// Trust the certificate with this SHA-256 fingerprint; one for each node (`PROXMOX_MPC_FINGERPRINT`)
    #[arg(long = "fingerprint", value_name = "SHA256", value_delimiter = ',', conflicts_with = "ca_file")]
    pub(super) fingerprints: Vec<String>,
    /// Trust any certificate: anybody on the network path can read the token or the password (`PROXMOX_VE_INSECURE`)
    #[arg(long, conflicts_with_all = ["ca_file", "fingerprints"])]
    pub(super) insecure: bool,
    /// The lowest version of TLS to accept: 1.2 or 1.3 (`PROXMOX_VE_MIN_TLS`)
    #[arg(long, value_name = "VERSION")]
    pub(super) min_tls: Option<String>,
    /// Wait this many seconds for each answer [default: 60]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) timeout: Option<u64>,
}

impl From<ConnectionOptions> for Connection {
    fn from(options: ConnectionOptions) -> Self {
        Self {
            endpoints: options.endpoints,
            username: options.username,
            api_token_file: options.api_token_file,
            api_token_command: options.api_token_command,
            password_file: options.password_file,
            password_command: options.password_command,
            ca_file: options.ca_file,
            fingerprints: options.fingerprints,
            insecure: options.insecure,
            min_tls: options.min_tls,
            timeout: options.timeout,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use clap::CommandFactory as _;
    use proxmox_mpc_engine::settings::table::SETTINGS;

    use crate::cli::Cli;

    /// The help of every option of every command, by the option.
    fn options(command: &clap::Command) -> BTreeMap<String, String> {
        let own = command.get_arguments().filter_map(|argument| {
            let help = argument.get_long_help().or(argument.get_help()).map(ToString::to_string);
            Some((format!("--{}", argument.get_long()?), help.unwrap_or_default()))
        });
        own.chain(command.get_subcommands().flat_map(options)).collect()
    }

    #[test]
    fn the_options_of_the_settings_table_are_there_and_name_their_variables() {
        let options = options(&Cli::command());
        for setting in SETTINGS {
            let Some(option) = setting.option else { continue };
            let help = options.get(option).unwrap_or_else(|| panic!("there is no {option}"));
            let variable = setting.variable.map(|variable| format!("(`{variable}`)")).unwrap_or_default();
            assert!(help.contains(&variable), "{option}: {help}");
        }
    }
}
