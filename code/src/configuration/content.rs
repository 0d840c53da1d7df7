//! Content of a resource instance as a tree: attributes and nested blocks, values as far as they are known, and the bytes of each.

use std::collections::BTreeSet;
use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::expr::Expression;
use hcl_edit::structure::Block;
use hcl_edit::template::Element;

use super::blocks::{Layer, META_ARGUMENTS, name_of};
use super::conversions::{is_unknown, text, truth};
use super::evaluate::Scope;
use super::folder::{self, Content, Piece};
use super::modules::block_of;
use super::origin::{self, Tracer};
use super::{Configuration, Instance, Origin, Path, ReadOnly, Step, Value};

/// Place in a file: the file by path relative to the workspace, and bytes in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FilePlace<'f> {
    pub(crate) file: &'f str,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Attributes and nested blocks of a block, or the entries of an object.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'f> {
    /// The head of the block, or the whole object.
    pub(crate) place: FilePlace<'f>,
    /// In the order of the code; what an override file says comes first.
    pub(crate) entries: Vec<Entry<'f>>,
    /// Names that may have more entries than are known; `*` if that is true of any name.
    pub(crate) open: BTreeSet<String>,
}

/// Attribute, nested block or entry of an object.
#[derive(Clone, Debug)]
pub(crate) struct Entry<'f> {
    pub(crate) name: String,
    /// The name where it is written.
    pub(crate) place: FilePlace<'f>,
    pub(crate) is_block: bool,
    pub(crate) node: Node<'f>,
}

/// Value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Node<'f> {
    pub(crate) place: FilePlace<'f>,
    /// True if the value is written right here, as a literal.
    pub(crate) is_literal: bool,
    pub(crate) kind: NodeKind<'f>,
}

/// Kind of a value.
#[derive(Clone, Debug)]
pub(crate) enum NodeKind<'f> {
    Fields(Fields<'f>),
    List(Vec<Node<'f>>),
    /// A text, a number, a truth value or nothing.
    Scalar(Value),
    /// Only Terraform knows it.
    Unknown,
}

impl<'f> FilePlace<'f> {
    fn of(piece: &Piece<'f>, span: Option<Range<usize>>) -> Self {
        let range = origin::range(piece, span);
        Self { file: piece.file, start: range.start, end: range.end }
    }
}

impl<'f> Fields<'f> {
    /// The entry with a name; the first of several.
    pub(crate) fn entry(&self, name: &str) -> Option<&Entry<'f>> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// The value of an attribute.
    pub(crate) fn get(&self, name: &str) -> Option<&Node<'f>> {
        self.entry(name).map(|entry| &entry.node)
    }

    /// The nested blocks of a name. Objects and lists of objects stand for blocks, in JSON syntax and where the provider allows it.
    pub(crate) fn blocks(&self, name: &str) -> Vec<&Self> {
        let entries = self.entries.iter().filter(|entry| entry.name == name);
        entries.flat_map(|entry| entry.node.fields()).collect()
    }

    /// All values on a path of names, through every block and list on the way.
    pub(crate) fn all<'s>(&'s self, path: &[&str]) -> Vec<&'s Node<'f>> {
        let Some((name, rest)) = path.split_first() else { return Vec::new() };
        let nodes = self.entries.iter().filter(|entry| entry.name == *name).map(|entry| &entry.node);
        if rest.is_empty() {
            return nodes.flat_map(Node::elements).collect();
        }
        nodes.flat_map(Node::fields).flat_map(|fields| fields.all(rest)).collect()
    }

    /// Goes over every scalar and unknown value: the names that lead to it, its path, and the value.
    pub(crate) fn visit<'s>(
        &'s self,
        names: &mut Vec<&'s str>,
        path: &Path,
        receive: &mut dyn FnMut(&[&'s str], &Path, &'s Node<'f>),
    ) {
        for (position, entry) in self.entries.iter().enumerate() {
            let mut path = path.join(&entry.name);
            if entry.is_block {
                let earlier = self.entries[..position].iter().filter(|other| other.name == entry.name).count();
                path = path.with(Step::Index(earlier));
            }
            names.push(&entry.name);
            entry.node.visit(names, &path, receive);
            names.pop();
        }
    }

    /// Reports whether nothing more can be under this name than what is known.
    pub(crate) fn is_closed(&self, name: &str) -> bool {
        !self.open.contains(name) && !self.open.contains("*")
    }
}

impl<'f> Node<'f> {
    /// The text of a text or a number; `None` where it is not known, or something else.
    pub(crate) fn text(&self) -> Option<String> {
        match &self.kind {
            NodeKind::Scalar(value) => text(value),
            _ => None,
        }
    }

    /// The number, as Terraform converts it.
    pub(crate) fn number(&self) -> Option<f64> {
        self.text()?.trim().parse().ok()
    }

    /// The truth value, as Terraform converts it.
    pub(crate) fn truth(&self) -> Option<bool> {
        match &self.kind {
            NodeKind::Scalar(value) => truth(value).ok(),
            _ => None,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.kind, NodeKind::Scalar(Value::Null))
    }

    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self.kind, NodeKind::Unknown)
    }

    /// The objects in the value: itself, or those of a list.
    pub(crate) fn fields(&self) -> Vec<&Fields<'f>> {
        match &self.kind {
            NodeKind::Fields(fields) => vec![fields],
            NodeKind::List(list) => list.iter().flat_map(Self::fields).collect(),
            NodeKind::Scalar(_) | NodeKind::Unknown => Vec::new(),
        }
    }

    /// The elements of a list, or the value itself.
    pub(crate) fn elements(&self) -> Vec<&Self> {
        match &self.kind {
            NodeKind::List(list) => list.iter().collect(),
            _ => vec![self],
        }
    }

    fn visit<'s>(
        &'s self,
        names: &mut Vec<&'s str>,
        path: &Path,
        receive: &mut dyn FnMut(&[&'s str], &Path, &'s Self),
    ) {
        match &self.kind {
            NodeKind::Fields(fields) => fields.visit(names, path, receive),
            NodeKind::List(list) => {
                for (index, node) in list.iter().enumerate() {
                    node.visit(names, &path.with(Step::Index(index)), receive);
                }
            }
            NodeKind::Scalar(_) | NodeKind::Unknown => receive(names, path, self),
        }
    }

    /// A value that was computed: all of it has one place.
    fn of_value(value: &Value, place: &FilePlace<'f>) -> Self {
        let kind = match value {
            value if is_unknown(value) => NodeKind::Unknown,
            Value::Array(list) => NodeKind::List(list.iter().map(|value| Self::of_value(value, place)).collect()),
            Value::Object(object) => {
                let entry = |(name, value): (&String, &Value)| Entry {
                    name: name.clone(),
                    place: place.clone(),
                    is_block: false,
                    node: Self::of_value(value, place),
                };
                let entries = object.iter().map(entry).collect();
                NodeKind::Fields(Fields { place: place.clone(), entries, open: BTreeSet::new() })
            }
            value => NodeKind::Scalar(value.clone()),
        };
        Self { place: place.clone(), is_literal: false, kind }
    }
}

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

    fn fields(
        &self,
        layers: &[Layer<'_, 'f>],
        scope: &Scope<'_>,
        place: FilePlace<'f>,
        is_top: bool,
    ) -> Fields<'f> {
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
