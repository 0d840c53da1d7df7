//! Enforcement of permissions: refusals to a login, and lists without what it may not see.

use proxmox_mpc_model::schema::MatchedMethod;
use proxmox_mpc_model::{Answer, Answers, ApiPath, Unreadable, names};
use serde_json::{Map, Value, json};

use super::login_privileges::{Bearer, Privileges};
use super::{capabilities, expression, lists, read_checks, write_checks};
use crate::call::{Call, Login, Refusal};
use crate::state::accounts::Accounts;

/// Refuses a token where a method takes none, in Proxmox's words.
pub(crate) fn check_token(found: &MatchedMethod, path: &ApiPath, login: &Login) -> Result<(), Refusal> {
    if login.token.is_none() || found.method.allows_tokens {
        return Ok(());
    }
    let path = path.segments().join("/");
    // The line end inside of the brackets is Proxmox's.
    Err(expression::denied(&format!("URI '/{path}' not available with API token, need proper ticket.\n")))
}

/// Reports whether the permission of a method lets a login with all rights pass without a look at anything else.
pub(crate) fn plainly_passes(found: &MatchedMethod, parameters: &Map<String, Value>) -> bool {
    expression::plainly_passes(found.method, &with_captured(found, parameters))
}

/// Parameters with those of the path, which are compared as bytes, as lists show them.
fn with_captured(found: &MatchedMethod, parameters: &Map<String, Value>) -> Map<String, Value> {
    let captured = found.captured.iter().map(|(name, value)| ((*name).to_owned(), names::as_listed(value).into()));
    parameters.clone().into_iter().chain(captured).collect()
}

/// Permissions of the cluster at one moment; nothing is enforced where the answers do not tell them.
#[derive(Debug)]
pub(crate) struct Rights(Option<Accounts>);

impl Rights {
    /// Reads the permissions of a cluster.
    pub(crate) fn read<A: Answers + ?Sized>(answers: &A) -> Result<Self, Unreadable> {
        Ok(Self(Accounts::read(answers)?))
    }

    pub(super) fn bearer<'a, A: Answers>(&'a self, answers: &'a A, login: &'a Login) -> Option<Bearer<'a, A>> {
        self.0.as_ref().map(|accounts| Bearer::new(accounts, answers, login))
    }

    /// The rights that a call is checked with; `None` where its login may do everything.
    pub(crate) fn of_call<A: Answers>(answers: &A, call: &Call) -> Result<Option<Self>, Refusal> {
        if call.checked { Ok(Some(Self::read(answers)?)) } else { Ok(None) }
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

    /// Does the checks that a writing method does itself once its parameters are known to be right.
    pub(crate) fn check_own<A: Answers>(&self, answers: &A, call: &Call) -> Result<(), Refusal> {
        self.bearer(answers, &call.login).map_or(Ok(()), |bearer| write_checks::check(&bearer, call))
    }

    /// Refuses a read that the login may not make, with the checks that the method does itself.
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
        self.bearer(answers, login).map_or(Ok(()), |bearer| read_checks::read(&bearer, path))
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

    /// The answer to `access/permissions`: the privileges of a user or a token, at one path or at all. `None` where
    /// permissions are not known, and for other requests.
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

    /// Privileges that the web interface is told at login, by subject; none where nothing is enforced.
    pub(crate) fn capabilities<A: Answers>(&self, answers: &A, user: &str) -> Result<Value, Unreadable> {
        let login = Login::parse(user);
        self.bearer(answers, &login).map_or_else(|| Ok(json!({})), |bearer| capabilities::of(&bearer))
    }
}

fn shown(privileges: &Privileges) -> Value {
    privileges.iter().map(|(privilege, propagates)| (privilege.clone(), json!(u8::from(*propagates)))).collect()
}
