//! Admission of logins: whether a login is still accepted, and which checks its requests go through.

use proxmox_mpc_model::{Answers, Unreadable};

use crate::call::Login;
use crate::state::RecordedLogins;
use crate::state::accounts;

/// Checks that the requests of a login go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Checks {
    /// No checks: `root@pam`, and logins of the twin that the cluster does not have.
    All,
    /// A token of `root@pam` with all its rights, which is still not `root@pam` itself.
    RootToken,
    /// Each request is checked, and each list filtered.
    Checked,
}

/// Admission of a login: its checks, and the time until which this holds, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admission {
    pub(crate) class: Checks,
    pub(crate) until: i64,
}

/// Reason why a login is no longer accepted.
#[derive(Debug)]
pub(crate) enum AdmissionError {
    /// The reason phrase of the 401.
    Login(String),
    /// The recording cannot be read.
    Unreadable(Unreadable),
}

impl From<Unreadable> for AdmissionError {
    fn from(error: Unreadable) -> Self {
        Self::Unreadable(error)
    }
}

/// Admits a login, or says why it is no longer accepted: it was removed, disabled, or has expired.
///
/// `now` is in seconds since 1970.
pub(crate) fn class<A: Answers>(
    answers: &A,
    recorded: &RecordedLogins,
    login: &Login,
    now: i64,
) -> Result<Admission, AdmissionError> {
    let always = |class| Admission { class, until: i64::MAX };
    if !recorded.has_permissions() || login.is_root() {
        return Ok(always(Checks::All));
    }
    let barred = |reason: String| {
        let token = login.token.is_some();
        Err(AdmissionError::Login(if token { "Authentication failed!".to_owned() } else { reason }))
    };
    let users = accounts::users(answers)?;
    let Some(row) = users.as_ref().and_then(|users| users.get(&login.user)) else {
        let gone = users.is_some() && recorded.knows(&login.user);
        return if gone { barred(format!("no such user ('{}')", login.user)) } else { Ok(always(Checks::All)) };
    };
    let user = accounts::User::read(row);
    let past = |expires: i64| expires != 0 && expires <= now;
    if !user.enabled {
        return barred(format!("user '{}' is disabled", login.user));
    }
    if past(user.expires) {
        return barred(format!("user '{}' access expired", login.user));
    }
    let token = login.token.as_ref().and_then(|name| user.tokens.get(name));
    if login.token.is_some() && token.is_none() && recorded.knows(&login.full())
        || token.is_some_and(|token| past(token.expires))
    {
        return barred(String::new());
    }
    // A token that only the twin has stands for its user.
    let separated = token.is_some_and(|token| token.separated);
    let class = if login.user == "root@pam" && !separated { Checks::RootToken } else { Checks::Checked };
    let expires = token.map_or(0, |token| token.expires);
    let until = [user.expires, expires].into_iter().filter(|expires| *expires != 0).min();
    Ok(Admission { class, until: until.unwrap_or(i64::MAX) })
}
