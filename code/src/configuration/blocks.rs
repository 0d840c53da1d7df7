//! Paths in blocks: attributes and nested blocks of an instance, with what override files change and `dynamic` blocks make.

use std::collections::BTreeSet;
use std::rc::Rc;

use hcl_edit::expr::Expression;
use hcl_edit::structure::{Block, BlockLabel, Body};

use super::conversions::{Evaluated, Failure, entries, text, unknown, walk};
use super::evaluate::{Bound, Scope};
use super::folder::Piece;
use super::modules::block_of;
use super::{Configuration, Path, ReadOnly, Step, Value};

/// A body with its piece. Of several, later ones override earlier ones.
#[derive(Clone, Copy)]
pub(super) struct Layer<'a, 'f> {
    pub(super) body: &'a Body,
    pub(super) piece: &'a Piece<'f>,
}

/// An item that a path leads to.
pub(super) enum Target<'a, 'f> {
    /// An attribute, with the rest of the path behind it.
    Attribute {
        expression: &'a Expression,
        piece: &'a Piece<'f>,
        scope: Scope<'a>,
        steps: &'a [Step],
        read_only: Option<ReadOnly>,
    },
    /// Nested blocks: all of a name, or one of them where the path says which.
    Blocks { blocks: &'a [Nested<'a, 'f>], scope: Scope<'a>, is_list: bool },
    /// Nobody can say which block it is.
    Unknown,
}

/// A nested block, written or made by a `dynamic` block.
pub(super) struct Nested<'a, 'f> {
    pub(super) block: &'a Block,
    pub(super) layer: Layer<'a, 'f>,
    /// The variable of the `dynamic` block and its value.
    pub(super) variable: Option<(&'a str, Rc<Value>)>,
}

/// Takes a target; the answer is up to the caller.
pub(super) type Receiver<'r, 'f> = dyn for<'a> FnMut(Target<'a, 'f>) + 'r;

/// Takes an attribute: its path, expression, piece and scope, and the reason why it is only read.
pub(super) type AttributeReceiver<'r, 'f> =
    dyn for<'a> FnMut(&Path, &'a Expression, &'a Piece<'f>, &Scope<'a>, Option<ReadOnly>) + 'r;

impl<'f> Configuration<'f> {
    /// Follows a path in a declaration. Nothing is received where nothing is written.
    pub(super) fn follow_path(
        &self,
        module: usize,
        declaration: &str,
        scope: &Scope<'_>,
        steps: &[Step],
        receive: &mut Receiver<'_, 'f>,
    ) {
        self.with_layers(module, declaration, |layers| self.descend(layers, scope, steps, None, receive));
    }

    /// Calls a function with the bodies of a declaration.
    fn with_layers<T>(&self, module: usize, declaration: &str, then: impl FnOnce(&[Layer<'_, 'f>]) -> T) -> T {
        let pieces = self.pieces(module, declaration);
        let bodies: Vec<_> = pieces.iter().filter_map(|piece| Some((self.body(piece)?, piece))).collect();
        let layers = bodies.iter().filter_map(|(body, piece)| Some(Layer { body: &block_of(body)?.body, piece }));
        then(&layers.collect::<Vec<_>>())
    }

    fn descend(
        &self,
        layers: &[Layer<'_, 'f>],
        scope: &Scope<'_>,
        steps: &[Step],
        read_only: Option<ReadOnly>,
        receive: &mut Receiver<'_, 'f>,
    ) {
        let Some((Step::Name(name), rest)) = steps.split_first() else { return };
        for layer in layers.iter().rev() {
            if let Some(attribute) = layer.body.get_attribute(name) {
                let read_only =
                    read_only.or(layer.piece.read_only).or((layers.len() > 1).then_some(ReadOnly::Override));
                let (expression, piece) = (&attribute.value, layer.piece);
                return receive(Target::Attribute { expression, piece, scope: *scope, steps: rest, read_only });
            }
        }
        let Ok(nested) = self.nested(layers, name, scope) else { return receive(Target::Unknown) };
        let (chosen, rest) = match rest.split_first() {
            _ if nested.is_empty() => return,
            None => return receive(Target::Blocks { blocks: &nested, scope: *scope, is_list: true }),
            Some((Step::Index(index), rest)) => (nested.get(*index), rest),
            Some((Step::Where(name, wanted), rest)) => match self.matching(&nested, scope, name, wanted) {
                Ok(block) => (block, rest),
                Err(_) => return receive(Target::Unknown),
            },
            Some((Step::Name(_), _)) => (nested.first(), rest),
        };
        let Some(chosen) = chosen else { return };
        if rest.is_empty() {
            let blocks = std::slice::from_ref(chosen);
            return receive(Target::Blocks { blocks, scope: *scope, is_list: false });
        }
        let read_only = read_only.or(chosen.variable.as_ref().map(|_| ReadOnly::Dynamic));
        chosen.within(scope, |scope| self.descend(&[chosen.layer], scope, rest, read_only, receive));
    }

