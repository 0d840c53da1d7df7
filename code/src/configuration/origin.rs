//! Origins of values: the literal behind an expression, followed through references to the place where it is written.

use std::cell::{Cell, RefCell};
use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, FuncCall, Object, Traversal, TraversalOperator};
use hcl_edit::template::Element;
use hcl_edit::visit::Visit as _;

use super::blocks::Target;
use super::conversions::{Failure, text, truth};
use super::evaluate::Scope;
use super::folder::Piece;
use super::functions;
use super::modules::attribute_of;
use super::uses::References;
use super::{Computed, Configuration, Instance, Literal, Origin, OriginKind, Path, ReadOnly, Step};

/// Place of an element of a collection: the expression of the collection, and the path in it.
#[derive(Clone)]
pub(super) struct Source<'a> {
    pub(super) expression: &'a Expression,
    pub(super) scope: &'a Scope<'a>,
    pub(super) steps: Vec<Step>,
}

/// Definition that an expression is a part of.
#[derive(Clone)]
pub(super) struct Definition<'p, 'f> {
    piece: &'p Piece<'f>,
    kind: OriginKind,
    /// The name, and the text behind the name of its parts: `var.vms`, ` in terraform/x.auto.tfvars`.
    name: String,
    suffix: String,
    read_only: Option<ReadOnly>,
    /// Reports whether what comes next is a collection that `for_each` or `for` goes over.
    is_collection: bool,
}

impl<'p, 'f> Definition<'p, 'f> {
    pub(super) fn of_block(piece: &'p Piece<'f>, path: &Path, read_only: Option<ReadOnly>) -> Self {
        Self {
            piece,
            kind: OriginKind::Block,
            name: path.to_string(),
            suffix: String::new(),
            read_only,
            is_collection: false,
        }
    }

    /// The definition behind a reference.
    fn next<'q>(&self, kind: OriginKind, name: String, piece: &'q Piece<'f>) -> Definition<'q, 'f> {
        let kind = if self.is_collection { OriginKind::Entry } else { kind };
        Definition { piece, kind, name, suffix: String::new(), read_only: piece.read_only, is_collection: false }
    }

    /// A part of the definition.
    fn part(&self, step: &Step, value: &Expression) -> Self {
        let name = match step {
            // An object in an object is an entry of a map to people.
            Step::Name(name) if matches!(value, Expression::Object(_)) => {
                format!("{}[{}]", self.name, crate::quote::quoted(name))
            }
            step @ (Step::Index(_) | Step::Where(..)) => format!("{}{}", self.name, Path(vec![step.clone()])),
            Step::Name(name) => format!("{}.{}", self.name, Path::of(name)),
        };
        // In the block itself, the path that was asked for names it already.
        if self.kind == OriginKind::Block { self.clone() } else { Self { name, ..self.clone() } }
    }
}

/// Follows expressions to literals.
pub(super) struct Tracer<'c, 'f> {
    configuration: &'c Configuration<'f>,
    /// Literals that computed values depend on; collected on request.
    pub(super) dependencies: RefCell<Vec<(String, Range<usize>)>>,
    collects: bool,
    pub(super) depth: Cell<usize>,
}

/// Number of references in a chain at which it is taken for a circle.
pub(super) const LIMIT: usize = 100;

impl<'c, 'f> Tracer<'c, 'f> {
    pub(super) fn new(configuration: &'c Configuration<'f>, collects: bool) -> Self {
        Self { configuration, dependencies: RefCell::default(), collects, depth: Cell::new(0) }
    }

    pub(super) fn of_instance(&self, instance: &Instance, path: &Path) -> Origin {
        let mut origin = Origin::Absent;
        let (configuration, scope) = (self.configuration, instance.scope());
        let declaration = instance.declaration();
        configuration.follow_path(instance.module, &declaration, &scope, &path.0, &mut |target| {
            origin = match target {
                Target::Attribute { expression, piece, scope, steps, read_only } => {
                    self.trace(expression, &Definition::of_block(piece, path, read_only), &scope, steps)
                }
                Target::Blocks { blocks: [block], .. } => {
                    let dynamic = block.variable.as_ref().map(|_| ReadOnly::Dynamic);
                    let read_only = block.layer.piece.read_only.or(dynamic);
                    let definition = Definition::of_block(block.layer.piece, path, read_only);
                    literal(&definition, block.block.span())
                }
                Target::Blocks { .. } | Target::Unknown => Origin::Computed(Computed {
                    expression: String::new(),
                    file: instance.file.clone(),
                    range: instance.range.clone(),
                    read_only: instance.read_only,
                }),
            };
        });
        origin
    }

