//! Content of a resource instance as a tree: attributes and nested blocks, values as far as they are known, and the bytes of each.

use std::collections::BTreeSet;
use std::ops::Range;

use super::conversions::{is_unknown, text, truth};
use super::folder::Piece;
use super::{Path, Step, Value, origin};

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
    pub(super) fn of(piece: &Piece<'f>, span: Option<Range<usize>>) -> Self {
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
    pub(super) fn of_value(value: &Value, place: &FilePlace<'f>) -> Self {
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
