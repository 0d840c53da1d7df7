//! Writer for Terraform's language: values, blocks and their canonical layout.
//!
//! `terraform fmt` leaves the text as it is. hcl-edit reads it back in the tests. It does not write it, because it aligns
//! nothing, does not escape right-to-left marks and keeps a whole file in memory.

mod text;

use std::fmt::Write as _;

use proxmox_mpc_code::quote::quote;
use serde_json::Value as Json;

pub use self::text::{comment, invisible, quoted};

/// A value on the right of `=`.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A string. Several lines become a heredoc if it has the same value.
    Text(String),
    /// A string for an attribute that ignores a last line end, such as the notes of a guest: a heredoc may add one.
    Trimmed(String),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction, as its shortest decimal text.
    Number(String),
    /// `true` or `false`.
    Boolean(bool),
    /// A reference to an attribute, or any other expression that is a name.
    Reference(String),
    /// A string with references in it: a sequence of texts and references.
    Template(Vec<Self>),
    /// A list.
    List(Vec<Self>),
    /// The attribute paths of `ignore_changes`, with as many on a line as fit.
    Paths(Vec<String>),
    /// An object. Keys that are no identifiers are quoted.
    Map(Vec<(String, Self)>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Boolean(flag)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

/// Item of a body, with the comment above it.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Lines of a comment above the item; empty for none.
    pub comment: Vec<String>,
    /// The item.
    pub content: Content,
}

/// An attribute or a block.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// `name = value`.
    Attribute(String, Value),
    /// A nested block.
    Block(Block),
}

/// A block: `resource "type" "name" { … }`. Attributes come before nested blocks.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// `resource`, `disk`, …
    pub name: String,
    /// The labels, unquoted.
    pub labels: Vec<String>,
    /// The body in the order in which it is written.
    pub body: Vec<Item>,
}

impl Block {
    /// An empty block without labels.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), labels: Vec::new(), body: Vec::new() }
    }

    /// Sets the labels.
    #[must_use]
    pub fn labelled(mut self, labels: &[&str]) -> Self {
        self.labels = labels.iter().map(|label| (*label).to_owned()).collect();
        self
    }

    /// Adds an attribute.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.push(Content::Attribute(name.to_owned(), value.into()));
    }

    /// Adds an attribute if there is a value.
    pub fn set_some(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// Adds a comment line above the item that was added last.
    pub fn comment(&mut self, comment: &str) {
        if let Some(item) = self.body.last_mut() {
            item.comment.push(comment.to_owned());
        }
    }

    /// Adds a nested block.
    pub fn add_block(&mut self, block: Self) {
        self.push(Content::Block(block));
    }

    /// Adds a nested block if there is one.
    pub fn add_some_block(&mut self, block: Option<Self>) {
        if let Some(block) = block {
            self.add_block(block);
        }
    }

    /// Adds an item without a comment.
    pub fn push(&mut self, content: Content) {
        self.body.push(Item { comment: Vec::new(), content });
    }

    /// Text of the block at the top level of a file, with its last newline.
    pub fn render(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, 0);
        text
    }

    fn write(&self, text: &mut String, depth: usize) {
        indent(text, depth);
        text.push_str(&self.name);
        for label in &self.labels {
            text.push(' ');
            text.push_str(&quoted(label));
        }
        if self.body.is_empty() {
            text.push_str(" {}\n");
            return;
        }
        text.push_str(" {\n");
        write_body(text, &self.body, depth + 1);
        indent(text, depth);
        text.push_str("}\n");
    }
}

fn write_body(text: &mut String, body: &[Item], depth: usize) {
    let mut start = 0;
    for (index, item) in body.iter().enumerate() {
        // A blank line comes before a block, before a meta-argument, and before an item with a comment.
        let block = matches!(item.content, Content::Block(_)) || is_meta(item);
        let after_block = index > 0 && matches!(body[index - 1].content, Content::Block(_));
        if index > 0 && (block || after_block || !item.comment.is_empty()) {
            text.push('\n');
        }
        comment(text, &item.comment, depth);
        match &item.content {
            Content::Block(block) => block.write(text, depth),
            Content::Attribute(name, value) => {
                if index == 0 || !item.comment.is_empty() || is_meta(item) || !continues(&body[index - 1]) {
                    start = index;
                }
                let width = run(&body[start..]);
                indent(text, depth);
                text.push_str(name);
                let aligned = !multi_line(value);
                text.extend(std::iter::repeat_n(
                    ' ',
                    if aligned { width.saturating_sub(name.chars().count()) } else { 0 },
                ));
                text.push_str(" = ");
                write_value(text, value, depth);
                text.push('\n');
            }
        }
    }
}

/// True for a meta-argument of Terraform's.
fn is_meta(item: &Item) -> bool {
    matches!(&item.content, Content::Attribute(name, _) if name == "depends_on")
}

