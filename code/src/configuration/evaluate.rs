//! Values of expressions, as far as they can be known without running Terraform.
//!
//! The operators and the templates are hcl-rs's. References are resolved here when they are met, because most of a configuration
//! is never asked for, and because what Terraform would call an error (`try` goes on) differs from what nobody knows (it stops).

use std::rc::Rc;

use hcl::eval::{Context, Evaluate as _};
use hcl_edit::expr::{BinaryOperator, Expression, ForExpr, FuncCall, ObjectKey};
use hcl_edit::template::{Directive, Element, Interpolation, Template};

use super::conversions::{Evaluated, Failure, element, entries, has_unknown, is_unknown, known, number, text, truth};
use super::modules::Iteration;
use super::origin::Source;
use super::{Configuration, Step, Value, functions};

/// Names that an expression can refer to.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    /// Position of the module instance.
    pub(super) module: usize,
    /// Element of `count` or `for_each`.
    pub(super) iteration: Option<&'a Iteration>,
    /// Variables of the `for` expressions and `dynamic` blocks around it.
    pub(super) bound: Option<&'a Bound<'a>>,
}

/// A variable of a `for` expression or of a `dynamic` block.
pub(super) struct Bound<'a> {
    pub(super) name: &'a str,
    pub(super) value: Rc<Value>,
    /// Place of the value, where it is an element of a collection.
    pub(super) source: Option<Source<'a>>,
    pub(super) outer: Option<&'a Self>,
}

impl<'a> Scope<'a> {
    pub(super) fn of_module(module: usize) -> Self {
        Self { module, iteration: None, bound: None }
    }

    pub(super) fn bound(&self, name: &str) -> Option<&'a Bound<'a>> {
        let mut bound = self.bound;
        while let Some(variable) = bound {
            if variable.name == name {
                return bound;
            }
            bound = variable.outer;
        }
        None
    }
}

