//! Outline of an answer: whether Proxmox's schema has a list, an object or a single value.
//!
//! Types of single values are not compared: Proxmox sends numbers as text and null for options that are not set
//! (docs/proxmox.md, "JSON types"). A list or an object in the place of another is never sent.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::description::{is_placeholder, segments};

/// Descriptions by release, the newest last: it takes precedence for a path over the others.
static TEXTS: [&str; 2] = [include_str!("returns-9.1.json"), include_str!("returns-9.2.json")];

/// Path of the schema, segment by segment, and the outline of the answer to a `GET` of it.
type Answered = (Vec<String>, Outline);

/// The outlines by the number of segments of their paths, and by the last one, which is empty for a placeholder.
static OUTLINES: LazyLock<BTreeMap<usize, BTreeMap<String, Vec<Answered>>>> = LazyLock::new(|| {
    let read = |text| serde_json::from_str::<BTreeMap<String, Value>>(text).expect("the outlines are whole");
    let stored: BTreeMap<String, Value> = TEXTS.into_iter().flat_map(read).collect();
    let mut outlines: BTreeMap<usize, BTreeMap<String, Vec<Answered>>> = BTreeMap::new();
    for (path, outline) in stored {
        let segments: Vec<String> = segments(&path).map(str::to_owned).collect();
        let last = segments.last().filter(|segment| !is_placeholder(segment)).cloned().unwrap_or_default();
        let same = outlines.entry(segments.len()).or_default().entry(last).or_default();
        same.push((segments, Outline::read(&outline)));
    }
    outlines
});

/// The outline of the answer to a `GET` of this path; [`Outline::Anything`] where the schema does not know the path. A
/// word of the path takes precedence over a placeholder.
pub fn returned(path: &str) -> &'static Outline {
    let fits = |(known, _): &&Answered| {
        known.iter().zip(segments(path)).all(|(word, given)| is_placeholder(word) || word == given)
    };
    let words = |segments: &'static [String]| segments.iter().map(|segment| !is_placeholder(segment));
    let same_length = OUTLINES.get(&segments(path).count());
    let last = segments(path).last().unwrap_or_default();
    let candidates = same_length.into_iter().flat_map(|by_last| by_last.get(last).into_iter().chain(by_last.get("")));
    let candidates = candidates.flatten().filter(fits);
    let best = candidates.max_by(|(left, _), (right, _)| words(left).cmp(words(right)));
    best.map_or(&Outline::Anything, |(_, outline)| outline)
}

/// Outline of an answer: lists, objects and single values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Outline {
    /// Not known to the schema.
    #[default]
    Anything,
    /// A text, a number or a boolean.
    Single,
    /// A list of such items.
    List(Box<Self>),
    /// An object, with its keys that hold lists of objects. Options are text in one release and an object in another.
    Object(BTreeMap<String, Self>),
}

impl Outline {
    /// Reads the form that `scripts/compact-api` writes: `[…]`, `{…}`, or 0 for a single value.
    fn read(stored: &Value) -> Self {
        match stored {
            Value::Array(items) => Self::List(Box::new(items.first().map(Self::read).unwrap_or_default())),
            Value::Object(keys) => {
                Self::Object(keys.iter().map(|(key, value)| (key.clone(), Self::read(value))).collect())
            }
            Value::Number(_) => Self::Single,
            Value::Null | Value::Bool(_) | Value::String(_) => Self::Anything,
        }
    }

    /// The outline of the rows of a list.
    pub fn row(&self) -> &Self {
        match self {
            Self::List(row) => row,
            Self::Anything | Self::Single | Self::Object(_) => &Self::Anything,
        }
    }

    /// The complaint about the data of an answer, as the rest of a sentence: ``its row 3 is null, not an object``;
    /// `None` where they have this outline.
    pub fn complaint(&self, data: &Value) -> Option<String> {
        self.complaint_of("it", data)
    }

    /// The complaint about a value within the data that is called `what`.
    pub fn complaint_of(&self, what: &str, value: &Value) -> Option<String> {
        if self.fits(value) { None } else { self.at(what, value) }
    }

    /// Reports whether the value has this outline.
    pub fn fits(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::List(row), Value::Array(rows)) => rows.iter().all(|value| row.fits(value)),
            (Self::Object(keys), Value::Object(object)) => keys.iter().all(|(key, outline)| {
                // A key that is not set is absent or null.
                object.get(key).is_none_or(|value| value.is_null() || outline.fits(value))
            }),
            (Self::Anything, _) | (Self::Single, Value::Bool(_) | Value::Number(_) | Value::String(_)) => true,
            _ => false,
        }
    }

    /// The first complaint about a value that is called `what`.
    fn at(&self, what: &str, value: &Value) -> Option<String> {
        match (self, value) {
            (Self::List(row), Value::Array(rows)) => rows
                .iter()
                .enumerate()
                .find_map(|(index, value)| row.at(&within(what, &format!("row {}", index + 1)), value)),
            (Self::Object(keys), Value::Object(object)) => keys.iter().find_map(|(key, outline)| {
                let value = object.get(key).filter(|value| !value.is_null())?;
                outline.at(&within(what, &format!("`{key}`")), value)
            }),
            (Self::Anything, _) | (Self::Single, Value::Bool(_) | Value::Number(_) | Value::String(_)) => None,
            (Self::Single, _) => Some(format!("{what} is {}, not a single value", kind(value))),
            (Self::List(_), _) => Some(format!("{what} is {}, not a list", kind(value))),
            (Self::Object(_), _) => Some(format!("{what} is {}, not an object", kind(value))),
        }
    }
}

fn within(outer: &str, inner: &str) -> String {
    if outer == "it" { format!("its {inner}") } else { format!("{inner} of {outer}") }
}

/// The name of the type of a JSON value, for people.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_or_an_object_in_the_place_of_another_is_wrong() {
        let check = |outline: Value, data: Value, expected: Option<&str>| {
            assert_eq!(Outline::read(&outline).complaint(&data).as_deref(), expected, "{outline} {data}");
        };
        let users = json!([{"tokens": [{}]}]);
        check(users.clone(), json!([{"userid": "root@pam", "tokens": [{"tokenid": "ci"}]}]), None);
        check(users.clone(), json!([{"userid": "root@pam", "tokens": null, "expire": "0"}]), None);
        check(users.clone(), json!([]), None);
        check(users.clone(), json!(null), Some("it is null, not a list"));
        check(users.clone(), json!({}), Some("it is an object, not a list"));
        check(users.clone(), json!([{}, null]), Some("its row 2 is null, not an object"));
        check(users.clone(), json!([{"tokens": {}}]), Some("`tokens` of its row 1 is an object, not a list"));
        check(users, json!([{"tokens": ["ci"]}]), Some("row 1 of `tokens` of its row 1 is a text, not an object"));
        check(json!({"names": [0]}), json!({"names": ["a", 1]}), None);
        check(
            json!({"names": [0]}),
            json!({"names": [["a"]]}),
            Some("row 1 of its `names` is a list, not a single value"),
        );
        check(json!({}), json!([]), Some("it is a list, not an object"));
        check(json!(null), json!("anything"), None);
    }
}