    pub(super) fn trace(
        &self,
        expression: &Expression,
        at: &Definition<'_, 'f>,
        scope: &Scope<'_>,
        steps: &[Step],
    ) -> Origin {
        if self.depth.get() > LIMIT {
            return computed(expression, at);
        }
        self.depth.set(self.depth.get() + 1);
        let origin = self.traced(expression, at, scope, steps);
        self.depth.set(self.depth.get() - 1);
        origin
    }

    fn traced(&self, expression: &Expression, at: &Definition<'_, 'f>, scope: &Scope<'_>, steps: &[Step]) -> Origin {
        match expression {
            Expression::Parenthesis(inner) => self.trace(inner.inner(), at, scope, steps),
            Expression::Array(list) => match steps.split_first() {
                None => self.collection(expression, at, scope),
                Some((step @ Step::Index(index), rest)) => {
                    list.get(*index).map_or(Origin::Absent, |item| self.trace(item, &at.part(step, item), scope, rest))
                }
                Some((step @ Step::Where(name, wanted), rest)) => {
                    let item = list.iter().find(|item| self.has(item, name, wanted, scope));
                    item.map_or(Origin::Absent, |item| self.trace(item, &at.part(step, item), scope, rest))
                }
                Some((Step::Name(_), _)) => Origin::Absent,
            },
            Expression::Object(object) => match steps.split_first() {
                None => self.collection(expression, at, scope),
                Some((step, rest)) => self
                    .entry(object, step, scope)
                    .map_or(Origin::Absent, |value| self.trace(value, &at.part(step, value), scope, rest)),
            },
            Expression::StringTemplate(template) => match &template.iter().collect::<Vec<_>>()[..] {
                [Element::Interpolation(inner)] => self.trace(&inner.expr, at, scope, steps),
                _ => self.computed(expression, at, scope),
            },
            Expression::HeredocTemplate(heredoc) if !heredoc.template.iter().all(Element::is_literal) => {
                self.computed(expression, at, scope)
            }
            Expression::Conditional(conditional) => {
                self.depend(&conditional.cond_expr, at, scope);
                match self.configuration.evaluate(&conditional.cond_expr, scope).and_then(|value| truth(&value)) {
                    Ok(true) => self.trace(&conditional.true_expr, at, scope, steps),
                    Ok(false) => self.trace(&conditional.false_expr, at, scope, steps),
                    Err(_) => self.computed(expression, at, scope),
                }
            }
            Expression::FuncCall(call) => {
                self.call(call, at, scope, steps).unwrap_or_else(|| self.computed(expression, at, scope))
            }
            Expression::Variable(name) if scope.bound(name.as_str()).is_some() => {
                self.bound(name.as_str(), at, scope, steps).unwrap_or_else(|| self.computed(expression, at, scope))
            }
            Expression::Traversal(traversal) => {
                self.reference(traversal, at, scope, steps).unwrap_or_else(|| self.computed(expression, at, scope))
            }
            Expression::ForExpr(inner) => {
                let Some((first, rest)) = steps.split_first() else { return self.computed(expression, at, scope) };
                let (mut origin, mut position) = (None, 0);
                let went = self.configuration.each_of(inner, scope, &mut |_, scope| {
                    let own = match &inner.key_expr {
                        Some(key) => text(&*self.configuration.evaluate(key, scope)?).map(Step::Name),
                        None => Some(Step::Index(position)),
                    };
                    position += 1;
                    if own.as_ref() == Some(first) {
                        origin = Some(self.trace(&inner.value_expr, at, scope, rest));
                    }
                    Ok(())
                });
                let origin = origin.filter(|_| went.is_ok() && !inner.grouping);
                origin.unwrap_or_else(|| self.computed(expression, at, scope))
            }
            Expression::UnaryOp(operation) if operation.expr.is_number() && steps.is_empty() => {
                literal(at, expression.span())
            }
            Expression::Variable(_) | Expression::UnaryOp(_) | Expression::BinaryOp(_) => {
                self.computed(expression, at, scope)
            }
            Expression::Null(_)
            | Expression::Bool(_)
            | Expression::Number(_)
            | Expression::String(_)
            | Expression::HeredocTemplate(_) => {
                if steps.is_empty() {
                    literal(at, expression.span())
                } else {
                    Origin::Absent
                }
            }
        }
    }

