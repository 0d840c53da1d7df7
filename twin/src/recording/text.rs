//! The text of a stored answer: sorted keys, one line for each key or row of the data, and no blank beyond that, so
//! that the same answer gives the same bytes and two recordings can be compared line by line.

use std::collections::BTreeMap;
use std::io::{self, Write};

use proxmox_mpc_model::{Answer, AnswerText};
use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter};
use serde_json::value::RawValue;

use super::about::About;

/// Depth down to which each item has its own line: the answer, its body, and the body's data.
const LINES: usize = 3;

/// The text of an answer.
pub(super) fn answer(answer: &Answer) -> Vec<u8> {
    let mut sorted = BTreeMap::new();
    let (reason, status) = (Value::from(answer.reason.as_str()), Value::from(answer.status));
    sorted.insert("body", Sorted(&answer.body));
    sorted.insert("reason", Sorted(&reason));
    sorted.insert("status", Sorted(&status));
    lines(&sorted).expect("JSON values can always be written to memory")
}

/// The text of an answer, each part of it changed by `edit` first: the rows of a list one by one, anything else whole.
/// The errors are those of a body that is no JSON.
pub(super) fn edited(answer: &AnswerText, edit: &dyn Fn(&mut Value)) -> Result<Vec<u8>, serde_json::Error> {
    #[derive(serde::Serialize)]
    struct Parts<'a> {
        body: BTreeMap<String, Part<'a>>,
        reason: &'a str,
        status: u16,
    }
    let body: BTreeMap<String, &RawValue> = serde_json::from_str(&answer.body)?;
    let body = body.into_iter().map(|(key, text)| (key, Part { text, edit })).collect();
    lines(&Parts { body, reason: &answer.reason, status: answer.status })
}

/// The text of `recording.json`.
pub(super) fn about(about: &About) -> Vec<u8> {
    lines(about).expect("plain records can always be written to memory")
}

fn lines(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, Lines::default());
    value.serialize(&mut serializer)?;
    text.push(b'\n');
    Ok(text)
}

/// A part of an answer that is parsed, changed and written when its turn comes.
struct Part<'a> {
    text: &'a RawValue,
    edit: &'a dyn Fn(&mut Value),
}

impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Ok(rows) = serde_json::from_str::<Vec<&RawValue>>(self.text.get()) {
            return serializer.collect_seq(rows.into_iter().map(|text| Part { text, edit: self.edit }));
        }
        let mut value: Value = serde_json::from_str(self.text.get()).map_err(S::Error::custom)?;
        (self.edit)(&mut value);
        Sorted(&value).serialize(serializer)
    }
}

/// A value whose objects are written in the order of their keys, whatever order they are held in.
struct Sorted<'a>(&'a Value);

impl Serialize for Sorted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Array(items) => serializer.collect_seq(items.iter().map(Sorted)),
            Value::Object(keys) => {
                let sorted: BTreeMap<&str, &Value> = keys.iter().map(|(key, value)| (key.as_str(), value)).collect();
                serializer.collect_map(sorted.into_iter().map(|(key, value)| (key, Sorted(value))))
            }
            plain => plain.serialize(serializer),
        }
    }
}

/// Breaks lines down to [`LINES`] levels and writes what is deeper on one line.
#[derive(Default)]
struct Lines {
    depth: usize,
    /// True if the container that ends next had an item.
    filled: bool,
}

impl Lines {
    fn begin(&mut self, writer: &mut (impl Write + ?Sized), bracket: u8) -> io::Result<()> {
        self.depth += 1;
        self.filled = false;
        writer.write_all(&[bracket])
    }

    fn end(&mut self, writer: &mut (impl Write + ?Sized), bracket: u8) -> io::Result<()> {
        let broken = self.filled && self.depth <= LINES;
        self.depth -= 1;
        self.filled = true;
        if broken {
            self.new_line(writer)?;
        }
        writer.write_all(&[bracket])
    }

    fn item(&mut self, writer: &mut (impl Write + ?Sized), first: bool) -> io::Result<()> {
        self.filled = true;
        if !first {
            writer.write_all(b",")?;
        }
        if self.depth > LINES {
            return Ok(());
        }
        self.new_line(writer)
    }

    fn new_line(&self, writer: &mut (impl Write + ?Sized)) -> io::Result<()> {
        writer.write_all(&b"\n   "[..=self.depth])
    }
}

impl Formatter for Lines {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(writer, b'[')
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b']')
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.item(writer, first)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(writer, b'{')
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b'}')
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.item(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.depth <= LINES { writer.write_all(b": ") } else { CompactFormatter.begin_object_value(writer) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_line_for_each_key_or_row() {
        let check = |data: Value, expected: &str| {
            let text = String::from_utf8(answer(&Answer::ok(data.clone()))).unwrap();
            let expected = format!(
                "{{\n \"body\": {{\n  \"data\": {expected}\n }},\n \"reason\": \"OK\",\n \"status\": 200\n}}\n"
            );
            assert_eq!(text, expected);
            let edited = edited(&Answer::ok(data).into(), &|_| {}).unwrap();
            assert_eq!(String::from_utf8(edited).unwrap(), expected);
        };
        check(json!(null), "null");
        check(json!([]), "[]");
        check(json!({}), "{}");
        check(
            json!({"b": [1, {"d": 0.5, "c": {}}], "a": ""}),
            "{\n   \"a\": \"\",\n   \"b\": [1,{\"c\":{},\"d\":0.5}]\n  }",
        );
        check(json!([{"b": 1, "a": []}, 7]), "[\n   {\"a\":[],\"b\":1},\n   7\n  ]");
    }

    #[test]
    fn parts_are_edited_one_by_one() {
        let check = |data: Value, expected: &str| {
            let edit = |value: &mut Value| *value = json!([value.to_string()]);
            let text = String::from_utf8(edited(&Answer::ok(data).into(), &edit).unwrap()).unwrap();
            let words: String = text.split_whitespace().collect();
            assert_eq!(words, format!(r#"{{"body":{{"data":{expected}}},"reason":"OK","status":200}}"#));
        };
        check(json!({"b": 1, "a": 2}), r#"["{\"a\":2,\"b\":1}"]"#);
        check(json!([{"a": 1}, 2]), r#"[["{\"a\":1}"],["2"]]"#);
        let cut = AnswerText { body: r#"{"data": [1"#.to_owned(), reason: "OK".to_owned(), status: 200 };
        edited(&cut, &|_| {}).unwrap_err();
    }
}
