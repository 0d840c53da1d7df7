//! Parsed blocks: attributes and nested blocks with the bytes that each takes up in the text of its file.

use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, Object, ObjectKey, ObjectValueAssignment, ObjectValueTerminator};
use hcl_edit::structure::{self, BlockLabel, Structure};

use super::layout::{begins_line, line_start};
use super::meaning::{self, Meaning};
use super::pieces::comments;

/// The inside of a block, or of an object that is written like one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body {
    /// Attributes and blocks, in the order of the file.
    pub(crate) items: Vec<Item>,
    /// The bytes between the braces.
    pub(crate) inside: Range<usize>,
}

/// An attribute or a block.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// Name of the attribute, or keyword of the block with its labels: `provisioner "local-exec"`.
    pub(crate) name: String,
    /// From the name to the end of the value or the closing brace.
    pub(crate) range: Range<usize>,
    /// The whole lines of comments directly above it.
    pub(crate) lead: Range<usize>,
    /// Value or body.
    pub(crate) content: Content,
}

/// Content of an item.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// Value of an attribute.
    Value(Box<Value>),
    /// Body of a block.
    Block(Body),
}

/// Value of an attribute.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    /// The bytes.
    pub(crate) range: Range<usize>,
    /// Its meaning.
    pub(crate) meaning: Meaning,
    /// Items, if it is a list.
    pub(crate) list: Option<Vec<Range<usize>>>,
    /// Entries, if it is an object with one entry a line.
    pub(crate) object: Option<Body>,
}

impl Body {
    /// An attribute with its position.
    pub(crate) fn attribute(&self, name: &str) -> Option<(usize, &Item, &Value)> {
        self.items.iter().enumerate().find_map(|(index, item)| match &item.content {
            Content::Value(value) if item.name == name => Some((index, item, &**value)),
            _ => None,
        })
    }

    /// Blocks of one name, with their positions.
    pub(crate) fn blocks<'b>(&'b self, name: &'b str) -> impl Iterator<Item = (usize, &'b Item, &'b Self)> {
        self.items.iter().enumerate().filter_map(move |(index, item)| match &item.content {
            Content::Block(body) if item.name == name => Some((index, item, body)),
            _ => None,
        })
    }
}

/// Parses the block in a range of a file.
pub(crate) fn parse(text: &str, code: Range<usize>) -> Option<Item> {
    let body: structure::Body = text[code.clone()].parse().ok()?;
    let structure = body.into_iter().next()?;
    Some(Reader { text, offset: code.start }.item(&structure, 0))
}

/// Reports whether two bodies say the same, whatever their layout and the order of their attributes.
pub(crate) fn same_body(one: &Body, other: &Body) -> bool {
    one.items.len() == other.items.len()
        && one.items.iter().all(|item| match &item.content {
            Content::Value(value) => {
                other.attribute(&item.name).is_some_and(|(_, _, theirs)| theirs.meaning == value.meaning)
            }
            Content::Block(_) => {
                let (ours, theirs) = (one.blocks(&item.name), other.blocks(&item.name));
                ours.map(|(_, _, body)| Some(body))
                    .chain([None])
                    .zip(theirs.map(|(_, _, body)| Some(body)).chain([None]))
                    .all(|pair| match pair {
                        (Some(ours), Some(theirs)) => same_body(ours, theirs),
                        (None, None) => true,
                        _ => false,
                    })
            }
        })
}

/// Reports whether a range of ours has a comment that base has not.
pub(crate) fn has_own_comments(ours: &str, base: &str) -> bool {
    let known = comments(base);
    comments(ours).iter().any(|comment| !known.contains(comment))
}

struct Reader<'t> {
    text: &'t str,
    offset: usize,
}