    /// A list or an object as a whole: a literal if everything in it is.
    fn collection(&self, expression: &Expression, at: &Definition<'_, 'f>, scope: &Scope<'_>) -> Origin {
        if is_literal(expression) { literal(at, expression.span()) } else { self.computed(expression, at, scope) }
    }

    /// The value of an entry of an object.
    fn entry<'e>(&self, object: &'e Object, step: &Step, scope: &Scope<'_>) -> Option<&'e Expression> {
        let wanted = match step {
            Step::Name(name) => name.clone(),
            Step::Index(index) => index.to_string(),
            Step::Where(..) => return None,
        };
        let entry = object.iter().find(|(key, _)| self.configuration.object_key(key, scope).as_ref() == Ok(&wanted));
        entry.map(|(_, value)| value.expr())
    }

    /// Reports whether an attribute of an object has a value.
    fn has(&self, item: &Expression, name: &str, wanted: &str, scope: &Scope<'_>) -> bool {
        let value = self.configuration.evaluate(item, scope);
        let own = value.and_then(|value| super::conversions::walk(&value, &[Step::Name(name.to_owned())]));
        own.is_ok_and(|own| text(&own).is_some_and(|own| own == wanted))
    }

    /// Functions that pass an argument on, or a part of it.
    fn call(&self, call: &FuncCall, at: &Definition<'_, 'f>, scope: &Scope<'_>, steps: &[Step]) -> Option<Origin> {
        let (name, arguments) = (call.name.name.as_str(), &call.args);
        let evaluate = |argument: &Expression| self.configuration.evaluate(argument, scope);
        match (name, arguments.get(0), steps.split_first()) {
            (name, Some(argument), _) if functions::passes_through(name) => {
                Some(self.trace(argument, at, scope, steps))
            }
            ("toset", Some(Expression::Array(list)), Some((Step::Name(wanted), []))) => {
                let is_wanted =
                    |item: &&Expression| evaluate(item).is_ok_and(|value| text(&value).as_ref() == Some(wanted));
                let position = list.iter().position(|item| is_wanted(&item))?;
                let item = list.get(position)?;
                Some(self.trace(item, &at.part(&Step::Index(position), item), scope, &[]))
            }
            ("try", ..) => {
                let first = arguments.iter().find(|argument| evaluate(argument) != Err(Failure::Error))?;
                Some(self.trace(first, at, scope, steps))
            }
            ("coalesce", ..) => {
                let is_something = |argument: &&Expression| {
                    evaluate(argument).map_or(true, |value| !value.is_null() && value.as_str() != Some(""))
                };
                Some(self.trace(arguments.iter().find(is_something)?, at, scope, steps))
            }
            ("lookup", Some(map), _) => {
                let key = text(&*evaluate(arguments.get(1)?).ok()?)?;
                let has_key = evaluate(map).ok()?.as_object()?.contains_key(&key);
                if !has_key {
                    return Some(self.trace(arguments.get(2)?, at, scope, steps));
                }
                let steps: Vec<Step> = std::iter::once(Step::Name(key)).chain(steps.iter().cloned()).collect();
                Some(self.trace(map, at, scope, &steps))
            }
            ("merge", _, Some((Step::Name(key), _))) if !arguments.expand_final() => {
                let maps: Vec<&Expression> = arguments.iter().collect();
                for map in maps.into_iter().rev() {
                    if evaluate(map).ok()?.as_object().is_some_and(|entries| entries.contains_key(key)) {
                        return Some(self.trace(map, at, scope, steps));
                    }
                }
                Some(Origin::Absent)
            }
            _ => None,
        }
    }

    /// A variable of a `for` expression: an element of its collection.
    fn bound(&self, name: &str, at: &Definition<'_, 'f>, scope: &Scope<'_>, steps: &[Step]) -> Option<Origin> {
        let source = scope.bound(name)?.source.as_ref()?;
        let steps: Vec<Step> = source.steps.iter().chain(steps).cloned().collect();
        let at = Definition { is_collection: true, ..at.clone() };
        Some(self.trace(source.expression, &at, source.scope, &steps))
    }

