//! Definitions behind references: the way of an origin through functions, elements, variables, modules and resources.

use hcl_edit::expr::{Expression, FuncCall, Traversal, TraversalOperator};

use super::blocks::Target;
use super::conversions::{Failure, text};
use super::evaluate::Scope;
use super::functions;
use super::modules::attribute_of;
use super::origin::{Definition, Tracer};
use super::{Key, Origin, OriginKind, Path, Step};

impl<'f> Tracer<'_, 'f> {
    /// Functions that pass an argument on, or a part of it.
    pub(super) fn call(
        &self,
        call: &FuncCall,
        at: &Definition<'_, 'f>,
        scope: &Scope<'_>,
        steps: &[Step],
    ) -> Option<Origin> {
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
    pub(super) fn bound(
        &self,
        name: &str,
        at: &Definition<'_, 'f>,
        scope: &Scope<'_>,
        steps: &[Step],
    ) -> Option<Origin> {
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
                let Key::Text(key) = &iteration.key else { return None };
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
}
