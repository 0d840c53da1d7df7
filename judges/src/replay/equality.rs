//! Equality of answers: the form in which two of them are compared, without the values that no two runs share.

use std::collections::BTreeSet;

use regex_lite::Regex;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::JudgeError;
use crate::fixtures::{self, Pattern};

/// Rules of equality (`fixtures/exchanges/equality.json`).
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Equality {
    /// Patterns of values that a server makes up. The order counts: a UPID contains other numbers.
    made_up: Vec<Pattern>,
    /// Keys whose numbers are measurements or moments, never configuration.
    measured: BTreeSet<String>,
    /// Keys of which only the type of the value is compared.
    opaque: BTreeSet<String>,
    /// Keys whose texts are sets, written as lists.
    unordered: BTreeSet<String>,
    #[serde(skip, default = "Notations::new")]
    notations: Notations,
}

/// Notations that occur in answers.
#[derive(Clone, Debug)]
struct Notations {
    number: Regex,
    numbers_in_text: Regex,
    separators: Regex,
}

impl Notations {
    fn new() -> Self {
        let regex = |pattern: &str| Regex::new(pattern).expect("the pattern is a constant, and a test compiles it");
        Self {
            number: regex(r"^-?\d+(\.\d+)?(e-?\d+)?$"),
            numbers_in_text: regex(r"\d+([.:]\d+)*"),
            separators: regex("[ ,;]+"),
        }
    }
}

impl Equality {
    /// Reads the rules.
    pub(crate) fn read() -> Result<Self, JudgeError> {
        fixtures::table("exchanges/equality.json")
    }

    /// Patterns of values that a server makes up.
    pub(super) fn made_up(&self) -> impl Iterator<Item = &Regex> {
        self.made_up.iter().map(|pattern| &pattern.0)
    }

    /// A text without made-up values.
    pub(super) fn plain(&self, text: &str) -> String {
        self.made_up().fold(text.to_owned(), |text, pattern| pattern.replace_all(&text, "<made-up>").into_owned())
    }

    /// The form of an answer in which it is compared. In a log the order of lines counts, and numbers do not.
    pub(super) fn normal(&self, answer: Value, is_log: bool) -> Value {
        self.normal_value(answer, None, is_log)
    }

    fn normal_value(&self, value: Value, key: Option<&str>, is_log: bool) -> Value {
        if key.is_some_and(|key| self.opaque.contains(key)) {
            return type_only(&value);
        }
        match value {
            Value::Object(object) => self.normal_object(object, is_log),
            Value::Array(items) => {
                let mut items: Vec<_> = items.into_iter().map(|item| self.normal_value(item, None, is_log)).collect();
                if !is_log {
                    items.sort_by_cached_key(Value::to_string);
                }
                Value::Array(items)
            }
            Value::String(text) => self.normal_text(&text, key, is_log).into(),
            other => other,
        }
    }

    fn normal_object(&self, object: Map<String, Value>, is_log: bool) -> Value {
        // A list of pending changes names the key in each of its items.
        let hides = object.get("key").and_then(Value::as_str).is_some_and(|key| self.opaque.contains(key));
        let shown = object.into_iter().filter(|(key, value)| !self.is_measured(key, value));
        let normal = shown.map(|(key, value)| {
            let normal = if hides && matches!(key.as_str(), "value" | "pending") {
                type_only(&value)
            } else {
                self.normal_value(value, Some(&key), is_log || key == "t")
            };
            (key, normal)
        });
        Value::Object(normal.collect())
    }

    fn normal_text(&self, text: &str, key: Option<&str>, is_log: bool) -> String {
        let text = self.plain(text);
        if is_log {
            return self.notations.numbers_in_text.replace_all(&text, "#").into_owned();
        }
        if !key.is_some_and(|key| self.unordered.contains(key)) {
            return text;
        }
        let mut members: Vec<&str> = self.notations.separators.split(&text).collect();
        members.sort_unstable();
        members.join(",")
    }

    /// Reports whether this is a measurement or a moment, which may differ or be missing.
    fn is_measured(&self, key: &str, value: &Value) -> bool {
        let is_number = match value {
            Value::Number(_) => true,
            Value::String(text) => self.notations.number.is_match(text),
            _ => false,
        };
        is_number && self.measured.contains(key)
    }
}

/// The type of a value in the value's place.
fn type_only(value: &Value) -> Value {
    let name = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    format!("<{name}>").into()
}

