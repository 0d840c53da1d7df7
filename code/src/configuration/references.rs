//! References in expressions: variables, locals, elements, modules and resources, and the operators behind them.

use std::rc::Rc;

use hcl_edit::Decorated;
use hcl_edit::expr::{Expression, Traversal, TraversalOperator};

use super::conversions::{Evaluated, Failure, element, is_unknown, walk};
use super::evaluate::Scope;
use super::{Configuration, Path, Step, Value};

impl Configuration<'_> {
    /// Evaluates a reference, and what is taken out of its value.
    pub(super) fn traversal(&self, traversal: &Traversal, scope: &Scope<'_>) -> Evaluated {
        let operators = &traversal.operators;
        let Expression::Variable(root) = &traversal.expr else {
            let value = self.evaluate(&traversal.expr, scope)?;
            return self.operators(&value, operators, scope);
        };
        if let Some(bound) = scope.bound(root.as_str()) {
            return self.operators(&bound.value, operators, scope);
        }
        let name = |index: usize| match operators.get(index).map(Decorated::value) {
            Some(TraversalOperator::GetAttr(name)) => Some(name.as_str()),
            _ => None,
        };
        let first = name(0).ok_or(Failure::Unknown)?;
        let (value, used) = match root.as_str() {
            "var" => (self.variable(scope.module, first)?, 1),
            "local" => (self.local(scope.module, first)?, 1),
            "each" | "count" => {
                let iteration = scope.iteration.ok_or(Failure::Unknown)?;
                (iteration.value(root.as_str(), first).ok_or(Failure::Error)?, 1)
            }
            "path" => (self.path_of(scope.module, first)?, 1),
            "data" | "terraform" | "self" | "ephemeral" => return Err(Failure::Unknown),
            "module" => {
                let (key, used) = self.key_at(operators, 1, scope)?;
                let output = name(used).ok_or(Failure::Unknown)?;
                (self.output(scope.module, first, key.as_ref(), output)?, used + 1)
            }
            resource_type => {
                let (key, used) = self.key_at(operators, 1, scope)?;
                let steps = self.steps(&operators[used..], scope)?;
                let declaration = format!("{resource_type}.{first}");
                return self.attribute_of(scope.module, &declaration, key.as_ref(), &Path(steps));
            }
        };
        self.operators(&value, &operators[used..], scope)
    }

    /// The key of an instance behind its name, and the number of operators up to there.
    pub(super) fn key_at(
        &self,
        operators: &[Decorated<TraversalOperator>],
        at: usize,
        scope: &Scope<'_>,
    ) -> Result<(Option<Step>, usize), Failure> {
        match operators.get(at).map(Decorated::value) {
            Some(TraversalOperator::GetAttr(_)) | None => Ok((None, at)),
            Some(operator) => Ok((Some(self.step(operator, scope)?), at + 1)),
        }
    }

    /// The operators of a traversal as steps of a path. A splat is no step.
    pub(super) fn steps(
        &self,
        operators: &[Decorated<TraversalOperator>],
        scope: &Scope<'_>,
    ) -> Result<Vec<Step>, Failure> {
        operators.iter().map(|operator| self.step(operator.value(), scope)).collect()
    }

    pub(super) fn step(&self, operator: &TraversalOperator, scope: &Scope<'_>) -> Result<Step, Failure> {
        match operator {
            TraversalOperator::GetAttr(name) => Ok(Step::Name(name.as_str().to_owned())),
            TraversalOperator::LegacyIndex(index) => {
                usize::try_from(*index.value()).map(Step::Index).map_err(|_| Failure::Error)
            }
            TraversalOperator::Index(expression) => match &*self.evaluate(expression, scope)? {
                Value::String(text) => Ok(Step::Name(text.clone())),
                value => {
                    let index = value.as_u64().and_then(|index| usize::try_from(index).ok());
                    index.map(Step::Index).ok_or(Failure::Error)
                }
            },
            TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => Err(Failure::Unknown),
        }
    }

    /// Applies the operators of a traversal to a value.
    fn operators(&self, value: &Rc<Value>, operators: &[Decorated<TraversalOperator>], scope: &Scope<'_>) -> Evaluated {
        let is_splat = |operator: &Decorated<TraversalOperator>| {
            matches!(operator.value(), TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_))
        };
        let Some(splat) = operators.iter().position(is_splat) else {
            if operators.is_empty() {
                return if is_unknown(value) { Err(Failure::Unknown) } else { Ok(Rc::clone(value)) };
            }
            return walk(value, &self.steps(operators, scope)?);
        };
        let collection = walk(value, &self.steps(&operators[..splat], scope)?)?;
        let list = match &*collection {
            Value::Array(list) => list.clone(),
            Value::Null => Vec::new(),
            value => vec![value.clone()],
        };
        let each =
            list.into_iter().map(|value| element(self.operators(&Rc::new(value), &operators[splat + 1..], scope)));
        Ok(Rc::new(Value::Array(each.collect::<Result<_, _>>()?)))
    }
}
