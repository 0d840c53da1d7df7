//! A parsed file of Terraform code: its blocks and attributes, each with the bytes that it takes up in the text.

use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::expr::Expression;
use hcl_edit::structure::{self, BlockLabel, Body};

pub use hcl_edit::parser::Error as SyntaxError;

/// A byte order mark, which Terraform skips at the start of a file.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Parses an expression; `None` for text that is not one.
pub(crate) fn expression(text: &str) -> Option<Expression> {
    text.parse().ok()
}

/// A parsed file. Ranges and lines refer to the text that it was parsed from.
#[derive(Clone, Debug)]
pub struct Document<'t> {
    text: &'t str,
    body: Body,
    /// Length of the byte order mark, which the parser does not see.
    offset: usize,
}

impl<'t> Document<'t> {
    /// Parses the text of a `.tf` file or of a lock file.
    ///
    /// # Errors
    /// Text that is not HCL.
    pub fn parse(text: &'t str) -> Result<Self, SyntaxError> {
        let rest = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        Ok(Self { text, body: rest.parse()?, offset: text.len() - rest.len() })
    }

    /// The blocks at the top level, in the order of the file.
    pub fn blocks(&self) -> impl Iterator<Item = Block<'_>> {
        self.body.blocks().map(|block| Block { document: self, block })
    }

    /// The attributes outside of all blocks: a file of code has none.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'_>> {
        self.body.attributes().map(|attribute| Attribute { document: self, attribute })
    }

    /// The resource block with this address: `type.name`.
    pub fn resource(&self, address: &str) -> Option<Block<'_>> {
        self.blocks().find(|block| block.resource_address().is_some_and(|own| own == address))
    }

    /// The line of an offset, counted from 1.
    pub fn line(&self, offset: usize) -> usize {
        self.text[..offset].matches('\n').count() + 1
    }

    /// The text that it was parsed from.
    pub(crate) fn text(&self) -> &'t str {
        self.text
    }

    /// The text of a range.
    pub fn slice(&self, range: Range<usize>) -> &'t str {
        &self.text[range]
    }

    /// Moves a span of the parser behind the byte order mark. Everything that was parsed has a span.
    pub(crate) fn range(&self, span: Option<Range<usize>>) -> Range<usize> {
        let span = span.expect("what was parsed has a span");
        span.start + self.offset..span.end + self.offset
    }
}

/// A block with its labels: `resource "type" "name" { … }`.
#[derive(Clone, Copy, Debug)]
pub struct Block<'d> {
    document: &'d Document<'d>,
    block: &'d structure::Block,
}

impl<'d> Block<'d> {
    /// The word that the block begins with: `resource`.
    pub fn keyword(&self) -> &'d str {
        self.block.ident.as_str()
    }

    /// The labels, unquoted.
    pub fn labels(&self) -> Vec<&'d str> {
        self.block.labels.iter().map(BlockLabel::as_str).collect()
    }

    /// The bytes of the labels, quotes included.
    pub(crate) fn label_ranges(&self) -> Vec<Range<usize>> {
        self.block.labels.iter().map(|label| self.document.range(label.span())).collect()
    }

    /// The address of a `resource` block, `type.name`; `None` for any other block.
    pub fn resource_address(&self) -> Option<String> {
        match (self.keyword(), &self.labels()[..]) {
            ("resource", [resource, name]) => Some(format!("{resource}.{name}")),
            _ => None,
        }
    }

    /// The bytes from the keyword to the closing brace.
    pub fn range(&self) -> Range<usize> {
        self.document.range(self.block.span())
    }

    /// An attribute by its name.
    pub fn attribute(&self, name: &str) -> Option<Attribute<'d>> {
        let attribute = self.block.body.get_attribute(name)?;
        Some(Attribute { document: self.document, attribute })
    }

    /// The attributes, in the order of the file.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'d>> {
        let document = self.document;
        self.block.body.attributes().map(move |attribute| Attribute { document, attribute })
    }

    /// Reports whether there are nested blocks.
    pub fn has_blocks(&self) -> bool {
        self.block.body.blocks().next().is_some()
    }

    /// All nested blocks, in the order of the file.
    pub(crate) fn nested(&self) -> impl Iterator<Item = Self> + use<'d> {
        let document = self.document;
        self.block.body.blocks().map(move |block| Self { document, block })
    }

    /// The syntax tree of the block.
    pub(crate) fn syntax(&self) -> &'d structure::Block {
        self.block
    }

    /// The nested blocks with this keyword.
    pub fn blocks(&self, keyword: &'d str) -> impl Iterator<Item = Self> {
        let document = self.document;
        self.block.body.get_blocks(keyword).map(move |block| Self { document, block })
    }
}