    /// The nested blocks of a name. A file that has any replaces those of the files before it.
    pub(super) fn nested<'a>(
        &self,
        layers: &[Layer<'a, 'f>],
        name: &str,
        scope: &Scope<'_>,
    ) -> Result<Vec<Nested<'a, 'f>>, Failure> {
        for layer in layers.iter().rev() {
            let mut nested = Vec::new();
            for block in layer.body.blocks().filter(|block| name_of(block) == name) {
                if block.ident.as_str() == "dynamic" {
                    self.dynamic(*layer, block, scope, &mut nested)?;
                } else {
                    let layer = Layer { body: &block.body, piece: layer.piece };
                    nested.push(Nested { block, layer, variable: None });
                }
            }
            if !nested.is_empty() {
                return Ok(nested);
            }
        }
        Ok(Vec::new())
    }

    /// The blocks that a `dynamic` block makes.
    fn dynamic<'a>(
        &self,
        layer: Layer<'a, 'f>,
        block: &'a Block,
        scope: &Scope<'_>,
        nested: &mut Vec<Nested<'a, 'f>>,
    ) -> Result<(), Failure> {
        let collection = block.body.get_attribute("for_each").ok_or(Failure::Error)?;
        let collection = self.evaluate(&collection.value, scope)?;
        let content = block.body.get_blocks("content").next().ok_or(Failure::Error)?;
        let iterator = block.body.get_attribute("iterator").and_then(|iterator| iterator.value.as_variable());
        let variable = iterator.map_or_else(|| name_of(block), |iterator| iterator.as_str());
        for (key, value) in entries(&collection).ok_or(Failure::Error)? {
            let fields = [("key".to_owned(), key), ("value".to_owned(), value.clone())];
            let element = Rc::new(Value::Object(fields.into_iter().collect()));
            let layer = Layer { body: &content.body, piece: layer.piece };
            nested.push(Nested { block, layer, variable: Some((variable, element)) });
        }
        Ok(())
    }

    /// The block in which an attribute has a value. One that cannot be evaluated could be it.
    fn matching<'n, 'a>(
        &self,
        nested: &'n [Nested<'a, 'f>],
        scope: &Scope<'_>,
        name: &str,
        wanted: &str,
    ) -> Result<Option<&'n Nested<'a, 'f>>, Failure> {
        let mut unknown = false;
        for block in nested {
            let Some(attribute) = block.layer.body.get_attribute(name) else { continue };
            match block.within(scope, |scope| self.evaluate(&attribute.value, scope)) {
                Ok(value) if text(&value).is_some_and(|own| own == wanted) => return Ok(Some(block)),
                Ok(_) => {}
                Err(_) => unknown = true,
            }
        }
        if unknown { Err(Failure::Unknown) } else { Ok(None) }
    }

    /// The value on a path in a declaration; `None` where nothing is written.
    pub(super) fn value_in(
        &self,
        module: usize,
        declaration: &str,
        scope: &Scope<'_>,
        steps: &[Step],
    ) -> Option<Evaluated> {
        let mut value = None;
        self.follow_path(module, declaration, scope, steps, &mut |target| {
            value = match target {
                Target::Attribute { expression, scope, steps, read_only, .. } => {
                    let own = self.evaluate(expression, &scope);
                    let is_json = read_only == Some(ReadOnly::Json);
                    match own.and_then(|own| if is_json { walk_json(&own, steps) } else { walk(&own, steps) }) {
                        // The path leads past what is written.
                        Err(Failure::Error) if !steps.is_empty() => None,
                        value => Some(value),
                    }
                }
                Target::Blocks { blocks, scope, is_list } => {
                    let mut objects =
                        blocks.iter().map(|block| block.within(&scope, |scope| self.object(block.layer, scope)));
                    let value = if is_list { objects.collect() } else { objects.next().unwrap_or(Value::Null) };
                    Some(Ok(Rc::new(value)))
                }
                Target::Unknown => Some(Err(Failure::Unknown)),
            };
        });
        value
    }

    /// A nested block as an object; its own blocks are lists.
    fn object(&self, layer: Layer<'_, 'f>, scope: &Scope<'_>) -> Value {
        let Layer { body, .. } = layer;
        let value = |value: Evaluated| value.map_or_else(|_| unknown(), Rc::unwrap_or_clone);
        let attributes = body.attributes();
        let mut fields: hcl::Map<String, Value> = attributes
            .map(|attribute| (attribute.key.as_str().to_owned(), value(self.evaluate(&attribute.value, scope))))
            .collect();
        for name in body.blocks().map(name_of).collect::<BTreeSet<_>>() {
            let blocks = self.nested(&[layer], name, scope).map(|nested| {
                let objects = nested.iter().map(|block| block.within(scope, |scope| self.object(block.layer, scope)));
                objects.collect::<Value>()
            });
            fields.insert(name.to_owned(), blocks.unwrap_or_else(|_| unknown()));
        }
        Value::Object(fields)
    }

    /// Goes over the attributes of a declaration, those in nested blocks as well, without what says how Terraform handles it.
    pub(super) fn attributes(
        &self,
        module: usize,
        declaration: &str,
        scope: &Scope<'_>,
        receive: &mut AttributeReceiver<'_, 'f>,
    ) {
        self.with_layers(module, declaration, |layers| {
            self.attributes_of(layers, scope, &Path::default(), None, receive);
        });
    }

    fn attributes_of(
        &self,
        layers: &[Layer<'_, 'f>],
        scope: &Scope<'_>,
        prefix: &Path,
        read_only: Option<ReadOnly>,
        receive: &mut AttributeReceiver<'_, 'f>,
    ) {
        let is_top = prefix.0.is_empty();
        let mut names = BTreeSet::new();
        for layer in layers.iter().rev() {
            let read_only = read_only.or(layer.piece.read_only);
            for attribute in layer.body.attributes() {
                let name = attribute.key.as_str();
                if names.insert(name) && !(is_top && META_ARGUMENTS.contains(&name)) {
                    receive(&prefix.join(name), &attribute.value, layer.piece, scope, read_only);
                }
            }
        }
        let blocks: BTreeSet<&str> = layers.iter().flat_map(|layer| layer.body.blocks().map(name_of)).collect();
        for name in blocks.into_iter().filter(|name| !(is_top && META_ARGUMENTS.contains(name))) {
            let nested = self.nested(layers, name, scope).unwrap_or_default();
            for (index, block) in nested.iter().enumerate() {
                let prefix = prefix.join(name).with(Step::Index(index));
                let read_only = read_only.or(block.variable.as_ref().map(|_| ReadOnly::Dynamic));
                block.within(scope, |scope| self.attributes_of(&[block.layer], scope, &prefix, read_only, receive));
            }
        }
    }
}

