//! Enforced permissions: who may do what, from the users, groups, roles, ACLs and pools of the cluster as it is now.
//!
//! A recording that was made with fewer than all rights does not tell who may do what. Its answers are given to every
//! login as they are.

use std::collections::BTreeMap;

use proxmox_mpc_model::permissions::Permissions;
use proxmox_mpc_model::schema::MatchedMethod;
use proxmox_mpc_model::{Answer, Answers, ApiPath, Unreadable, names};
use serde_json::{Map, Value, json};

mod accounts;
mod bearer;
mod container;
mod expression;
mod lists;
mod machine;
mod own;
mod written;

use accounts::Accounts;
use bearer::{Bearer, Privileges};
pub(crate) use container::Container;
pub(crate) use machine::Machine;

use crate::writes::{Call, Login, Refusal};

/// How far a login is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Class {
    /// Everything is answered as it is: `root@pam`, and logins of the twin that the cluster does not have.
    All,
    /// A token with all rights of `root@pam`, who has them everywhere; yet it is not he.
    RootToken,
    /// Each request is checked, and each list filtered.
    Checked,
}

/// What the recording tells of permissions, whatever was written since.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    /// Whether it tells who may do what.
    told: bool,
    /// The users, and the tokens as `user@realm!name`.
    logins: Vec<String>,
}

impl Recorded {
    /// Reads what a recording tells.
    pub(crate) fn read<A: Answers + ?Sized>(answers: &A) -> Result<Self, Unreadable> {
        let permissions = answers.get(&ApiPath::parse("access/permissions"))?;
        let permissions = Permissions::read(permissions.as_ref().and_then(Answer::data));
        let told = !permissions.is_known() || permissions.allow_all("/", "Permissions.Modify");
        let accounts = if told { Accounts::read(answers)? } else { None };
        let mut logins = Vec::new();
        for (name, user) in accounts.iter().flat_map(|accounts| &accounts.users) {
            logins.push(name.clone());
            logins.extend(user.tokens.keys().map(|token| format!("{name}!{token}")));
        }
        Ok(Self { told: accounts.is_some(), logins })
    }

    /// Nothing is told, so that everything is allowed.
    pub(crate) fn untold() -> Self {
        Self { told: false, logins: Vec::new() }
    }

    /// Whether it tells who may do what.
    pub(crate) fn told(&self) -> bool {
        self.told
    }

    fn knew(&self, login: &str) -> bool {
        self.logins.iter().any(|known| known == login)
    }
}

/// How far a login is looked at, and until when that holds, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admitted {
    pub(crate) class: Class,
    pub(crate) until: i64,
}

/// Why a login is none any more.
#[derive(Debug)]
pub(crate) enum Barred {
    /// The reason phrase of the 401.
    Login(String),
    /// The recording cannot be read.
    Unreadable(Unreadable),
}

impl From<Unreadable> for Barred {
    fn from(error: Unreadable) -> Self {
        Self::Unreadable(error)
    }
}

