//! Rows of a list by their ids.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::answer::{AnswerText, Answers, Unreadable};
use crate::api::ApiPath;
use crate::not_read::NotRead;
use crate::object::text;
use crate::shape;

/// Object of an answer: a row of a list, or the whole answer.
pub(crate) type Row = Map<String, Value>;

/// The rows of a list by their ids.
pub type Rows = BTreeMap<String, Row>;

/// Id of a row, which tells it from the other rows of its list.
#[derive(Clone, Copy, Debug)]
pub enum RowId {
    /// The value of this key.
    Key(&'static str),
    /// The text that the function makes of a row; `None` for a row that is not an object of the kind.
    Made(fn(&Map<String, Value>) -> Option<String>),
}

impl PartialEq for RowId {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Key(one), Self::Key(other)) => one == other,
            (Self::Made(one), Self::Made(other)) => std::ptr::fn_addr_eq(*one, *other),
            _ => false,
        }
    }
}

impl RowId {
    /// The id of a row.
    pub(crate) fn of(self, row: &Map<String, Value>) -> Option<String> {
        match self {
            Self::Key(key) => row.get(key).and_then(text).filter(|id| !id.is_empty()),
            Self::Made(made) => made(row),
        }
    }
}

/// Calls `each` with the rows of a list one after the other. Returns the reason why there is no such list.
pub(crate) fn each(
    answers: &dyn Answers,
    path: &ApiPath,
    mut each: impl FnMut(Map<String, Value>),
) -> Result<Option<NotRead>, Unreadable> {
    let Some(answer) = answers.text(path)?.filter(AnswerText::is_known) else {
        return Ok(Some(NotRead::NotOnRecord { request: path.clone() }));
    };
    let read = shape::each_row(path, &answer, |row| {
        each(row);
        Ok(())
    })?;
    Ok(read.err())
}
