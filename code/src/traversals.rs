//! References in blocks, with their bytes: `type.name.attribute`, in expressions, templates and lists.

use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, Traversal, TraversalOperator};
use hcl_edit::structure::Attribute;
use hcl_edit::visit::{self, Visit};

use crate::document::{Block, Document};

/// A reference: names that are joined by dots, before an index or a splat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// The names, each with the offset behind it.
    pub(crate) names: Vec<(String, usize)>,
    /// The offset of the first name.
    pub(crate) start: usize,
    /// The attribute that it stands in.
    pub(crate) attribute: String,
}

impl Reference {
    /// The first names, joined by dots; `None` if there are fewer.
    pub(crate) fn head(&self, count: usize) -> Option<String> {
        let names: Vec<&str> = self.names.get(..count)?.iter().map(|(name, _)| name.as_str()).collect();
        Some(names.join("."))
    }

    /// The bytes of the first names.
    pub(crate) fn range(&self, count: usize) -> Range<usize> {
        self.start..self.names.get(count - 1).map_or(self.start, |(_, end)| *end)
    }
}

/// The references in a block, in the order of the text.
///
/// # Errors
/// The reference whose bytes cannot be found.
pub(crate) fn references(document: &Document<'_>, block: Block<'_>) -> Result<Vec<Reference>, String> {
    let mut visitor = Visitor { document, attribute: String::new(), references: Vec::new(), lost: None };
    visitor.visit_block(block.syntax());
    visitor.lost.map_or(Ok(visitor.references), Err)
}

struct Visitor<'d, 't> {
    document: &'d Document<'t>,
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
            let start = root.span().map(|span| self.document.range(Some(span)).start);
            match start.and_then(|start| locate(self.document.text(), start, &names)) {
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