/// How far this login is to be looked at, or why it is none: it was removed, disabled, or has expired.
///
/// `now` is in seconds since 1970.
pub(crate) fn class<A: Answers>(answers: &A, recorded: &Recorded, login: &Login, now: i64) -> Result<Admitted, Barred> {
    let always = |class| Admitted { class, until: i64::MAX };
    if !recorded.told || login.is_root() {
        return Ok(always(Class::All));
    }
    let barred = |reason: String| {
        let token = login.token.is_some();
        Err(Barred::Login(if token { "Authentication failed!".to_owned() } else { reason }))
    };
    let users = accounts::users(answers)?;
    let Some(row) = users.as_ref().and_then(|users| users.get(&login.user)) else {
        let gone = users.is_some() && recorded.knew(&login.user);
        return if gone { barred(format!("no such user ('{}')", login.user)) } else { Ok(always(Class::All)) };
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
    if login.token.is_some() && token.is_none() && recorded.knew(&login.full())
        || token.is_some_and(|token| past(token.expires))
    {
        return barred(String::new());
    }
    // A token that only the twin has stands for its user.
    let separated = token.is_some_and(|token| token.separated);
    let class = if login.user == "root@pam" && !separated { Class::RootToken } else { Class::Checked };
    let expires = token.map_or(0, |token| token.expires);
    let until = [user.expires, expires].into_iter().filter(|expires| *expires != 0).min();
    Ok(Admitted { class, until: until.unwrap_or(i64::MAX) })
}

/// Refuses a token where a method takes none, in Proxmox's words.
pub(crate) fn check_token(found: &MatchedMethod, path: &ApiPath, login: &Login) -> Result<(), Refusal> {
    if login.token.is_none() || found.method.allows_tokens {
        return Ok(());
    }
    let path = path.segments().join("/");
    // The line end inside of the brackets is Proxmox's.
    Err(expression::denied(&format!("URI '/{path}' not available with API token, need proper ticket.\n")))
}

/// Whether the permission of a method lets a login with all rights pass without a look at anything else.
pub(crate) fn plainly_passes(found: &MatchedMethod, parameters: &Map<String, Value>) -> bool {
    expression::plainly_passes(found.method, &with_captured(found, parameters))
}

/// What a path names is compared as bytes, as lists show it.
fn with_captured(found: &MatchedMethod, parameters: &Map<String, Value>) -> Map<String, Value> {
    let captured = found.captured.iter().map(|(name, value)| ((*name).to_owned(), names::as_listed(value).into()));
    parameters.clone().into_iter().chain(captured).collect()
}

/// Who may do what in the cluster at one moment; nothing is enforced where the answers do not tell.
#[derive(Debug)]
pub(crate) struct Rights(Option<Accounts>);

impl Rights {
    /// Reads them.
    pub(crate) fn read<A: Answers + ?Sized>(answers: &A) -> Result<Self, Unreadable> {
        Ok(Self(Accounts::read(answers)?))
    }

    fn bearer<'a, A: Answers>(&'a self, answers: &'a A, login: &'a Login) -> Option<Bearer<'a, A>> {
        self.0.as_ref().map(|accounts| Bearer::new(accounts, answers, login))
    }

    /// Refuses a call that the login may not make. `parameters` are those that were sent.
    pub(crate) fn check<A: Answers>(
        &self,
        answers: &A,
        login: &Login,
        found: &MatchedMethod,
        parameters: &Map<String, Value>,
    ) -> Result<(), Refusal> {
        let Some(bearer) = self.bearer(answers, login) else { return Ok(()) };
        bearer.check(found.method, &with_captured(found, parameters))
    }

    /// Refuses what a writing method checks by itself once its parameters are known to be right.
    pub(crate) fn check_own<A: Answers>(&self, answers: &A, call: &Call) -> Result<(), Refusal> {
        self.bearer(answers, &call.login).map_or(Ok(()), |bearer| written::check(&bearer, call))
    }

    /// Refuses a read that the login may not make; what the method refuses by itself as well.
    pub(crate) fn check_read<A: Answers>(
        &self,
        answers: &A,
        login: &Login,
        found: &MatchedMethod,
        path: &ApiPath,
    ) -> Result<(), Refusal> {
        check_token(found, path, login)?;
        let query = path.query().into_iter().map(|(key, value)| (key, Value::String(value)));
        self.check(answers, login, found, &query.collect())?;
        self.bearer(answers, login).map_or(Ok(()), |bearer| own::read(&bearer, path))
    }

    /// An answer without what the login may not see.
    pub(crate) fn filter<A: Answers>(
        &self,
        answers: &A,
        login: &Login,
        path: &ApiPath,
        answer: Answer,
    ) -> Result<Answer, Unreadable> {
        match self.bearer(answers, login) {
            Some(bearer) => lists::filter(&bearer, path, answer),
            None => Ok(answer),
        }
    }

    /// The answer to `access/permissions`: what a user or a token may do, at one path or at all. `None` where nothing is
    /// told, and for other requests.
    pub(crate) fn permissions<A: Answers>(
        &self,
        answers: &A,
        login: &Login,
        path: &ApiPath,
    ) -> Result<Option<Answer>, Refusal> {
        let Some(bearer) = self.bearer(answers, login) else { return Ok(None) };
        if path.segments() != ["access", "permissions"] {
            return Ok(None);
        }
        let query = path.query();
        let value = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let about = value("userid").map_or_else(|| login.clone(), Login::parse);
        let owned = about.token.is_some() && login.token.is_none() && about.user == login.user;
        if about != *login && !owned {
            bearer.require_all("/access", &["Sys.Audit"])?;
        }
        let data: Map<String, Value> = match value("path") {
            Some(path) => Map::from_iter([(path.to_owned(), shown(&*bearer.privileges_of(&about, path)?))]),
            None => bearer.effective(&about)?.into_iter().map(|(path, held)| (path, shown(&held))).collect(),
        };
        Ok(Some(Answer::ok(data.into())))
    }

    /// What the web interface is told at login that the user may do, by subject (`compute_api_permission`).
    pub(crate) fn capabilities<A: Answers>(&self, answers: &A, user: &str) -> Result<Value, Unreadable> {
        let login = Login::parse(user);
        let (Some(accounts), Some(bearer)) = (&self.0, self.bearer(answers, &login)) else { return Ok(json!({})) };
        let mut capabilities: BTreeMap<&str, Map<String, Value>> =
            SUBJECTS.iter().map(|(subject, _)| (*subject, Map::new())).collect();
        let mut paths = accounts.paths();
        paths.extend(["/", "/nodes", "/access/groups", "/vms", "/storage", "/sdn", "/mapping"]);
        for path in paths {
            for privilege in bearer.privileges(path)?.keys() {
                if let Some(subject) = subject(path, privilege).and_then(|subject| capabilities.get_mut(subject)) {
                    subject.insert(privilege.clone(), json!(1));
                }
            }
        }
        Ok(json!(capabilities))
    }
}

fn shown(privileges: &Privileges) -> Value {
    privileges.iter().map(|(privilege, propagates)| (privilege.clone(), json!(u8::from(*propagates)))).collect()
}

/// The subject that a privilege at a path belongs to.
fn subject<'s>(path: &'s str, privilege: &str) -> Option<&'s str> {
    let subject = match path.split('/').nth(1).filter(|top| !top.is_empty()) {
        Some("pool") if privilege.starts_with("VM.") => "vms",
        Some("pool") => "storage",
        Some(top) => top,
        None => "dc",
    };
    let (_, begins) = SUBJECTS.iter().find(|(name, _)| *name == subject)?;
    begins.iter().any(|begin| privilege.starts_with(begin)).then_some(subject)
}

/// The subjects of the web interface, and how the privileges that matter to each begin.
static SUBJECTS: [(&str, &[&str]); 7] = [
    ("vms", &["VM.", "Permissions.Modify"]),
    ("access", &["User.", "Group.", "Permissions.Modify"]),
    ("storage", &["Datastore.", "Permissions.Modify"]),
    ("nodes", &["Sys.", "Permissions.Modify"]),
    ("sdn", &["SDN.", "Permissions.Modify"]),
    ("dc", &["Sys.Audit", "Sys.Modify", "SDN."]),
    ("mapping", &["Mapping.", "Permissions.Modify"]),
];