/// Arguments of every resource, which describe no part of the object.
pub(super) const META_ARGUMENTS: &[&str] = &["count", "depends_on", "for_each", "lifecycle", "provider"];

impl Nested<'_, '_> {
    /// Calls a function with the scope inside of the block.
    pub(super) fn within<T>(&self, scope: &Scope<'_>, then: impl FnOnce(&Scope<'_>) -> T) -> T {
        let Some((name, value)) = &self.variable else { return then(scope) };
        let bound = Bound { name, value: Rc::clone(value), source: None, outer: scope.bound };
        then(&Scope { bound: Some(&bound), ..*scope })
    }
}

/// The name of the blocks that a block is, or makes.
pub(super) fn name_of(block: &Block) -> &str {
    match block.ident.as_str() {
        "dynamic" => block.labels.first().map_or("dynamic", BlockLabel::as_str),
        name => name,
    }
}

/// Follows a path in JSON syntax, in which a block is an object or a list of objects.
fn walk_json(value: &Value, steps: &[Step]) -> Evaluated {
    match (steps.split_first(), value) {
        (Some((Step::Name(_), _)), Value::Array(list)) => walk_json(list.first().ok_or(Failure::Error)?, steps),
        (Some((Step::Index(0), rest)), Value::Object(_)) => walk_json(value, rest),
        (Some((first, rest)), _) => walk_json(&*walk(value, std::slice::from_ref(first))?, rest),
        (None, _) => walk(value, steps),
    }
}
