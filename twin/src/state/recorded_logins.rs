//! Logins and permissions as the recording has them, whatever was written since.

use proxmox_mpc_model::permissions::Permissions;
use proxmox_mpc_model::{Answer, Answers, ApiPath, Unreadable};

use super::accounts::Accounts;

/// Logins of a recording, whatever was written since, and whether it has all permissions.
#[derive(Clone, Debug)]
pub(crate) struct RecordedLogins {
    /// True if the recording has the permissions of all logins.
    has_permissions: bool,
    /// The users, and the tokens as `user@realm!name`.
    logins: Vec<String>,
}

impl RecordedLogins {
    /// Reads the logins of a recording.
    pub(crate) fn read<A: Answers + ?Sized>(answers: &A) -> Result<Self, Unreadable> {
        let permissions = answers.get(&ApiPath::parse("access/permissions"))?;
        let permissions = Permissions::read(permissions.as_ref().and_then(Answer::data));
        let has_permissions = !permissions.is_known() || permissions.allow_all("/", "Permissions.Modify");
        let accounts = if has_permissions { Accounts::read(answers)? } else { None };
        let mut logins = Vec::new();
        for (name, user) in accounts.iter().flat_map(|accounts| &accounts.users) {
            logins.push(name.clone());
            logins.extend(user.tokens.keys().map(|token| format!("{name}!{token}")));
        }
        Ok(Self { has_permissions: accounts.is_some(), logins })
    }

    /// No logins, so that everything is allowed.
    pub(crate) fn none() -> Self {
        Self { has_permissions: false, logins: Vec::new() }
    }

    /// Reports whether the recording has the permissions of all logins.
    pub(crate) fn has_permissions(&self) -> bool {
        self.has_permissions
    }

    pub(crate) fn knows(&self, login: &str) -> bool {
        self.logins.iter().any(|known| known == login)
    }
}