    /// A reference, followed to its definition.
    pub(super) fn reference(
        &self,
        traversal: &Traversal,
        at: &Definition<'_, 'f>,
        scope: &Scope<'_>,
        rest: &[Step],
    ) -> Option<Origin> {
        let configuration = self.configuration;
        let steps = configuration.steps(&traversal.operators, scope).ok()?;
        let all = |from: usize| steps[from..].iter().chain(rest).cloned().collect::<Vec<Step>>();
        let Expression::Variable(root) = &traversal.expr else {
            return Some(self.trace(&traversal.expr, at, scope, &all(0)));
        };
        if scope.bound(root.as_str()).is_some() {
            return self.bound(root.as_str(), at, scope, &all(0));
        }
        let Some(Step::Name(name)) = steps.first() else { return None };
        match root.as_str() {
            "var" => self.variable(name, at, scope, &all(1)),
            "local" => {
                let piece = configuration.pieces(scope.module, &format!("local.{name}")).last()?;
                let body = configuration.body(piece)?;
                let at = at.next(OriginKind::Local, format!("local.{name}"), piece);
                Some(self.trace(&attribute_of(&body)?.value, &at, &Scope::of_module(scope.module), &all(1)))
            }
            "each" if name == "value" => {
                let iteration = scope.iteration?;
                let super::Key::Text(key) = &iteration.key else { return None };
                let steps: Vec<Step> = std::iter::once(Step::Name(key.clone())).chain(all(1)).collect();
                let outer = Scope::of_module(scope.module);
                configuration.with_attribute(scope.module, &iteration.declaration, "for_each", |expression, piece| {
                    let name = format!("for_each of {}", iteration.declaration);
                    let at = Definition { is_collection: true, ..at.next(OriginKind::Entry, name, piece) };
                    self.trace(expression, &at, &outer, &steps)
                })
            }
            "module" => {
                let has_key = matches!(traversal.operators.get(1)?.value(), TraversalOperator::Index(_));
                let key = has_key.then(|| steps.get(1)).flatten();
                let behind = if has_key { 2 } else { 1 };
                let called = configuration.called(scope.module, name, key)?;
                let Some(Step::Name(output)) = steps.get(behind) else { return None };
                let declaration = format!("output.{output}");
                configuration.with_attribute(called, &declaration, "value", |expression, piece| {
                    let at = at.next(OriginKind::Output, declaration.clone(), piece);
                    self.trace(expression, &at, &Scope::of_module(called), &all(behind + 1))
                })
            }
            "each" | "count" | "path" | "data" | "terraform" | "self" => None,
            resource_type => self.resource(&format!("{resource_type}.{name}"), traversal, at, scope, &all(1)),
        }
    }

    /// An attribute of another resource.
    fn resource(
        &self,
        declaration: &str,
        traversal: &Traversal,
        at: &Definition<'_, 'f>,
        scope: &Scope<'_>,
        steps: &[Step],
    ) -> Option<Origin> {
        // Whoever refers to an object follows it. That is no use of the literal that somebody has to be warned of.
        if self.collects {
            return Some(Origin::Absent);
        }
        let has_key = matches!(traversal.operators.get(1)?.value(), TraversalOperator::Index(_));
        let (key, steps) = if has_key { (steps.first(), steps.get(1..)?) } else { (None, steps) };
        let iteration = self.configuration.iteration(scope.module, declaration, key).ok()?;
        let inner = Scope { iteration: iteration.as_ref(), ..Scope::of_module(scope.module) };
        let mut origin = None;
        self.configuration.follow_path(scope.module, declaration, &inner, steps, &mut |target| {
            if let Target::Attribute { expression, piece, scope, steps: rest, read_only } = target {
                let name = format!("{declaration}.{}", Path(steps.to_vec()));
                let at = Definition { read_only, ..at.next(OriginKind::Resource, name, piece) };
                origin = Some(self.trace(expression, &at, &scope, rest));
            }
        });
        origin
    }

