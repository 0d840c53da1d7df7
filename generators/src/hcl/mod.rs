//! Terraform's language: blocks are built as hcl-edit's tree, get the layout of `terraform fmt`, and are printed one at a time.

mod expression;
mod layout;
mod text;

use hcl_edit::structure::{self, Attribute, BlockLabel, Body, Structure};
use hcl_edit::{Decorate as _, Ident, Number};

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
    /// A number with a fraction.
    Number(Number),
    /// `true` or `false`.
    Boolean(bool),
    /// A reference to an attribute, or any other expression that is a name.
    Reference(String),
    /// A string with references in it: a sequence of texts and references.
    Template(Vec<Self>),
    /// A list.
    List(Vec<Self>),
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

/// A block: `resource "type" "name" { … }`. Attributes come before nested blocks.
#[derive(Clone, Debug)]
pub struct Block(structure::Block);

impl Block {
    /// An empty block without labels: `resource`, `disk`, …
    pub fn new(name: &str) -> Self {
        Self(structure::Block::new(Ident::new_unchecked(name)))
    }

    /// Sets the labels, given without quotes.
    #[must_use]
    pub fn labelled(mut self, labels: &[&str]) -> Self {
        self.0.labels = labels.iter().map(|label| expression::label(label)).collect::<Vec<BlockLabel>>();
        self
    }

    /// Adds an attribute.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.push(attribute(name, value.into()));
    }

    /// Adds an attribute if there is a value.
    pub fn set_some(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// Adds a comment line above the item that was added last.
    pub fn comment(&mut self, comment: &str) {
        if let Some(mut item) = self.0.body.pop() {
            add_comment(&mut item, comment);
            self.push(item);
        }
    }

    /// Adds a nested block.
    pub fn add_block(&mut self, block: Self) {
        self.push(block.into());
    }

    /// Adds a nested block if there is one.
    pub fn add_some_block(&mut self, block: Option<Self>) {
        if let Some(block) = block {
            self.add_block(block);
        }
    }

    /// Adds an attribute or a nested block. An attribute that is already there is not set again.
    pub fn push(&mut self, item: Structure) {
        let set = self.0.body.try_push(item);
        debug_assert!(set.is_ok(), "an attribute is set twice: {set:?}");
    }

    /// Reports whether there is nothing in the block.
    pub fn is_empty(&self) -> bool {
        self.0.body.is_empty()
    }

    /// Text of the block at the top level of a file, with its last newline.
    pub fn render(mut self) -> String {
        layout::finish(&mut self.0, 0);
        Body::from_iter([self.0]).to_string()
    }
}

impl From<Block> for Structure {
    fn from(block: Block) -> Self {
        Self::Block(block.0)
    }
}

/// An attribute for a body: `name = value`.
pub fn attribute(name: &str, value: impl Into<Value>) -> Structure {
    Attribute::new(Ident::new_unchecked(name), expression::expression(value.into())).into()
}

/// Adds a line to the comment above an item.
pub fn add_comment(item: &mut Structure, line: &str) {
    let comment = item.decor().prefix().map(|before| format!("{}\n{line}", &**before));
    item.decor_mut().set_prefix(comment.unwrap_or_else(|| line.to_owned()));
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
    let number = Number::from_f64(value.parse().ok()?)?;
    let whole = number.to_string().strip_suffix(".0").and_then(|whole| whole.parse().ok());
    Some(whole.map_or(Value::Number(number), Value::Integer))
}
