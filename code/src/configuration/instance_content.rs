//! Reading of an instance into its content: override files, `dynamic` blocks and evaluation of every value.

use std::collections::BTreeSet;
use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::expr::Expression;
use hcl_edit::structure::Block;
use hcl_edit::template::Element;

use super::blocks::{Layer, META_ARGUMENTS, name_of};
use super::content::{Entry, Fields, FilePlace, Node, NodeKind};
use super::evaluate::Scope;
use super::folder::{self, Content, Piece};
use super::modules::block_of;
use super::origin::Tracer;
use super::{Configuration, Instance, Origin, Path, ReadOnly};

impl<'f> Configuration<'f> {
    /// The content of an instance; `None` if its block cannot be parsed.
    pub(crate) fn content(&self, instance: &Instance) -> Option<Fields<'f>> {
        let pieces = self.pieces(instance.module, &instance.declaration());
        let bodies: Vec<_> = pieces.iter().filter_map(|piece| Some((self.body(piece)?, piece))).collect();
        let layers = bodies.iter().filter_map(|(body, piece)| Some(Layer { body: &block_of(body)?.body, piece }));
        let layers: Vec<_> = layers.collect();
        let (body, piece) = bodies.first()?;
        let place = head(piece, block_of(body)?);
        Some(self.fields(&layers, &instance.scope(), place, true))
    }

    /// The place of the literal that a value comes from, if it comes from one.
    pub(crate) fn literal_place(&self, instance: &Instance, path: &Path) -> Option<(String, Range<usize>)> {
        match Tracer::new(self, false).of_instance(instance, path) {
            Origin::Literal(literal) => Some((literal.file, literal.range)),
            Origin::Computed(_) | Origin::Absent => None,
        }
    }

    /// The words that choose the provider of an instance: two instances with other words may be in two clusters.
    pub(crate) fn provider_words(&self, instance: &Instance) -> String {
        let words = |module, declaration: &str, name| {
            self.with_attribute(module, declaration, name, |expression, _| expression.to_string()).unwrap_or_default()
        };
        let mut all = words(instance.module, &instance.declaration(), "provider");
        let mut module = instance.module;
        while let (Some(parent), Some(step)) = (self.modules[module].parent, self.modules[module].steps.last()) {
            all.push_str(&words(parent, &format!("module.{}", step.name), "providers"));
            module = parent;
        }
        all.split_whitespace().collect()
    }

    /// Declarations that stand twice in a module, override files apart: the name, and both places.
    pub(crate) fn repeated_declarations(&self) -> Vec<(String, FilePlace<'f>, FilePlace<'f>)> {
        let mut repeated = Vec::new();
        for folder in &self.folders {
            // Later entries of files of variables replace earlier ones.
            let declarations = folder.declarations.iter().filter(|(name, _)| !name.starts_with("value."));
            for (name, pieces) in declarations.filter(|(_, pieces)| pieces.len() > 1) {
                let mut own = pieces.iter().filter(|piece| !folder::is_override(piece.file));
                let (Some(first), Some(second)) = (own.next(), own.next()) else { continue };
                repeated.push((name.clone(), first_line(first), first_line(second)));
            }
        }
        repeated
    }

    fn fields(&self, layers: &[Layer<'_, 'f>], scope: &Scope<'_>, place: FilePlace<'f>, is_top: bool) -> Fields<'f> {
        let mut fields = Fields { place, entries: Vec::new(), open: BTreeSet::new() };
        let mut names = BTreeSet::new();
        for layer in layers.iter().rev() {
            for attribute in layer.body.attributes() {
                let name = attribute.key.as_str();
                if !names.insert(name) {
                    continue;
                }
                let place = FilePlace::of(layer.piece, attribute.key.span());
                let node = if is_top && META_ARGUMENTS.contains(&name) && name != "lifecycle" {
                    Node { place: place.clone(), is_literal: false, kind: NodeKind::Unknown }
                } else {
                    self.node(&attribute.value, scope, layer.piece)
                };
                fields.entries.push(Entry { name: name.to_owned(), place, is_block: false, node });
            }
        }
        let mut blocks = BTreeSet::new();
        for name in layers.iter().flat_map(|layer| layer.body.blocks().map(name_of)) {
            if !blocks.insert(name) {
                continue;
            }
            let Ok(nested) = self.nested(layers, name, scope) else {
                fields.open.insert(name.to_owned());
                continue;
            };
            for block in nested {
                let place = head(block.layer.piece, block.block);
                let inner = block.within(scope, |scope| self.fields(&[block.layer], scope, place.clone(), false));
                let node = Node { place: place.clone(), is_literal: true, kind: NodeKind::Fields(inner) };
                fields.entries.push(Entry { name: name.to_owned(), place, is_block: true, node });
            }
        }
        fields
    }

    fn node(&self, expression: &Expression, scope: &Scope<'_>, piece: &Piece<'f>) -> Node<'f> {
        let place = FilePlace::of(piece, expression.span());
        let (is_literal, kind) = match expression {
            Expression::Parenthesis(inner) => return self.node(inner.inner(), scope, piece),
            Expression::Array(list) => {
                (true, NodeKind::List(list.iter().map(|value| self.node(value, scope, piece)).collect()))
            }
            Expression::Object(object) => {
                let mut fields = Fields { place: place.clone(), entries: Vec::new(), open: BTreeSet::new() };
                for (key, value) in object {
                    let Ok(name) = self.object_key(key, scope) else {
                        fields.open.insert("*".to_owned());
                        continue;
                    };
                    let node = self.node(value.expr(), scope, piece);
                    let place = FilePlace::of(piece, key.span().or_else(|| value.expr().span()));
                    fields.entries.push(Entry { name, place, is_block: false, node });
                }
                (true, NodeKind::Fields(fields))
            }
            _ => match self.evaluate(expression, scope) {
                Ok(value) => (is_literal(expression), Node::of_value(&value, &place).kind),
                Err(_) => (false, NodeKind::Unknown),
            },
        };
        Node { place, is_literal, kind }
    }
}

/// The first line of a piece.
fn first_line<'f>(piece: &Piece<'f>) -> FilePlace<'f> {
    let mut place = FilePlace::of(piece, None);
    if let Content::Text(text) = &piece.content {
        place.end = place.start + text.lines().next().map_or(0, |line| line.trim_end_matches([' ', '{']).len());
    }
    place
}

/// The first line of a block: its keyword and labels.
fn head<'f>(piece: &Piece<'f>, block: &Block) -> FilePlace<'f> {
    let mut place = FilePlace::of(piece, block.span());
    let labels = block.labels.last().and_then(|label| match label {
        hcl_edit::structure::BlockLabel::String(label) => label.span(),
        hcl_edit::structure::BlockLabel::Ident(label) => label.span(),
    });
    if piece.read_only != Some(ReadOnly::Json)
        && let Some(last) = labels.or_else(|| block.ident.span())
    {
        place.end = piece.range.start + last.end;
    }
    place
}

/// Reports whether an expression is a literal text, number or truth value.
fn is_literal(expression: &Expression) -> bool {
    match expression {
        Expression::Null(_) | Expression::Bool(_) | Expression::Number(_) | Expression::String(_) => true,
        Expression::HeredocTemplate(heredoc) => heredoc.template.iter().all(Element::is_literal),
        _ => false,
    }
}
