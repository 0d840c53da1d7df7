//! Origins of values: the literal behind an expression, followed through references to the place where it is written.

use std::cell::{Cell, RefCell};
use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, Object};
use hcl_edit::template::Element;
use hcl_edit::visit::Visit as _;

use super::blocks::Target;
use super::conversions::{text, truth};
use super::evaluate::Scope;
use super::folder::Piece;
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
    pub(super) piece: &'p Piece<'f>,
    pub(super) kind: OriginKind,
    /// The name, and the text behind the name of its parts: `var.vms`, ` in terraform/x.auto.tfvars`.
    pub(super) name: String,
    pub(super) suffix: String,
    pub(super) read_only: Option<ReadOnly>,
    /// Reports whether what comes next is a collection that `for_each` or `for` goes over.
    pub(super) is_collection: bool,
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
    pub(super) fn next<'q>(&self, kind: OriginKind, name: String, piece: &'q Piece<'f>) -> Definition<'q, 'f> {
        let kind = if self.is_collection { OriginKind::Entry } else { kind };
        Definition { piece, kind, name, suffix: String::new(), read_only: piece.read_only, is_collection: false }
    }

    /// A part of the definition.
    pub(super) fn part(&self, step: &Step, value: &Expression) -> Self {
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
    pub(super) configuration: &'c Configuration<'f>,
    /// Literals that computed values depend on; collected on request.
    pub(super) dependencies: RefCell<Vec<(String, Range<usize>)>>,
    pub(super) collects: bool,
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
pub(super) fn range(piece: &Piece<'_>, span: Option<Range<usize>>) -> Range<usize> {
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