/// The first difference between a recorded value and another, with its place.
pub(super) fn first_difference(recorded: &Value, other: &Value, place: &str) -> Option<String> {
    match (recorded, other) {
        (Value::Object(recorded), Value::Object(other)) => {
            let keys: BTreeSet<&String> = recorded.keys().chain(other.keys()).collect();
            keys.into_iter().find_map(|key| match (recorded.get(key), other.get(key)) {
                (Some(recorded), Some(other)) => first_difference(recorded, other, &format!("{place}.{key}")),
                (Some(recorded), None) => Some(format!("{place}.{key}: missing, recorded {}", shown(recorded, 100))),
                (None, Some(other)) => Some(format!("{place}.{key}: only in the answer: {}", shown(other, 100))),
                (None, None) => None,
            })
        }
        (Value::Array(recorded), Value::Array(other)) if recorded.len() != other.len() => {
            Some(format!("{place}: {} items, recorded {}", other.len(), recorded.len()))
        }
        (Value::Array(recorded), Value::Array(other)) => recorded
            .iter()
            .zip(other)
            .enumerate()
            .find_map(|(index, (recorded, other))| first_difference(recorded, other, &format!("{place}[{index}]"))),
        _ if is_same(recorded, other) => None,
        _ => Some(format!("{place}: {}, recorded {}", shown(other, 160), shown(recorded, 160))),
    }
}

/// Reports whether two values are equal; `1` and `1.0` are.
fn is_same(one: &Value, other: &Value) -> bool {
    let are_same_numbers = one.as_f64().is_some_and(|number| Some(number) == other.as_f64());
    one == other || (are_same_numbers && (one.is_f64() || other.is_f64()))
}

/// The beginning of a value as JSON.
fn shown(value: &Value, length: usize) -> String {
    super::shortened(&value.to_string(), length)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_are_equal_but_for_what_no_two_runs_share() {
        let equality = Equality::read().unwrap();
        let compare = |recorded: Value, answer: Value, is_log: bool, expected: Option<&str>| {
            let sides = (equality.normal(recorded.clone(), is_log), equality.normal(answer, is_log));
            assert_eq!(first_difference(&sides.0, &sides.1, "body").as_deref(), expected, "{recorded}");
        };
        let check = |recorded, answer, expected| compare(recorded, answer, false, expected);
        check(json!({ "a": 1, "b": [1, 2] }), json!({ "b": [2, 1], "a": 1.0 }), None);
        check(json!({ "a": 1 }), json!({ "a": "1" }), Some("body.a: \"1\", recorded 1"));
        check(json!({ "a": 1 }), json!({ "a": true }), Some("body.a: true, recorded 1"));
        check(json!({ "a": 1 }), json!({}), Some("body.a: missing, recorded 1"));
        check(json!({}), json!({ "a": null }), Some("body.a: only in the answer: null"));
        check(json!([1]), json!([1, 2]), Some("body: 2 items, recorded 1"));
        check(json!([{ "a": 1 }]), json!([{ "a": 2 }]), Some("body[0].a: 2, recorded 1"));
        // Measured values are ignored, and configured ones of the same name are not.
        check(json!({ "uptime": 7, "cpu": 0.5 }), json!({ "uptime": "9" }), None);
        check(json!({ "cpu": "host" }), json!({}), Some("body.cpu: missing, recorded \"host\""));
        check(json!({ "loadavg": ["0.1"] }), json!({ "loadavg": [] }), None);
        check(
            json!({ "loadavg": ["0.1"] }),
            json!({ "loadavg": 1 }),
            Some("body.loadavg: \"<number>\", recorded \"<array>\""),
        );
        check(json!({ "key": "vmgenid", "value": "a" }), json!({ "key": "vmgenid", "value": "b" }), None);
        check(
            json!({ "key": "name", "value": "a" }),
            json!({ "key": "name", "value": "b" }),
            Some("body.value: \"b\", recorded \"a\""),
        );
        // Sets in texts.
        check(json!({ "nodes": "a,b" }), json!({ "nodes": "b a" }), None);
        check(json!({ "name": "a,b" }), json!({ "name": "b,a" }), Some("body.name: \"b,a\", recorded \"a,b\""));
        // Values that a server makes up.
        let upid =
            |id: &str| format!("UPID:pve:{id}:0001:65E1D0A0:qmstart:100:root@pam:").replace(":0001:", ":00000001:");
        check(json!(upid("0000A1B2")), json!(upid("0000FFFF")), None);
        check(json!("net0: virtio=52:54:00:AB:CD:EF"), json!("net0: virtio=BC:24:11:00:00:01"), None);
        // Logs: numbers do not count, and the order does.
        compare(json!([{ "t": "took 1.5 s" }]), json!([{ "t": "took 12:30 s" }]), true, None);
        compare(json!(["a", "b"]), json!(["b", "a"]), true, Some("body[0]: \"b\", recorded \"a\""));
    }
}
