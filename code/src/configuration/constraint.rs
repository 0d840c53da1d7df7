//! Type constraints of variables: conversions, and defaults of optional attributes.

use std::rc::Rc;

use hcl_edit::expr::{Expression, FuncCall};

use super::conversions::{Failure, number, text, truth};
use super::evaluate::Scope;
use super::{Configuration, Step, Value};

impl Configuration<'_> {
    /// Converts a value to the type of a variable.
    pub(super) fn convert(&self, value: &Rc<Value>, constraint: &Expression) -> Result<Rc<Value>, Failure> {
        if is_any(constraint) { Ok(Rc::clone(value)) } else { self.converted(value, constraint).map(Rc::new) }
    }

    fn converted(&self, value: &Value, constraint: &Expression) -> Result<Value, Failure> {
        if value.is_null() || super::conversions::known(value).is_err() {
            return Ok(value.clone());
        }
        match constraint {
            Expression::Variable(name) => match name.as_str() {
                "string" => text(value).map(Value::from).ok_or(Failure::Error),
                "number" => number(value).map(Value::Number).ok_or(Failure::Error),
                "bool" => truth(value).map(Value::Bool),
                _ => Ok(value.clone()),
            },
            Expression::FuncCall(call) => self.converted_collection(value, call),
            _ => Ok(value.clone()),
        }
    }

    fn converted_collection(&self, value: &Value, call: &FuncCall) -> Result<Value, Failure> {
        let inner = call.args.get(0).ok_or(Failure::Error)?;
        match (call.name.name.as_str(), value) {
            ("list" | "set", Value::Array(list)) => {
                let list: Result<Vec<Value>, Failure> = list.iter().map(|value| self.converted(value, inner)).collect();
                let list = Value::Array(list?);
                if call.name.name.as_str() == "list" { Ok(list) } else { set(list) }
            }
            ("map", Value::Object(entries)) => {
                let entries = entries.iter().map(|(key, value)| Ok((key.clone(), self.converted(value, inner)?)));
                Ok(Value::Object(entries.collect::<Result<_, _>>()?))
            }
            ("object", Value::Object(entries)) => {
                let mut converted = hcl::Map::new();
                for (key, constraint) in inner.as_object().ok_or(Failure::Error)? {
                    let key = self.object_key(key, &Scope::of_module(0))?;
                    let (constraint, default) = optional(constraint.expr());
                    let value = match (entries.get(&key).filter(|value| !value.is_null()), default) {
                        (Some(value), _) => self.converted(value, constraint)?,
                        (None, Some(default)) => {
                            let default = self.evaluate(default, &Scope::of_module(0))?;
                            self.converted(&default, constraint)?
                        }
                        (None, None) => Value::Null,
                    };
                    converted.insert(key, value);
                }
                Ok(Value::Object(converted))
            }
            _ => Ok(value.clone()),
        }
    }

    /// The default in a type constraint of what a path leads to: the second argument of `optional`.
    pub(super) fn optional_default<'e>(&self, constraint: &'e Expression, steps: &[Step]) -> Option<&'e Expression> {
        let (first, rest) = steps.split_first()?;
        let Expression::FuncCall(call) = constraint else { return None };
        let inner = call.args.get(0)?;
        match call.name.name.as_str() {
            "list" | "set" | "map" => self.optional_default(inner, rest),
            "object" => {
                let Step::Name(name) = first else { return None };
                let entry = |(key, value): (&'e hcl_edit::expr::ObjectKey, &'e hcl_edit::expr::ObjectValue)| {
                    let key = self.object_key(key, &Scope::of_module(0)).ok()?;
                    (key == *name).then(|| value.expr())
                };
                let (constraint, default) = optional(inner.as_object()?.iter().find_map(entry)?);
                if rest.is_empty() { default } else { self.optional_default(constraint, rest) }
            }
            _ => None,
        }
    }
}

/// The type inside of `optional(type, default)`, and the default.
fn optional(constraint: &Expression) -> (&Expression, Option<&Expression>) {
    match constraint {
        Expression::FuncCall(call) if call.name.name.as_str() == "optional" => {
            (call.args.get(0).unwrap_or(constraint), call.args.get(1))
        }
        _ => (constraint, None),
    }
}

fn set(list: Value) -> Result<Value, Failure> {
    super::functions::call("toset", &[Rc::new(list)]).map(Rc::unwrap_or_clone)
}

fn is_any(constraint: &Expression) -> bool {
    matches!(constraint, Expression::Variable(name) if name.as_str() == "any")
}