impl Configuration<'_> {
    /// Evaluates an expression.
    pub(super) fn evaluate(&self, expression: &Expression, scope: &Scope<'_>) -> Evaluated {
        match expression {
            Expression::Null(_) => Ok(Rc::new(Value::Null)),
            Expression::Bool(value) => Ok(Rc::new(Value::Bool(*value.value()))),
            Expression::Number(number) => Ok(Rc::new(Value::Number(*number.value()))),
            Expression::String(text) => Ok(Rc::new(Value::from(text.value().as_str()))),
            Expression::Array(list) => {
                let list = list.iter().map(|item| element(self.evaluate(item, scope)));
                Ok(Rc::new(Value::Array(list.collect::<Result<_, _>>()?)))
            }
            Expression::Object(object) => {
                let mut entries = hcl::Map::new();
                for (key, value) in object {
                    let key = self.object_key(key, scope)?;
                    entries.insert(key, element(self.evaluate(value.expr(), scope))?);
                }
                Ok(Rc::new(Value::Object(entries)))
            }
            Expression::StringTemplate(template) => {
                if let [Element::Interpolation(inner)] = &template.iter().collect::<Vec<_>>()[..] {
                    return self.evaluate(&inner.expr, scope);
                }
                self.template(template.iter(), scope)
            }
            // Where directives stand in lines of their own, Terraform takes away other blanks than the parser here.
            Expression::HeredocTemplate(heredoc)
                if heredoc.indent().is_some() && heredoc.template.iter().any(Element::is_directive) =>
            {
                Err(Failure::Unknown)
            }
            // The parser has taken the indentation away already.
            Expression::HeredocTemplate(heredoc) => self.template(heredoc.template.iter(), scope),
            Expression::Parenthesis(inner) => self.evaluate(inner.inner(), scope),
            Expression::Variable(name) => {
                scope.bound(name.as_str()).map(|bound| Rc::clone(&bound.value)).ok_or(Failure::Unknown)
            }
            Expression::Traversal(traversal) => self.traversal(traversal, scope),
            Expression::Conditional(conditional) => {
                let condition = truth(&*self.evaluate(&conditional.cond_expr, scope)?)?;
                let (chosen, other) = (&conditional.true_expr, &conditional.false_expr);
                let (chosen, other) = if condition { (chosen, other) } else { (other, chosen) };
                let value = self.evaluate(chosen, scope)?;
                // Both sides get one type. Of a number or a truth value and a text it is text.
                let is_text = |value: &Value| value.is_string() && !is_unknown(value);
                if matches!(*value, Value::Number(_) | Value::Bool(_))
                    && self.evaluate(other, scope).is_ok_and(|other| is_text(&other))
                {
                    return text(&value).map(|text| Rc::new(Value::from(text))).ok_or(Failure::Error);
                }
                Ok(value)
            }
            Expression::UnaryOp(operation) => {
                let value = self.evaluate(&operation.expr, scope)?;
                let operator = *operation.operator.value();
                let operand = match operator {
                    hcl_edit::expr::UnaryOperator::Neg => number(&value).map(Value::Number).ok_or(Failure::Error)?,
                    hcl_edit::expr::UnaryOperator::Not => Value::Bool(truth(&value)?),
                };
                let operation = hcl::expr::UnaryOp::new(operator, operand);
                operation.evaluate(&Context::new()).map(Rc::new).map_err(|_| Failure::Error)
            }
            Expression::BinaryOp(operation) => {
                let left = self.evaluate(&operation.lhs_expr, scope)?;
                let right = self.evaluate(&operation.rhs_expr, scope)?;
                operate(&left, *operation.operator.value(), &right)
            }
            Expression::ForExpr(expression) => self.for_expression(expression, scope),
            Expression::FuncCall(call) => self.call(call, scope),
        }
    }

    /// The key of an entry of an object.
    pub(super) fn object_key(&self, key: &ObjectKey, scope: &Scope<'_>) -> Result<String, Failure> {
        match key {
            ObjectKey::Ident(name) | ObjectKey::Expression(Expression::Variable(name)) => Ok(name.as_str().to_owned()),
            ObjectKey::Expression(expression) => text(&*self.evaluate(expression, scope)?).ok_or(Failure::Error),
        }
    }

    /// Evaluates a template: its interpolations and conditions here, the rest with hcl-rs.
    fn template<'e>(&self, elements: impl Iterator<Item = &'e Element>, scope: &Scope<'_>) -> Evaluated {
        let lowered = hcl::Template::from(self.lower(elements, scope)?);
        lowered.evaluate(&Context::new()).map(|text| Rc::new(Value::from(text))).map_err(|_| Failure::Error)
    }

    /// Puts literals into the place of the expressions of a template.
    fn lower<'e>(&self, elements: impl Iterator<Item = &'e Element>, scope: &Scope<'_>) -> Result<Template, Failure> {
        let mut lowered = Template::new();
        for element in elements {
            lowered.push(match element {
                Element::Literal(_) => element.clone(),
                Element::Interpolation(inner) => {
                    let value = self.evaluate(&inner.expr, scope)?;
                    let mut literal = Interpolation::new(text(&value).ok_or(Failure::Error)?);
                    literal.strip = inner.strip;
                    Element::Interpolation(literal)
                }
                Element::Directive(directive) => match &**directive {
                    Directive::If(condition) => {
                        let mut condition = condition.clone();
                        let chosen = truth(&*self.evaluate(&condition.if_expr.cond_expr, scope)?)?;
                        condition.if_expr.cond_expr = Expression::from(chosen);
                        let taken = match (&mut condition.else_expr, chosen) {
                            (_, true) => Some(&mut condition.if_expr.template),
                            (Some(otherwise), false) => Some(&mut otherwise.template),
                            (None, false) => None,
                        };
                        if let Some(taken) = taken {
                            *taken = self.lower(taken.clone().iter(), scope)?;
                        }
                        Element::Directive(Box::new(Directive::If(condition)))
                    }
                    Directive::For(_) => return Err(Failure::Unknown),
                },
            });
        }
        Ok(lowered)
    }

    fn for_expression(&self, expression: &ForExpr, scope: &Scope<'_>) -> Evaluated {
        let (mut list, mut object) = (Vec::new(), hcl::Map::<String, Value>::new());
        self.each_of(expression, scope, &mut |_, scope| {
            let value = element(self.evaluate(&expression.value_expr, scope))?;
            let Some(key) = &expression.key_expr else {
                list.push(value);
                return Ok(());
            };
            let key = text(&*self.evaluate(key, scope)?).ok_or(Failure::Error)?;
            if expression.grouping {
                let group = object.entry(key).or_insert_with(|| Value::Array(Vec::new()));
                group.as_array_mut().into_iter().for_each(|group| group.push(value.clone()));
            } else if object.insert(key, value).is_some() {
                return Err(Failure::Error);
            }
            Ok(())
        })?;
        let value = if expression.key_expr.is_some() { Value::Object(object) } else { Value::Array(list) };
        Ok(Rc::new(value))
    }

    /// Goes over the elements that a `for` expression takes, each with its position among them and its scope.
    pub(super) fn each_of(
        &self,
        expression: &ForExpr,
        scope: &Scope<'_>,
        then: &mut dyn FnMut(&Value, &Scope<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let intro = &expression.intro;
        let collection = self.evaluate(&intro.collection_expr, scope)?;
        for (key, value) in entries(&collection).ok_or(Failure::Error)? {
            let step = match &key {
                Value::String(name) => Step::Name(name.clone()),
                key => Step::Index(key.as_u64().and_then(|index| usize::try_from(index).ok()).unwrap_or_default()),
            };
            let key_variable = intro.key_var.as_ref().map(|name| Bound {
                name: name.as_str(),
                value: Rc::new(key.clone()),
                source: None,
                outer: scope.bound,
            });
            let variable = Bound {
                name: intro.value_var.as_str(),
                value: Rc::new(value.clone()),
                source: Some(Source { expression: &intro.collection_expr, scope, steps: vec![step] }),
                outer: key_variable.as_ref().or(scope.bound),
            };
            let inner = Scope { bound: Some(&variable), ..*scope };
            if let Some(condition) = &expression.cond
                && !truth(&*self.evaluate(&condition.expr, &inner)?)?
            {
                continue;
            }
            then(&key, &inner)?;
        }
        Ok(())
    }

    fn call(&self, call: &FuncCall, scope: &Scope<'_>) -> Evaluated {
        if call.name.is_namespaced() {
            return Err(Failure::Unknown);
        }
        let name = call.name.name.as_str();
        match name {
            "try" => {
                for argument in &call.args {
                    match self.evaluate(argument, scope) {
                        Err(Failure::Error) => {}
                        value => return value,
                    }
                }
                return Err(Failure::Error);
            }
            "can" => {
                let argument = call.args.get(0).ok_or(Failure::Error)?;
                return match self.evaluate(argument, scope) {
                    Ok(_) => Ok(Rc::new(Value::Bool(true))),
                    Err(Failure::Error) => Ok(Rc::new(Value::Bool(false))),
                    Err(Failure::Unknown) => Err(Failure::Unknown),
                };
            }
            _ => {}
        }
        let mut arguments = Vec::with_capacity(call.args.len());
        for (index, argument) in call.args.iter().enumerate() {
            let value = self.evaluate(argument, scope)?;
            if call.args.expand_final() && index + 1 == call.args.len() {
                let list = value.as_array().ok_or(Failure::Error)?;
                for value in list {
                    arguments.push(known(value)?);
                }
            } else {
                arguments.push(value);
            }
        }
        functions::call(name, &arguments)
    }
}

/// Applies an operator, after the conversions that Terraform makes.
fn operate(left: &Value, operator: BinaryOperator, right: &Value) -> Evaluated {
    use BinaryOperator as Is;
    if has_unknown(left) || has_unknown(right) {
        return Err(Failure::Unknown);
    }
    let convert = |value: &Value| match operator {
        Is::Eq | Is::NotEq => Ok(value.clone()),
        Is::And | Is::Or => truth(value).map(Value::Bool),
        _ => number(value).map(Value::Number).ok_or(Failure::Error),
    };
    let (left, right) = (convert(left)?, convert(right)?);
    if matches!(operator, Is::Div | Is::Mod) && right.as_f64() == Some(0.0) {
        return Err(Failure::Error);
    }
    let operation = hcl::expr::BinaryOp::new(left, operator, right);
    operation.evaluate(&Context::new()).map(Rc::new).map_err(|_| Failure::Error)
}
