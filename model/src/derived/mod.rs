//! Answers that nobody recorded, made from those that somebody did: one rule of a list, one volume of a guest's
//! configuration, a list without what a filter leaves out, and Proxmox's refusal where a list proves that something
//! is not there.
//!
//! Proxmox gives many things twice, in a list and one by one. Who has the list need not ask for the rest.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::{Map, Value, json};

use crate::object::text;
use crate::permissions::Permissions;
use crate::schema::{Errors, Release, Verb};
use crate::{Answer, Answers, ApiPath, Indexed, Unreadable, names};

mod access;
mod filters;
mod follows;
mod guest;
mod indexes;
mod interfaces;
mod local;
mod migration;
mod missing;
mod nextid;
mod paths;
mod pools;
mod renewed;
mod rules;
mod running;
mod sdn;
mod url;
mod volume;

pub use follows::is_stale;
pub use renewed::is_renewed;
pub use url::{UNSEEN, Unreached, unreached};

/// Makes answers from others. Lists that many answers are made from are parsed once.
#[derive(Debug)]
pub struct Deriver<A> {
    answers: A,
    lists: Mutex<Lists>,
    permissions: OnceLock<Permissions>,
    release: OnceLock<Release>,
}

/// The lists that were read so far, by request and the key that names a row; `None` for one that is not on record.
type Lists = BTreeMap<(ApiPath, &'static str), Option<Arc<Indexed>>>;

/// An object of Proxmox's.
type Row = Map<String, Value>;

/// Proxmox's refusal of a GET that it does not have in this release, or whose parameters are wrong.
pub fn refusal(release: Release, path: &ApiPath) -> Option<Answer> {
    let segments = path.segments();
    paths::check(release, &segments.iter().map(String::as_str).collect::<Vec<_>>(), &path.query())
}

/// One room of rules.
type Rule<A> = fn(&Deriver<A>, &[&str], &[(String, String)]) -> Outcome;

/// What a rule makes: an answer, or `None` where the other answers do not tell.
type Outcome = Result<Option<Answer>, Unreadable>;

impl<A: Answers> Deriver<A> {
    /// Makes answers from these.
    pub fn new(answers: A) -> Self {
        Self { answers, lists: Mutex::default(), permissions: OnceLock::new(), release: OnceLock::new() }
    }

    /// The request that Proxmox understands by this one: `nodes/localhost` is the node that was asked, and the
    /// slashes of a volume need not be escaped.
    pub fn canonical(&self, path: ApiPath) -> Result<ApiPath, Unreadable> {
        let mut segments = path.segments();
        if segments.first().is_none_or(|first| first != "nodes") {
            return Ok(path);
        }
        let mut changed = false;
        if segments.get(1).is_some_and(|node| node == "localhost")
            && let Some(local) = self.local_node()?
        {
            segments[1] = local;
            changed = true;
        }
        if segments.len() > 6 && segments[2] == "storage" && segments[4] == "content" {
            let volume = segments.split_off(5).join("/");
            segments.push(volume);
            changed = true;
        }
        Ok(if changed { with_queries(ApiPath::new(segments), &path.query()) } else { path })
    }

    /// The answer to a request that is not on record, or `None` where what is on record does not tell.
    pub fn derive(&self, path: &ApiPath) -> Outcome {
        let owned = path.segments();
        let segments: Vec<&str> = owned.iter().map(String::as_str).collect();
        let query = path.query();
        if let Some(refusal) = paths::check(self.release()?, &segments, &query) {
            return Ok(Some(refusal));
        }
        if let Some(refusal) = missing::check(self, &segments)? {
            return Ok(Some(refusal));
        }
        let rules: [Rule<A>; 12] = [
            access::derive,
            guest::derive,
            migration::derive,
            indexes::derive,
            nextid::derive,
            pools::derive,
            url::derive,
            volume::derive,
            interfaces::derive,
            filters::derive,
            sdn::derive,
            rules::derive,
        ];
        for derive in rules {
            if let Some(answer) = derive(self, &segments, &query)? {
                return Ok(Some(answer));
            }
        }
        Ok(None)
    }

    /// The release of the cluster.
    pub fn release(&self) -> Result<Release, Unreadable> {
        if let Some(release) = self.release.get() {
            return Ok(*release);
        }
        let release = Release::of_answers(&self.answers)?;
        Ok(*self.release.get_or_init(|| release))
    }

    /// The data of a recorded success.
    fn data(&self, path: &ApiPath) -> Result<Option<Value>, Unreadable> {
        let answer = self.answers.get(path)?;
        Ok(answer.and_then(|answer| answer.data().cloned()))
    }

    /// The rows of a recorded list by the text of one key; `None` where the list is not on record or was refused.
    fn rows(&self, path: &ApiPath, key: &'static str) -> Result<Option<Arc<Indexed>>, Unreadable> {
        let at = (path.clone(), key);
        if let Some(rows) = self.lists.lock().unwrap_or_else(PoisonError::into_inner).get(&at) {
            return Ok(rows.clone());
        }
        let rows = self.answers.indexed(path, key)?;
        self.lists.lock().unwrap_or_else(PoisonError::into_inner).insert(at, rows.clone());
        Ok(rows)
    }

    /// One row of a recorded list.
    fn row(&self, path: &ApiPath, key: &'static str, id: &str) -> Result<Option<Row>, Unreadable> {
        Ok(self.rows(path, key)?.and_then(|rows| rows.get(id).map(|row| Row::clone(row))))
    }

    /// What the login that made the recording may do.
    fn permissions(&self) -> Result<&Permissions, Unreadable> {
        if let Some(permissions) = self.permissions.get() {
            return Ok(permissions);
        }
        let data = self.data(&ApiPath::parse("access/permissions"))?;
        Ok(self.permissions.get_or_init(|| Permissions::read(data.as_ref())))
    }

    /// The node that was asked when the recording was made.
    pub fn local_node(&self) -> Result<Option<String>, Unreadable> {
        let rows = self.rows(&ApiPath::parse("cluster/status"), "id")?;
        let local = rows.as_ref().and_then(|rows| {
            rows.values().find(|row| row.get("type") == Some(&json!("node")) && row.get("local") == Some(&json!(1)))
        });
        Ok(local.and_then(|row| row.get("name")).and_then(text))
    }
}

/// The same path with these query pairs.
fn with_queries(path: ApiPath, query: &[(String, String)]) -> ApiPath {
    query.iter().fold(path, |path, (key, value)| path.with_query(key, value))
}

/// What Proxmox says to a path that it does not have. The message has no line end, and shows each byte of the path as
/// one character.
fn not_implemented(segments: &[&str]) -> Answer {
    no_method(Verb::Get, segments)
}

/// The same for any method.
pub fn no_method(verb: Verb, segments: &[&str]) -> Answer {
    let path = names::as_listed(&segments.join("/"));
    let message = format!("Method '{verb} /{path}' not implemented");
    Answer { status: 501, body: json!({ "data": null, "message": message }), reason: message }
}

/// What Proxmox says where a parameter is wrong.
fn invalid(parameter: &str, why: &str) -> Answer {
    refused(&Errors::from([(parameter.to_owned(), why.to_owned())]))
}

/// The same for several parameters.
pub fn refused(errors: &Errors) -> Answer {
    let message = "Parameter verification failed.";
    let body = json!({ "data": null, "errors": errors, "message": format!("{message}\n") });
    Answer { status: 400, reason: message.to_owned(), body }
}
