//! The text of a stored answer: sorted keys, one line for each key or row of the data, and no blank beyond that, so
//! that the same answer gives the same bytes and two recordings can be compared line by line.

use std::collections::BTreeMap;
use std::io::{self, Write};

use proxmox_mpc_model::Answer;
use serde::ser::{Serialize, Serializer};
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter};

use super::About;

/// How deep the lines go: the answer, its body, and the body's data.
const LINES: usize = 3;

/// The text of an answer.
pub(super) fn answer(answer: &Answer) -> Vec<u8> {
    let mut sorted = BTreeMap::new();
    let (reason, status) = (Value::from(answer.reason.as_str()), Value::from(answer.status));
    sorted.insert("body", Sorted(&answer.body));
    sorted.insert("reason", Sorted(&reason));
    sorted.insert("status", Sorted(&status));
    lines(&sorted)
}

/// The text of `recording.json`.
pub(super) fn about(about: &About) -> Vec<u8> {
    lines(about)
}

fn lines(value: &impl Serialize) -> Vec<u8> {
    let mut text = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, Lines::default());
    value.serialize(&mut serializer).expect("JSON values and plain records can always be written to memory");
    text.push(b'\n');
    text
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
    /// Whether the container that ends next had an item.
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
            let text = String::from_utf8(answer(&Answer::ok(data))).unwrap();
            let expected = format!(
                "{{\n \"body\": {{\n  \"data\": {expected}\n }},\n \"reason\": \"OK\",\n \"status\": 200\n}}\n"
            );
            assert_eq!(text, expected);
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
}