/// An attribute: `name = value`.
#[derive(Clone, Copy, Debug)]
pub struct Attribute<'d> {
    document: &'d Document<'d>,
    attribute: &'d structure::Attribute,
}

impl<'d> Attribute<'d> {
    /// The name.
    pub fn name(&self) -> &'d str {
        self.attribute.key.as_str()
    }

    /// The syntax tree of the attribute.
    pub(crate) fn syntax(&self) -> &'d structure::Attribute {
        self.attribute
    }

    /// The value of a plain string without a template; `None` for any other expression.
    pub fn string(&self) -> Option<&'d str> {
        self.attribute.value.as_str()
    }

    /// The value of `true` or `false`; `None` for any other expression.
    pub fn boolean(&self) -> Option<bool> {
        self.attribute.value.as_bool()
    }

    /// The value as it is written: `module.a["x"]`.
    pub fn source(&self) -> &'d str {
        self.document.slice(self.value_range()).trim()
    }

    /// The bytes from the name to the end of the value.
    pub fn range(&self) -> Range<usize> {
        self.document.range(self.attribute.span())
    }

    /// The bytes of the value.
    pub fn value_range(&self) -> Range<usize> {
        self.document.range(self.attribute.value.span())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "# über\nresource \"a\" \"b\" {\n  name  = \"x\" # why\n  count = 2\n\n  lifecycle {\n    prevent_destroy = true\n  }\n}\n";

    #[test]
    fn items_are_located_in_any_file() {
        let check = |text: &str| {
            let document = Document::parse(text).unwrap();
            let block = document.resource("a.b").unwrap();
            assert_eq!((block.keyword(), &block.labels()[..]), ("resource", &["a", "b"][..]));
            assert!(document.slice(block.range()).starts_with("resource \"a\"") && text[block.range()].ends_with('}'));
            assert_eq!(document.line(block.range().start), 2);
            let name = block.attribute("name").unwrap();
            assert_eq!((name.string(), name.source(), &text[name.range()]), (Some("x"), "\"x\"", "name  = \"x\""));
            let protection = block.blocks("lifecycle").next().unwrap().attribute("prevent_destroy").unwrap();
            assert_eq!((protection.boolean(), &text[protection.value_range()]), (Some(true), "true"));
            assert_eq!(document.line(protection.range().start), 7);
            assert_eq!(block.attributes().map(|attribute| attribute.name()).collect::<Vec<_>>(), ["name", "count"]);
            assert!(document.resource("a.c").is_none());
        };
        check(CODE);
        check(&CODE.replace('\n', "\r\n"));
        check(&format!("\u{feff}{CODE}"));
        check(&format!("\u{feff}{}", CODE.replace('\n', "\r\n")));
    }

    #[test]
    fn values_are_taken_as_they_are_written() {
        let check = |value: &str| {
            let text = format!("a {{\n  b = {value} # c\n}}\n");
            let document = Document::parse(&text).unwrap();
            let block = document.blocks().next().unwrap();
            assert_eq!(block.attribute("b").unwrap().source(), value);
        };
        check("1");
        check("null");
        check("var.x");
        check("module.a[\"x\"].b[0]");
        check("map(string)");
        check("(1 + 2) * 3");
        check("!true");
        check("[1, \"a\"]");
        check("{ a = 1 }");
        check("\"a${b}\"");
        check("a ? b : c");
        check("[for x in y : x]");
    }

    #[test]
    fn text_that_is_no_code_is_an_error() {
        assert!(Document::parse("resource \"a\" {").is_err());
    }
}
