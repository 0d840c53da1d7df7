//! References in blocks, with their bytes: `type.name.attribute`, in expressions, templates and lists.

use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, Traversal, TraversalOperator};
use hcl_edit::structure::Attribute;
use hcl_edit::visit::{self, Visit};

use super::Refusal;
use super::sources::SourceFile;
use crate::document::Block;

/// A reference: names that are joined by dots, before an index or a splat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    /// The names, each with the offset behind it.
    pub(super) names: Vec<(String, usize)>,
    /// The offset of the first name.
    pub(super) start: usize,
    /// The attribute that it stands in.
    pub(super) attribute: String,
}

impl Reference {
    /// The first names, joined by dots; `None` if there are fewer.
    pub(super) fn head(&self, count: usize) -> Option<String> {
        let names: Vec<&str> = self.names.get(..count)?.iter().map(|(name, _)| name.as_str()).collect();
        Some(names.join("."))
    }

    /// The bytes of the first names.
    pub(super) fn range(&self, count: usize) -> Range<usize> {
        self.start..self.names.get(count - 1).map_or(self.start, |(_, end)| *end)
    }
}

/// The references in a block, in the order of the text.
pub(super) fn references(file: &SourceFile<'_>, block: Block<'_>) -> Result<Vec<Reference>, Refusal> {
    let mut visitor = Visitor { file, attribute: String::new(), references: Vec::new(), lost: None };
    visitor.visit_block(block.syntax());
    match visitor.lost {
        Some(text) => Err(Refusal(format!("the place of the reference `{text}` in `{}` is not known", file.path))),
        None => Ok(visitor.references),
    }
}

struct Visitor<'s, 'f> {
    file: &'s SourceFile<'f>,
    attribute: String,
    references: Vec<Reference>,
    /// A reference whose bytes are not known.
    lost: Option<String>,
}

impl Visit for Visitor<'_, '_> {
    fn visit_attr(&mut self, node: &Attribute) {
        node.key.as_str().clone_into(&mut self.attribute);
        visit::visit_attr(self, node);
    }

    fn visit_traversal(&mut self, node: &Traversal) {
        if let Expression::Variable(root) = &node.expr {
            let names = node.operators.iter().map_while(|operator| match operator.value() {
                TraversalOperator::GetAttr(name) => Some(name.as_str()),
                _ => None,
            });
            let names: Vec<&str> = std::iter::once(root.as_str()).chain(names).collect();
            let start = root.span().map(|span| self.file.document.range(Some(span)).start);
            match start.and_then(|start| locate(self.file.text, start, &names)) {
                Some(reference) => self.references.push(Reference { attribute: self.attribute.clone(), ..reference }),
                None => self.lost = Some(names.join(".")),
            }
        }
        visit::visit_traversal(self, node);
    }
}

/// Finds the end of each name in the text. Blanks may stand around the dots.
fn locate(text: &str, start: usize, names: &[&str]) -> Option<Reference> {
    let mut at = start;
    let mut ends = Vec::new();
    for (index, name) in names.iter().enumerate() {
        if index > 0 {
            at = skip_blanks(text, at);
            at += text.get(at..)?.strip_prefix('.').map(|_| 1)?;
            at = skip_blanks(text, at);
        }
        text.get(at..)?.strip_prefix(name)?;
        at += name.len();
        ends.push(((*name).to_owned(), at));
    }
    Some(Reference { names: ends, start, attribute: String::new() })
}

fn skip_blanks(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    at + rest.len() - rest.trim_start().len()
}