impl Reader<'_> {
    fn range(&self, span: Option<Range<usize>>) -> Range<usize> {
        let span = span.unwrap_or_default();
        span.start + self.offset..span.end + self.offset
    }

    fn item(&self, structure: &Structure, above: usize) -> Item {
        match structure {
            Structure::Attribute(attribute) => {
                let range = self.range(attribute.span());
                let value = self.value(&attribute.value);
                let range = range.start..value.range.end;
                let lead = self.lead(range.start, above);
                Item { name: attribute.key.as_str().to_owned(), range, lead, content: Content::Value(Box::new(value)) }
            }
            Structure::Block(block) => {
                let range = self.range(block.span());
                let labels = block.labels.iter().map(BlockLabel::as_str);
                let name = labels.fold(block.ident.as_str().to_owned(), |name, label| format!("{name} \"{label}\""));
                let head = block.labels.last().map_or_else(|| block.ident.span(), hcl_edit::Span::span);
                let open = self.range(head).end;
                let open = self.text[open..range.end].find('{').map_or(open, |at| open + at + 1);
                let items = self.items(block.body.iter(), open);
                let lead = self.lead(range.start, above);
                let body = Body { items, inside: open..range.end.saturating_sub(1).max(open) };
                Item { name, range, lead, content: Content::Block(body) }
            }
        }
    }

    fn items<'s>(&self, structures: impl Iterator<Item = &'s Structure>, open: usize) -> Vec<Item> {
        let mut above = open;
        let item = |structure| {
            let item = self.item(structure, above);
            above = item.range.end;
            item
        };
        structures.map(item).collect()
    }

    /// Comment lines directly above an item.
    fn lead(&self, start: usize, above: usize) -> Range<usize> {
        let line = line_start(self.text, start);
        if !begins_line(self.text, start) || line <= above {
            return line..line;
        }
        let mut lead = line;
        while lead > above {
            let before = line_start(self.text, lead - 1);
            let text = self.text[before..lead].trim();
            let is_comment = text.starts_with('#') || text.starts_with("//") || text.starts_with("/*");
            if before < above || !is_comment {
                break;
            }
            lead = before;
        }
        lead..line
    }

    fn value(&self, expression: &Expression) -> Value {
        let range = self.range(expression.span());
        // A heredoc ends with its closing word; a span may go on to the line break.
        let range = range.start..range.start + self.text[range].trim_end().len();
        let list = match expression {
            Expression::Array(array) => Some(array.iter().map(|item| self.trimmed(self.range(item.span()))).collect()),
            _ => None,
        };
        let object = match expression {
            Expression::Object(object) => self.object(object, &range),
            _ => None,
        };
        let meaning = meaning::of(expression, &|span| &self.text[self.range(span)]);
        Value { range, meaning, list, object }
    }

    fn trimmed(&self, range: Range<usize>) -> Range<usize> {
        let text = &self.text[range.clone()];
        let start = range.start + text.len() - text.trim_start().len();
        start..start + text.trim().len()
    }

    /// The entries of an object that is written like a body: one a line, with `=`, without commas.
    fn object(&self, object: &Object, range: &Range<usize>) -> Option<Body> {
        let mut items: Vec<Item> = Vec::new();
        let mut above = range.start + 1;
        for (key, value) in object {
            let (name, key) = match key {
                ObjectKey::Ident(ident) => (ident.as_str().to_owned(), ident.span()),
                ObjectKey::Expression(Expression::String(text)) => (text.value().clone(), text.span()),
                ObjectKey::Expression(Expression::Variable(ident)) => (ident.value().to_string(), ident.span()),
                ObjectKey::Expression(_) => return None,
            };
            if value.assignment() != ObjectValueAssignment::Equals
                || matches!(value.terminator(), ObjectValueTerminator::Comma)
            {
                return None;
            }
            let start = self.range(key).start;
            let value = self.value(value.expr());
            if !begins_line(self.text, start) {
                return None;
            }
            let lead = self.lead(start, above);
            above = value.range.end;
            items.push(Item { name, range: start..value.range.end, lead, content: Content::Value(Box::new(value)) });
        }
        (!items.is_empty()).then(|| Body { items, inside: range.start + 1..range.end - 1 })
    }
}
