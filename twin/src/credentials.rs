//! Logins that the twin accepts: API tokens and passwords.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::state::View;

/// Beginning of the memories of tokens' secrets that clients have set: `secret/token/alice@pve!ci`.
pub(crate) const TOKEN: &str = "secret/token/";
/// The same for passwords: `secret/password/alice@pve`.
pub(crate) const PASSWORD: &str = "secret/password/";

/// The logins that the twin accepts. Their secrets do not show in `Debug`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Credentials {
    /// The secret of each API token, by `user@realm!name`.
    #[serde(default)]
    tokens: BTreeMap<String, SecretString>,
    /// The password of each user, by `user@realm`.
    #[serde(default)]
    passwords: BTreeMap<String, SecretString>,
}

/// Reason why a file of logins cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The system refused to read it.
    #[error("cannot read the logins in `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        source: std::io::Error,
    },
    /// The file is not a file of logins. The parser's own message is left out: it may quote a secret.
    #[error("`{}` is not a file of logins: it takes {{\"tokens\": {{\"user@realm!name\": \"…\"}}, \"passwords\": {{\"user@realm\": \"…\"}}}} (line {line})", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// Line at which the reader gave up, from 1.
        line: usize,
    },
}

impl Credentials {
    /// Reads a file of logins: `{"tokens": {"root@pam!iac": "…"}, "passwords": {"alice@pve": "…"}}`.
    pub fn read(path: &Path) -> Result<Self, CredentialsError> {
        let text = fs::read(path).map_err(|source| CredentialsError::Read { path: path.to_owned(), source })?;
        serde_json::from_slice(&text)
            .map_err(|error| CredentialsError::Form { path: path.to_owned(), line: error.line() })
    }

    /// Credentials with one API token of `root@pam`, made up at random.
    ///
    /// # Panics
    ///
    /// If the system has no random generator.
    pub fn fresh() -> Self {
        Self::fresh_token("root@pam!twin")
    }

    /// The same for another token, `user@realm!name`, which may be one of the cluster's.
    ///
    /// # Panics
    ///
    /// If the system has no random generator.
    pub fn fresh_token(name: &str) -> Self {
        let mut bytes = [0; 16];
        SystemRandom::new().fill(&mut bytes).expect("the system's random generator works, or TLS would not either");
        // The version and variant bits of a random UUID (RFC 9562, 5.4).
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let mut secret = String::with_capacity(36);
        for (index, byte) in bytes.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                secret.push('-');
            }
            write!(secret, "{byte:02x}").expect("a string takes all text");
        }
        Self { tokens: BTreeMap::from([(name.to_owned(), secret.into())]), ..Self::default() }
    }

    /// An API token as clients send it, `user@realm!name=uuid`: the first in the order of names.
    pub fn token(&self) -> Option<SecretString> {
        let (name, secret) = self.tokens.first_key_value()?;
        Some(format!("{name}={}", secret.expose_secret()).into())
    }

    /// Names of the logins: the tokens, then the users with a password, each sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tokens.keys().chain(self.passwords.keys()).map(String::as_str)
    }

    /// Reports whether this is the secret of the token `user@realm!name`.
    pub(crate) fn allows_token(&self, name: &str, secret: &str) -> bool {
        matches(self.tokens.get(name), secret)
    }

    /// Reports whether this is the password of `user@realm`.
    pub(crate) fn allows_password(&self, user: &str, password: &str) -> bool {
        matches(self.passwords.get(user), password)
    }
}

/// Compares a secret with the one that a client has set; `None` where none has.
pub(crate) fn matches_kept(view: &View, key: &str, given: &str) -> Option<bool> {
    let kept = SecretString::from(view.recall(key)?.as_str()?.to_owned());
    Some(matches(Some(&kept), given))
}

/// Compares every byte, so that the time it takes shows nothing of the secret but its length.
fn matches(known: Option<&SecretString>, given: &str) -> bool {
    let Some(known) = known.map(|known| known.expose_secret().as_bytes()) else { return false };
    let differences = known.iter().zip(given.as_bytes()).fold(0, |all, (one, other)| all | (one ^ other));
    known.len() == given.len() && std::hint::black_box(differences) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_show() {
        let credentials: Credentials =
            serde_json::from_str(r#"{"tokens": {"a@pve!b": "canary"}, "passwords": {"a@pve": "canary"}}"#).unwrap();
        assert!(!format!("{credentials:?} {:?}", credentials.token()).contains("canary"));
        assert!(credentials.allows_token("a@pve!b", "canary") && credentials.allows_password("a@pve", "canary"));
        assert!(!credentials.allows_token("a@pve!b", "canar") && !credentials.allows_token("a@pve", "canary"));
    }

    #[test]
    fn a_fresh_token_has_the_form_that_clients_ask_for() {
        let token = Credentials::fresh().token().unwrap();
        let (name, secret) = token.expose_secret().split_once('=').unwrap();
        assert_eq!(name, "root@pam!twin");
        let groups: Vec<usize> = secret.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12]);
        assert_ne!(token.expose_secret(), Credentials::fresh().token().unwrap().expose_secret());
    }

    #[test]
    fn a_malformed_file_does_not_spill_its_content() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), r#"{"tokens": {"a@pve!b": ["canary"]}}"#).unwrap();
        let message = Credentials::read(file.path()).unwrap_err().to_string();
        assert!(message.contains("is not a file of logins") && !message.contains("canary"), "{message}");
    }
}