/// True if the attribute after this item may share its alignment. `terraform fmt` ends a run at a block and at a value with a
/// bracket over several lines, but not at a heredoc.
fn continues(item: &Item) -> bool {
    matches!(&item.content, Content::Attribute(_, value) if !multi_line(value))
}

/// Width of the names in the run of attributes that starts with the first item.
fn run(body: &[Item]) -> usize {
    let mut width = 0;
    for (index, item) in body.iter().enumerate() {
        let Content::Attribute(name, value) = &item.content else { break };
        if multi_line(value) || (index > 0 && (!item.comment.is_empty() || is_meta(item))) {
            break;
        }
        width = width.max(name.chars().count());
    }
    width
}

/// True if the value opens a bracket that closes on a later line.
fn multi_line(value: &Value) -> bool {
    match value {
        Value::List(items) => !items.is_empty() && !short(items),
        Value::Map(pairs) => !pairs.is_empty(),
        Value::Paths(paths) => lines(paths).len() > 1,
        // The parenthesis of a function.
        Value::Text(text) => text::form(text, false) == text::TextForm::Chomped,
        _ => false,
    }
}

/// Maximum length of a list on one line.
const WIDTH: usize = 100;

/// Distributes paths over lines.
fn lines(paths: &[String]) -> Vec<Vec<&str>> {
    let mut lines: Vec<Vec<&str>> = Vec::new();
    let mut width = WIDTH;
    for path in paths {
        if width + path.len() > WIDTH {
            lines.push(Vec::new());
            width = 0;
        }
        width += path.len() + 2;
        lines.last_mut().expect("there is one").push(path);
    }
    lines
}

/// True if a list is written on one line.
fn short(items: &[Value]) -> bool {
    let width = |item: &Value| match item {
        Value::Text(text) | Value::Trimmed(text) => Some(text.chars().count() + 4),
        Value::Reference(text) | Value::Number(text) => Some(text.len() + 2),
        Value::Integer(_) | Value::Boolean(_) => Some(8),
        Value::Template(pieces) => Some(text::length(pieces) + 4),
        Value::List(_) | Value::Paths(_) | Value::Map(_) => None,
    };
    let total: Option<usize> = items.iter().map(width).sum();
    total.is_some_and(|total| total <= WIDTH)
}

fn write_value(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Text(value) => text::write(text, value, text::form(value, false), depth),
        Value::Trimmed(value) => text::write(text, value, text::form(value, true), depth),
        Value::Integer(number) => _ = write!(text, "{number}"),
        Value::Number(plain) | Value::Reference(plain) => text.push_str(plain),
        Value::Boolean(flag) => text.push_str(if *flag { "true" } else { "false" }),
        Value::Template(pieces) => text::write_template(text, pieces),
        Value::List(items) if items.is_empty() || short(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { ", " });
                write_flat(text, item, depth);
            }
            text.push(']');
        }
        Value::List(items) => {
            text.push_str("[\n");
            for item in items {
                indent(text, depth + 1);
                write_flat(text, item, depth + 1);
                text.push_str(",\n");
            }
            indent(text, depth);
            text.push(']');
        }
        Value::Paths(paths) => match &lines(paths)[..] {
            [line] => _ = write!(text, "[{}]", line.join(", ")),
            lines => {
                text.push_str("[\n");
                for line in lines {
                    indent(text, depth + 1);
                    _ = writeln!(text, "{},", line.join(", "));
                }
                indent(text, depth);
                text.push(']');
            }
        },
        Value::Map(pairs) if pairs.is_empty() => text.push_str("{}"),
        Value::Map(pairs) => {
            let key = |name: &str| if identifier(name) { name.to_owned() } else { quoted(name) };
            let body: Vec<Item> = pairs
                .iter()
                .map(|(name, value)| Item {
                    comment: Vec::new(),
                    content: Content::Attribute(key(name), value.clone()),
                })
                .collect();
            text.push_str("{\n");
            write_body(text, &body, depth + 1);
            indent(text, depth);
            text.push('}');
        }
    }
}

/// Writes a value in a list, where a heredoc is not possible.
fn write_flat(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Text(value) | Value::Trimmed(value) => quote(text, value),
        other => write_value(text, other, depth),
    }
}

/// True if the word is an identifier, which needs no quotes.
pub fn identifier(word: &str) -> bool {
    let mut bytes = word.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Parses a number of Proxmox (`1.50`, `2`) into the form that Terraform prints; `None` for anything else.
pub fn number(value: &str) -> Option<Value> {
    if let Ok(whole) = value.parse::<i64>() {
        return Some(Value::Integer(whole));
    }
    let number: f64 = value.parse().ok().filter(|number: &f64| number.is_finite())?;
    Some(Value::Number(
        serde_json::Number::from_f64(number)
            .map(|number| Json::Number(number).to_string())?
            .trim_end_matches(".0")
            .to_owned(),
    ))
}

fn indent(text: &mut String, depth: usize) {
    text.extend(std::iter::repeat_n("  ", depth));
}
