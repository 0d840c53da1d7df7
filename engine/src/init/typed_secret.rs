//! Typed secret: what a person typed as the secret of a login, and the file that it goes into.

use secrecy::SecretString;

/// A secret that was typed.
pub(super) struct Typed {
    /// `api_token_file` or `password_file`.
    pub(super) setting: &'static str,
    pub(super) secret: SecretString,
}

/// The file of a typed secret, relative to the workspace.
pub(super) fn secret_file(setting: &str) -> &'static str {
    if setting == "api_token_file" { ".proxmox-mpc/api-token" } else { ".proxmox-mpc/password" }
}
