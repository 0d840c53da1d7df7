//! Answers of the Proxmox API, and the store of answers that every reader works from.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::api::ApiPath;
use crate::not_read::NotRead;
use crate::object::text;

/// Beginning of the message of [`Answer::unknown`], by which clients know it as a limit of the twin.
pub const NO_ANSWER: &str = "the twin's recording has no answer";

/// Answer of the Proxmox API to one GET, as a recording keeps it: refusals are answers too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The whole JSON body: `{"data": …}`, and `message` and `errors` of a refusal beside it.
    pub body: Value,
    /// The reason phrase, which for Proxmox is the first line of the message.
    pub reason: String,
    /// The HTTP status; 595 when a node of the cluster could not be reached, 0 of [`Answer::unusable`].
    pub status: u16,
}

impl Answer {
    /// A success with this `data`.
    pub fn ok(data: Value) -> Self {
        let body = Value::Object(std::iter::once(("data".to_owned(), data)).collect());
        Self { status: 200, reason: "OK".to_owned(), body }
    }

    /// A refusal in Proxmox's form: the reason is the first line of the message, and the message ends with a line
    /// break.
    pub fn refusal(status: u16, message: &str) -> Self {
        let reason = message.lines().next().unwrap_or_default().to_owned();
        Self { status, reason, body: serde_json::json!({ "data": null, "message": format!("{message}\n") }) }
    }

    /// The refusal of a twin whose recording has no answer to the request. Nothing follows from it, least of all that
    /// the object does not exist.
    pub fn unknown(path: &ApiPath) -> Self {
        let message = format!("{NO_ANSWER} to 'GET /{}'", path.segments().join("/"));
        Self { status: 501, body: serde_json::json!({ "data": null, "message": message }), reason: message }
    }

    /// Stand-in for an answer that never came, or that has not the shape that Proxmox gives it: nothing follows from
    /// it. `why` is a sentence without its end.
    pub fn unusable(why: String) -> Self {
        Self { status: 0, reason: why, body: Value::Null }
    }

    /// The reason why the objects behind this refusal, or this [`Answer::unusable`], are not read.
    pub fn not_read(&self, request: &ApiPath) -> NotRead {
        if self.status == 0 {
            return NotRead::Unusable { request: request.clone(), complaint: self.reason.clone() };
        }
        NotRead::refused(request.clone(), self.status, self.reason.clone())
    }

    /// Reports whether the answer is a cluster's, not [`Answer::unknown`].
    pub fn is_known(&self) -> bool {
        is_known(self.status, &self.reason)
    }

    /// The `data` of a success, `None` for a refusal.
    pub fn data(&self) -> Option<&Value> {
        if !(200..300).contains(&self.status) {
            return None;
        }
        self.body.get("data")
    }

    /// The objects of a list answer by the text of one key; `None` for a refusal or another shape.
    pub fn indexed(mut self, key: &str) -> Option<Indexed> {
        self.data()?;
        let Value::Array(rows) = self.body.get_mut("data")?.take() else { return None };
        let rows = rows.into_iter().filter_map(|row| match row {
            Value::Object(row) => Some((row.get(key).and_then(text)?, Arc::new(row))),
            _ => None,
        });
        Some(rows.collect())
    }

    /// The objects of a list answer; empty for a refusal or another shape.
    pub fn list(&self) -> impl Iterator<Item = &serde_json::Map<String, Value>> {
        self.data().and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
    }
}

/// An answer whose body is still the stored text, for readers that pass it on as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerText {
    /// The whole JSON body.
    pub body: String,
    /// The reason phrase.
    pub reason: String,
    /// The HTTP status.
    pub status: u16,
}

impl AnswerText {
    /// Reads an answer as a recording keeps it: `{"body": {"data": …}, "reason": "OK", "status": 200}`.
    pub fn parse(stored: &[u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Stored<'a> {
            #[serde(borrow)]
            body: &'a RawValue,
            reason: String,
            status: u16,
        }
        let Stored { body, reason, status } = serde_json::from_slice(stored)?;
        Ok(Self { body: body.get().to_owned(), reason, status })
    }

    /// See [`Answer::is_known`].
    pub fn is_known(&self) -> bool {
        is_known(self.status, &self.reason)
    }

    /// The answer with its body parsed.
    pub fn parsed(&self) -> Result<Answer, serde_json::Error> {
        Ok(Answer { body: serde_json::from_str(&self.body)?, reason: self.reason.clone(), status: self.status })
    }

