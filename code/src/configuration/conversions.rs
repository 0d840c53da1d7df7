//! Values as Terraform converts them, paths in them, and the mark of what is not known.

use std::rc::Rc;

use super::{Step, Value};

/// Reason why an expression has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The value is known to Terraform only.
    Unknown,
    /// Terraform would end with an error.
    Error,
}

pub(super) type Evaluated = Result<Rc<Value>, Failure>;

/// Stands inside of lists and objects for a value that is not known.
const UNKNOWN: &str = "\u{f8ff}unknown\u{f8ff}";

/// Reports whether a value is unknown, or has something unknown in it.
pub(super) fn has_unknown(value: &Value) -> bool {
    match value {
        Value::String(text) => text == UNKNOWN,
        Value::Array(list) => list.iter().any(has_unknown),
        Value::Object(entries) => entries.values().any(has_unknown),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The marker of an unknown value.
pub(super) fn unknown() -> Value {
    Value::from(UNKNOWN)
}

pub(super) fn is_unknown(value: &Value) -> bool {
    matches!(value, Value::String(text) if text == UNKNOWN)
}

/// Takes the marker of an unknown value for a failure.
pub(super) fn known(value: &Value) -> Evaluated {
    if is_unknown(value) { Err(Failure::Unknown) } else { Ok(Rc::new(value.clone())) }
}

/// An element of a collection. What is unknown does not make the collection unknown.
pub(super) fn element(value: Evaluated) -> Result<Value, Failure> {
    match value {
        Ok(value) => Ok(Rc::unwrap_or_clone(value)),
        Err(Failure::Unknown) => Ok(unknown()),
        Err(Failure::Error) => Err(Failure::Error),
    }
}

/// A value as the text that it has in a template or as a key of a map.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text != UNKNOWN => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

/// A value as a number, as Terraform converts it.
pub(super) fn number(value: &Value) -> Option<hcl::Number> {
    match value {
        Value::Number(number) => Some(*number),
        Value::String(text) => {
            let text = text.trim();
            let whole =
                text.parse::<u64>().map(hcl::Number::from).or_else(|_| text.parse::<i64>().map(hcl::Number::from));
            whole.ok().or_else(|| hcl::Number::from_f64(text.parse::<f64>().ok()?))
        }
        _ => None,
    }
}

/// A value as a truth value, as Terraform converts it.
pub(super) fn truth(value: &Value) -> Result<bool, Failure> {
    match value {
        Value::Bool(value) => Ok(*value),
        Value::String(text) if text == "true" => Ok(true),
        Value::String(text) if text == "false" => Ok(false),
        value if is_unknown(value) => Err(Failure::Unknown),
        _ => Err(Failure::Error),
    }
}

/// The keys and elements of a collection in Terraform's order: objects by key, lists by position.
pub(super) fn entries(value: &Value) -> Option<Vec<(Value, &Value)>> {
    match value {
        Value::Array(list) => Some(list.iter().enumerate().map(|(index, value)| (Value::from(index), value)).collect()),
        Value::Object(entries) => {
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_str());
            Some(entries.into_iter().map(|(key, value)| (Value::from(key.as_str()), value)).collect())
        }
        _ => None,
    }
}

/// Follows a path into a value.
pub(super) fn walk(value: &Value, steps: &[Step]) -> Evaluated {
    let Some((first, rest)) = steps.split_first() else { return known(value) };
    if is_unknown(value) {
        return Err(Failure::Unknown);
    }
    let inner = match (first, value) {
        (Step::Name(name), Value::Object(entries)) => entries.get(name),
        (Step::Index(index), Value::Array(list)) => list.get(*index),
        // Terraform takes a number for a key of a map, and a text for a position.
        (Step::Index(index), Value::Object(entries)) => entries.get(&index.to_string()),
        (Step::Name(name), Value::Array(list)) => name.parse::<usize>().ok().and_then(|index| list.get(index)),
        (Step::Where(name, wanted), Value::Array(list)) => list.iter().find(|value| {
            let own = value.as_object().and_then(|entries| entries.get(name)).and_then(text);
            own.is_some_and(|own| own == *wanted)
        }),
        _ => None,
    };
    walk(inner.ok_or(Failure::Error)?, rest)
}
