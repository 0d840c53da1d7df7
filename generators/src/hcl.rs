//! Terraform's language as we write it: values, blocks and their canonical layout.
//!
//! The text is a fixed point of `terraform fmt`. hcl-edit reads it back in the tests; it does not write it, because it
//! aligns nothing, leaves right-to-left marks bare and keeps a whole file in memory.

use std::fmt::Write as _;

use serde_json::Value as Json;

/// A value on the right of `=`.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A string. Several lines become a heredoc where that says the same.
    Text(String),
    /// A string of an attribute that keeps a last line end: never a heredoc, which always has one.
    Exact(String),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction, as its shortest decimal text.
    Number(String),
    /// `true` or `false`.
    Boolean(bool),
    /// Another object's attribute, or an attribute path of `ignore_changes`.
    Reference(String),
    /// A list.
    List(Vec<Self>),
    /// An object; keys that are no identifiers are quoted.
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

/// One thing in a body, with the sentence that stands above it.
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

/// A block: `resource "type" "name" { … }`. Attributes stand before nested blocks.
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

    /// The same with labels.
    #[must_use]
    pub fn labelled(mut self, labels: &[&str]) -> Self {
        self.labels = labels.iter().map(|label| (*label).to_owned()).collect();
        self
    }

    /// Adds an attribute.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.push(Content::Attribute(name.to_owned(), value.into()));
    }

    /// Adds an attribute where there is a value.
    pub fn set_some(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// Adds a nested block.
    pub fn nest(&mut self, block: Self) {
        self.push(Content::Block(block));
    }

    /// Adds a nested block where there is one.
    pub fn nest_some(&mut self, block: Option<Self>) {
        if let Some(block) = block {
            self.nest(block);
        }
    }

    /// Adds an item without a comment.
    pub fn push(&mut self, content: Content) {
        self.body.push(Item { comment: Vec::new(), content });
    }

    /// The text of this block at the top of a file, with its last newline.
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
            quote(text, label);
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

/// The lines of a comment at this depth, broken between words where they are long.
pub fn comment(text: &mut String, lines: &[String], depth: usize) {
    for line in lines.iter().flat_map(|lines| lines.split('\n')) {
        let line = visible(line.trim());
        let mut start = true;
        let mut width = 0;
        for word in line.split(' ') {
            let length = word.chars().count();
            if start || width + length >= WIDTH {
                text.push_str(if start { "" } else { "\n" });
                indent(text, depth);
                text.push('#');
                width = 2 * depth + 1;
            }
            if !word.is_empty() {
                text.push(' ');
                text.push_str(word);
            }
            width += length + 1;
            start = false;
        }
        text.push('\n');
    }
}

/// The width at which comments are broken.
const WIDTH: usize = 110;

fn write_body(text: &mut String, body: &[Item], depth: usize) {
    let mut start = 0;
    for (index, item) in body.iter().enumerate() {
        // A blank line sets a block, and whatever carries a comment, apart from what stands before it.
        let block = matches!(item.content, Content::Block(_));
        let after_block = index > 0 && matches!(body[index - 1].content, Content::Block(_));
        if index > 0 && (block || after_block || !item.comment.is_empty()) {
            text.push('\n');
        }
        comment(text, &item.comment, depth);
        match &item.content {
            Content::Block(block) => block.write(text, depth),
            Content::Attribute(name, value) => {
                if index == 0 || !item.comment.is_empty() || !continues(&body[index - 1]) {
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

/// Whether the attribute after this item may share its alignment: `terraform fmt` ends a run at a block and at a value
/// that opens a bracket over several lines, but not at a heredoc.
fn continues(item: &Item) -> bool {
    matches!(&item.content, Content::Attribute(_, value) if !multi_line(value))
}

/// The width of the names in the run of attributes that starts with the first item.
fn run(body: &[Item]) -> usize {
    let mut width = 0;
    for (index, item) in body.iter().enumerate() {
        let Content::Attribute(name, value) = &item.content else { break };
        if multi_line(value) || (index > 0 && !item.comment.is_empty()) {
            break;
        }
        width = width.max(name.chars().count());
    }
    width
}

/// Whether the value opens a bracket that closes on a later line.
fn multi_line(value: &Value) -> bool {
    match value {
        Value::List(items) => !items.is_empty() && !short(items),
        Value::Map(pairs) => !pairs.is_empty(),
        _ => false,
    }
}

/// Whether a list is written on one line.
fn short(items: &[Value]) -> bool {
    const WIDTH: usize = 100;
    let width = |item: &Value| match item {
        Value::Text(text) | Value::Exact(text) => Some(text.chars().count() + 4),
        Value::Reference(text) | Value::Number(text) => Some(text.len() + 2),
        Value::Integer(_) | Value::Boolean(_) => Some(8),
        Value::List(_) | Value::Map(_) => None,
    };
    let total: Option<usize> = items.iter().map(width).sum();
    total.is_some_and(|total| total <= WIDTH)
}

fn write_value(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Text(value) if heredoc(value) => write_heredoc(text, value, depth),
        Value::Text(value) | Value::Exact(value) => quote(text, value),
        Value::Integer(number) => _ = write!(text, "{number}"),
        Value::Number(plain) | Value::Reference(plain) => text.push_str(plain),
        Value::Boolean(flag) => text.push_str(if *flag { "true" } else { "false" }),
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

/// A value inside a list, where a heredoc has no place.
fn write_flat(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Text(value) => quote(text, value),
        other => write_value(text, other, depth),
    }
}

/// The word that ends a heredoc.
const END: &str = "EOT";

/// Whether a heredoc says exactly the same as the quoted text, but for a last newline, which the attributes that hold
/// several lines (descriptions) trim: several lines, nothing invisible, no blank at either end, no line of blanks (it
/// would keep our indentation), no doubled sigil (only a quoted string can escape it), no line that begins with the word that ends it (Terraform
/// reads on, hcl-edit does not).
fn heredoc(value: &str) -> bool {
    value.contains('\n')
        && value.trim() == value
        && !value.chars().any(|c| c != '\n' && c != '\t' && invisible(c))
        && value
            .split('\n')
            .all(|line| line.is_empty() || (!line.trim().is_empty() && !line.trim_start().starts_with(END)))
        && !value.contains("$${")
        && !value.contains("%%{")
}

fn write_heredoc(text: &mut String, value: &str, depth: usize) {
    _ = writeln!(text, "<<-{END}");
    for line in value.split('\n') {
        if !line.is_empty() {
            indent(text, depth + 1);
            text.push_str(&line.replace("${", "$${").replace("%{", "%%{"));
        }
        text.push('\n');
    }
    indent(text, depth);
    text.push_str(END);
}

/// The text as a quoted string: nothing in it can start an expression, end the string or change the reading
/// direction of the line.
pub fn quoted(value: &str) -> String {
    let mut text = String::new();
    quote(&mut text, value);
    text
}

fn quote(text: &mut String, value: &str) {
    text.push('"');
    let mut rest = value.chars().peekable();
    let mut before = None;
    while let Some(c) = rest.next() {
        let doubled = before.replace(c) == Some(c);
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '$' | '%' if rest.peek() == Some(&'{') && doubled => _ = write!(text, "\\u{:04x}", u32::from(c)),
            '$' | '%' if rest.peek() == Some(&'{') => text.extend([c, c]),
            c if invisible(c) && u32::from(c) > 0xffff => _ = write!(text, "\\U{:08x}", u32::from(c)),
            c if invisible(c) => _ = write!(text, "\\u{:04x}", u32::from(c)),
            c => text.push(c),
        }
    }
    text.push('"');
}

/// The text with everything invisible replaced, for comments, which know no escapes.
fn visible(text: &str) -> String {
    text.chars().map(|c| if c != '\t' && invisible(c) { '\u{fffd}' } else { c }).collect()
}

/// Characters that show nothing, or that change how the rest of the line is shown: controls, line separators,
/// zero-width and directional marks, the byte order mark, tags.
pub fn invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}')
        || matches!(c, '\u{e0000}'..='\u{e007f}')
}

/// Whether the word may stand without quotes as a name of Terraform's language.
pub fn identifier(word: &str) -> bool {
    let mut bytes = word.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// A number as Proxmox writes it (`1.50`, `2`), in the form that Terraform prints back; `None` for anything else.
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