    /// The rows of a list, each as text, so that a list of ten thousand guests is never kept as values; `None` for a
    /// refusal or another shape.
    pub fn rows(&self) -> Option<Vec<&RawValue>> {
        if !(200..300).contains(&self.status) {
            return None;
        }
        let body: BTreeMap<String, &RawValue> = serde_json::from_str(&self.body).ok()?;
        serde_json::from_str(body.get("data")?.get()).ok()
    }
}

impl From<Answer> for AnswerText {
    fn from(answer: Answer) -> Self {
        Self { body: answer.body.to_string(), reason: answer.reason, status: answer.status }
    }
}

fn is_known(status: u16, reason: &str) -> bool {
    !(status == 501 && reason.starts_with(NO_ANSWER))
}

/// Error of a stored answer that cannot be read back: its file is cut off, or is not an answer.
#[derive(Debug, thiserror::Error)]
#[error("the stored answer to `{path}` cannot be read: {why}")]
pub struct Unreadable {
    /// The request whose answer it is.
    pub path: ApiPath,
    /// The complaint about the file.
    pub why: String,
}

/// The objects of a list, by the text of one key.
pub type Indexed = BTreeMap<String, Arc<Map<String, Value>>>;

/// The answers to the requests that were sent to a cluster so far.
///
/// A recording on disk, a packed one and a table in a test implement this.
pub trait Answers {
    /// The answer to this request; `None` where it was never sent.
    fn get(&self, path: &ApiPath) -> Result<Option<Answer>, Unreadable>;

    /// The same with the body as text; a store of texts gives it without parsing the body.
    fn text(&self, path: &ApiPath) -> Result<Option<AnswerText>, Unreadable> {
        Ok(self.get(path)?.map(AnswerText::from))
    }

    /// The objects of a list by the text of one key, those without it left out; `None` where the list is not there or was
    /// refused. A store that keeps lists parsed gives them without parsing.
    fn indexed(&self, path: &ApiPath, key: &str) -> Result<Option<Arc<Indexed>>, Unreadable> {
        Ok(self.get(path)?.and_then(|answer| answer.indexed(key)).map(Arc::new))
    }
}

impl<T: Answers + ?Sized> Answers for Arc<T> {
    fn get(&self, path: &ApiPath) -> Result<Option<Answer>, Unreadable> {
        (**self).get(path)
    }

    fn text(&self, path: &ApiPath) -> Result<Option<AnswerText>, Unreadable> {
        (**self).text(path)
    }

    fn indexed(&self, path: &ApiPath, key: &str) -> Result<Option<Arc<Indexed>>, Unreadable> {
        (**self).indexed(path, key)
    }
}

impl<T: Answers + ?Sized> Answers for &T {
    fn get(&self, path: &ApiPath) -> Result<Option<Answer>, Unreadable> {
        (**self).get(path)
    }

    fn text(&self, path: &ApiPath) -> Result<Option<AnswerText>, Unreadable> {
        (**self).text(path)
    }

    fn indexed(&self, path: &ApiPath, key: &str) -> Result<Option<Arc<Indexed>>, Unreadable> {
        (**self).indexed(path, key)
    }
}

impl Answers for BTreeMap<ApiPath, Answer> {
    fn get(&self, path: &ApiPath) -> Result<Option<Answer>, Unreadable> {
        Ok(Self::get(self, path).cloned())
    }
}

impl Answers for BTreeMap<ApiPath, AnswerText> {
    fn get(&self, path: &ApiPath) -> Result<Option<Answer>, Unreadable> {
        let parsed = Self::get(self, path).map(AnswerText::parsed).transpose();
        parsed.map_err(|error| Unreadable { path: path.clone(), why: error.to_string() })
    }

    fn text(&self, path: &ApiPath) -> Result<Option<AnswerText>, Unreadable> {
        Ok(Self::get(self, path).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_list_that_was_given_has_rows() {
        let check = |status: u16, body: &str, expected: Option<&[&str]>| {
            let answer = AnswerText { body: body.to_owned(), reason: String::new(), status };
            let rows = answer.rows().map(|rows| rows.into_iter().map(RawValue::get).collect::<Vec<_>>());
            assert_eq!(rows.as_deref(), expected, "{status} {body}");
        };
        check(200, r#"{"data": [{"a": [1]}, 2], "total": 2}"#, Some(&[r#"{"a": [1]}"#, "2"]));
        check(200, r#"{"data": []}"#, Some(&[]));
        check(200, r#"{"data": {"a": 1}}"#, None);
        check(200, r#"{"data": null}"#, None);
        check(200, "[]", None);
        check(403, r#"{"data": []}"#, None);
    }
}
