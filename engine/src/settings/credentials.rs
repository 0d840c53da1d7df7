//! Credentials: the login at the cluster, and the secrets that prove it.

use secrecy::{ExposeSecret, SecretString};

/// The login at the cluster. Secrets are masked wherever this is printed.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// An API token.
    Token {
        /// `user@realm!name`
        id: String,
        /// The secret half, a UUID.
        secret: SecretString,
    },
    /// A ticket from another login.
    Ticket {
        /// `user@realm`, as the ticket says.
        username: String,
        /// `PVE:user@realm:…`
        ticket: SecretString,
        /// The token that a write must carry beside the ticket.
        csrf: Option<SecretString>,
    },
    /// A user and a password, exchanged for a ticket.
    Password {
        /// `user@realm`
        username: String,
        /// The password.
        password: SecretString,
        /// A one-time code of the second factor (TOTP), good for one login.
        otp: Option<SecretString>,
    },
}

impl Credentials {
    /// Reads `user@realm!name=secret`, the one text that Proxmox and the provider use for a token.
    ///
    /// `None` where the text has another shape: the provider wants `^\S+@\S+!\S+=([a-zA-Z0-9-]+)$`.
    pub fn token(text: &SecretString) -> Option<Self> {
        let text = text.expose_secret().trim();
        // People paste the whole header that Proxmox documents.
        let text = text.strip_prefix("PVEAPIToken=").unwrap_or(text);
        let (id, secret) = text.rsplit_once('=')?;
        let (user, name) = id.split_once('!')?;
        let plain = secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let printable = id.bytes().all(|byte| byte.is_ascii_graphic());
        if !has_realm(user) || name.is_empty() || secret.is_empty() || !plain || !printable {
            return None;
        }
        Some(Self::Token { id: id.to_owned(), secret: secret.into() })
    }

    /// Reads a ticket, which names its user: `PVE:user@realm:6B038E50::signature`.
    pub fn ticket(ticket: SecretString, csrf: Option<SecretString>) -> Option<Self> {
        let text = ticket.expose_secret();
        let username = text.strip_prefix("PVE:")?.split_once(':')?.0.to_owned();
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';');
        (has_realm(&username) && printable).then_some(Self::Ticket { username, ticket, csrf })
    }

    /// The name that the cluster will see: `user@realm`, or `user@realm!name` of a token.
    pub fn login(&self) -> &str {
        match self {
            Self::Token { id, .. } => id,
            Self::Ticket { username, .. } | Self::Password { username, .. } => username,
        }
    }
}

/// Reports whether the user name has a realm; without one Proxmox refuses the login after three seconds, without a reason.
pub(super) fn has_realm(username: &str) -> bool {
    username.rsplit_once('@').is_some_and(|(user, realm)| !user.is_empty() && !realm.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_one_shape() {
        let check = |text: &str, expected: Option<&str>| {
            let token = Credentials::token(&text.into());
            assert_eq!(token.as_ref().map(Credentials::login), expected, "{text}");
        };
        check("root@pam!iac=11111111-2222-3333-4444-555555555555", Some("root@pam!iac"));
        check("PVEAPIToken=root@pam!iac=11111111-2222\n", Some("root@pam!iac"));
        check("a=b@pve!x=1", Some("a=b@pve!x"));
        check("root@pam=11111111-2222", None);
        check("root!iac=11111111-2222", None);
        check("root@pam!iac=", None);
        check("root@pam!=11111111", None);
        check("root@pam!iac=with_underscore", None);
        check("", None);
    }

    #[test]
    fn tickets_name_their_user() {
        let check = |text: &str, expected: Option<&str>| {
            let ticket = Credentials::ticket(text.into(), None);
            assert_eq!(ticket.as_ref().map(Credentials::login), expected, "{text}");
        };
        check("PVE:alice@pve:6B038E50::e1nHgXom8l==", Some("alice@pve"));
        check("PVE:alice@pve:6B038E50::e1;x=y", None);
        check("PVE:alice:6B038E50::e1", None);
        check("alice@pve", None);
    }

    #[test]
    fn no_secret_is_ever_printed() {
        let secret = || SecretString::from("CANARY");
        let (ticket, csrf) = ("PVE:alice@pve:6B038E50::CANARY".into(), Some(secret()));
        let all = [
            Credentials::Token { id: "root@pam!iac".to_owned(), secret: secret() },
            Credentials::ticket(ticket, csrf).unwrap(),
            Credentials::Password { username: "root@pam".to_owned(), password: secret(), otp: Some(secret()) },
        ];
        assert!(!format!("{all:?} {all:#?}").contains("CANARY"));
    }
}