    /// A variable: the argument of the module call, the entry of a file of variables, or the default.
    fn variable(&self, name: &str, at: &Definition<'_, 'f>, scope: &Scope<'_>, steps: &[Step]) -> Option<Origin> {
        let (configuration, module) = (self.configuration, scope.module);
        let declaration = format!("var.{name}");
        let given = self.given(name, at, module, steps);
        let origin = given.or_else(|| {
            configuration.with_attribute(module, &declaration, "default", |default, piece| {
                let at = at.next(OriginKind::Default, declaration.clone(), piece);
                self.trace(default, &at, &Scope::of_module(module), steps)
            })
        })?;
        if origin != Origin::Absent || steps.is_empty() {
            return Some(origin);
        }
        let optional = configuration.with_attribute(module, &declaration, "type", |constraint, piece| {
            let default = configuration.optional_default(constraint, steps)?;
            let name = format!("default of {} in the type of {declaration}", Path(steps.to_vec()));
            let at = Definition { kind: OriginKind::Default, ..at.next(OriginKind::Default, name, piece) };
            Some(self.trace(default, &at, &Scope::of_module(module), &[]))
        });
        Some(optional.flatten().unwrap_or(Origin::Absent))
    }

    fn given(&self, name: &str, at: &Definition<'_, 'f>, module: usize, steps: &[Step]) -> Option<Origin> {
        let configuration = self.configuration;
        let own = &configuration.modules[module];
        let (Some(parent), Some(call)) = (own.parent, own.steps.last()) else {
            let piece = configuration.pieces(module, &format!("value.{name}")).last()?;
            let body = configuration.body(piece)?;
            let at = at.next(OriginKind::VariableFile, format!("var.{name}"), piece);
            let at = Definition { suffix: format!(" in {}", piece.file), ..at };
            return Some(self.trace(&attribute_of(&body)?.value, &at, &Scope::of_module(module), steps));
        };
        let outer = Scope { iteration: own.iteration.as_ref(), ..Scope::of_module(parent) };
        let declaration = format!("module.{}", call.name);
        let argument = configuration.with_attribute(parent, &declaration, name, |argument, piece| {
            let is_null = configuration.evaluate(argument, &outer).is_ok_and(|value| value.is_null());
            let at = at.next(OriginKind::Argument, format!("{name} of {declaration}"), piece);
            (!is_null).then(|| self.trace(argument, &at, &outer, steps))
        });
        argument.flatten()
    }

    fn computed(&self, expression: &Expression, at: &Definition<'_, 'f>, scope: &Scope<'_>) -> Origin {
        self.depend(expression, at, scope);
        computed(expression, at)
    }

    /// Collects the literals behind the references in an expression.
    fn depend(&self, expression: &Expression, at: &Definition<'_, 'f>, scope: &Scope<'_>) {
        if self.collects && self.depth.get() <= LIMIT {
            References { tracer: self, at, scope }.visit_expr(expression);
        }
    }
}

/// Reports whether nothing has to be evaluated.
fn is_literal(expression: &Expression) -> bool {
    match expression {
        Expression::Null(_) | Expression::Bool(_) | Expression::Number(_) | Expression::String(_) => true,
        Expression::UnaryOp(operation) => operation.expr.is_number(),
        Expression::HeredocTemplate(heredoc) => heredoc.template.iter().all(Element::is_literal),
        Expression::Array(list) => list.iter().all(is_literal),
        Expression::Object(object) => object.iter().all(|(_, value)| is_literal(value.expr())),
        _ => false,
    }
}

/// The bytes of a part of a piece in its file. What JSON syntax gives has no bytes of its own.
fn range(piece: &Piece<'_>, span: Option<Range<usize>>) -> Range<usize> {
    let moved = span.map(|span| span.start + piece.range.start..span.end + piece.range.start);
    moved.filter(|_| piece.read_only != Some(ReadOnly::Json)).unwrap_or_else(|| piece.range.clone())
}

fn literal(at: &Definition<'_, '_>, span: Option<Range<usize>>) -> Origin {
    Origin::Literal(Literal {
        kind: at.kind,
        name: format!("{}{}", at.name, at.suffix),
        file: at.piece.file.to_owned(),
        range: range(at.piece, span),
        read_only: at.read_only,
        users: Vec::new(),
    })
}

fn computed(expression: &Expression, at: &Definition<'_, '_>) -> Origin {
    Origin::Computed(Computed {
        expression: expression.to_string().trim().to_owned(),
        file: at.piece.file.to_owned(),
        range: range(at.piece, expression.span()),
        read_only: at.read_only,
    })
}
