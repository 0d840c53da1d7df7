//! Recorded answers as the rules of derivation read them, with lists parsed once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::{Value, json};

use crate::object::text;
use crate::permissions::Permissions;
use crate::schema::Release;
use crate::{Answer, Answers, ApiPath, Indexed, Unreadable};

/// Makes answers from others; lists that many answers are made from are parsed once.
#[derive(Debug)]
pub struct Deriver<A> {
    pub(super) answers: A,
    lists: Mutex<Lists>,
    permissions: OnceLock<Permissions>,
    release: OnceLock<Release>,
}

/// The lists that were read so far, by request and the key that names a row; `None` for one that is not on record.
type Lists = BTreeMap<(ApiPath, &'static str), Option<Arc<Indexed>>>;

pub(super) use crate::rows::Row;

/// Result of a rule: an answer, or `None` where the recorded answers are not enough.
pub(super) type Derivation = Result<Option<Answer>, Unreadable>;

impl<A: Answers> Deriver<A> {
    /// A deriver over these answers.
    pub fn new(answers: A) -> Self {
        Self { answers, lists: Mutex::default(), permissions: OnceLock::new(), release: OnceLock::new() }
    }

    /// The request as Proxmox understands it: `nodes/localhost` is the node that was asked, and the slashes of a volume
    /// need not be escaped.
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

    /// The release of the cluster.
    pub fn release(&self) -> Result<Release, Unreadable> {
        if let Some(release) = self.release.get() {
            return Ok(*release);
        }
        let release = Release::of_answers(&self.answers)?;
        Ok(*self.release.get_or_init(|| release))
    }

    /// The data of a recorded success.
    pub(super) fn data(&self, path: &ApiPath) -> Result<Option<Value>, Unreadable> {
        let answer = self.answers.get(path)?;
        Ok(answer.and_then(|answer| answer.data().cloned()))
    }

    /// The rows of a recorded list by the text of one key; `None` where the list is not on record or was refused.
    pub(super) fn rows(&self, path: &ApiPath, key: &'static str) -> Result<Option<Arc<Indexed>>, Unreadable> {
        let at = (path.clone(), key);
        if let Some(rows) = self.lists.lock().unwrap_or_else(PoisonError::into_inner).get(&at) {
            return Ok(rows.clone());
        }
        let rows = self.answers.indexed(path, key)?;
        self.lists.lock().unwrap_or_else(PoisonError::into_inner).insert(at, rows.clone());
        Ok(rows)
    }

    /// One row of a recorded list.
    pub(super) fn row(&self, path: &ApiPath, key: &'static str, id: &str) -> Result<Option<Row>, Unreadable> {
        Ok(self.rows(path, key)?.and_then(|rows| rows.get(id).map(|row| Row::clone(row))))
    }

    /// The permissions of the login that made the recording.
    pub(super) fn permissions(&self) -> Result<&Permissions, Unreadable> {
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

/// The path with these query pairs added.
pub(super) fn with_queries(path: ApiPath, query: &[(String, String)]) -> ApiPath {
    query.iter().fold(path, |path, (key, value)| path.with_query(key, value))
}
