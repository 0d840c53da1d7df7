//! Terraform's pure functions that people use in configurations of guests. A function that is not here has no known value.

use std::rc::Rc;

use super::Value;
use super::conversions::{Evaluated, Failure, entries, has_unknown, number, text, truth, walk};
use super::{Step, strings};

/// Calls a function. `try` and `can` are the evaluator's.
pub(super) fn call(name: &str, arguments: &[Rc<Value>]) -> Evaluated {
    // These pass elements on without a look at them.
    let is_structural = matches!(
        name,
        "merge"
            | "lookup"
            | "keys"
            | "values"
            | "concat"
            | "length"
            | "element"
            | "flatten"
            | "tolist"
            | "tomap"
            | "coalesce"
            | "slice"
            | "reverse"
            | "zipmap"
            | "contains"
            | "sensitive"
            | "nonsensitive"
    );
    if !is_structural && arguments.iter().any(|value| has_unknown(value)) {
        return Err(Failure::Unknown);
    }
    let values: Vec<&Value> = arguments.iter().map(|value| &**value).collect();
    let result = match (name, &values[..]) {
        ("sensitive" | "nonsensitive", [value]) => Some((*value).clone()),
        ("tostring", [value]) => convert_text(value),
        ("tonumber" | "tobool", [Value::Null]) => Some(Value::Null),
        ("tonumber", [value]) => number(value).map(Value::Number),
        ("tobool", [value]) => Some(Value::Bool(truth(value)?)),
        ("tolist", [Value::Array(_)]) | ("tomap", [Value::Object(_)]) => Some(values[0].clone()),
        ("toset", [Value::Array(list)]) => Some(set(list)),
        ("distinct", [Value::Array(list)]) => Some(distinct(list)),
        ("merge", maps) => merge(maps),
        ("lookup", [map, key]) => return walk(map, &[Step::Name(text(key).ok_or(Failure::Error)?)]),
        ("lookup", [map, key, default]) => {
            return match walk(map, &[Step::Name(text(key).ok_or(Failure::Error)?)]) {
                Err(Failure::Error) => Ok(Rc::new((*default).clone())),
                value => value,
            };
        }
        ("keys", [map @ Value::Object(_)]) => {
            entries(map).map(|entries| entries.into_iter().map(|(key, _)| key).collect())
        }
        ("values", [map @ Value::Object(_)]) => {
            entries(map).map(|entries| entries.into_iter().map(|(_, value)| value.clone()).collect())
        }
        ("zipmap", [Value::Array(keys), Value::Array(values)]) if keys.len() == values.len() => {
            let entries = keys.iter().zip(values).map(|(key, value)| Some((text(key)?, value.clone())));
            entries.collect::<Option<hcl::Map<_, _>>>().map(Value::Object)
        }
        ("length", [Value::Array(list)]) => Some(Value::from(list.len())),
        ("length", [Value::Object(entries)]) => Some(Value::from(entries.len())),
        ("length", [value]) => text(value).map(|text| Value::from(text.chars().count())),
        ("concat", lists) => {
            let lists: Option<Vec<&Vec<Value>>> = lists.iter().map(|list| list.as_array()).collect();
            lists.map(|lists| lists.into_iter().flatten().cloned().collect())
        }
        ("flatten", [Value::Array(list)]) => Some(Value::Array(flatten(list))),
        ("compact", [Value::Array(list)]) => {
            let is_empty = |value: &&Value| value.is_null() || value.as_str() == Some("");
            Some(list.iter().filter(|value| !is_empty(value)).cloned().collect())
        }
        ("reverse", [Value::Array(list)]) => Some(list.iter().rev().cloned().collect()),
        ("sort", [Value::Array(list)]) => {
            let texts: Option<Vec<String>> = list.iter().map(text).collect();
            texts.map(|mut texts| {
                texts.sort();
                texts.into_iter().collect()
            })
        }
        ("contains", [Value::Array(list), value]) => contains(list, value)?,
        ("element", [Value::Array(list), index]) => element(list, index),
        ("slice", [Value::Array(list), from, to]) => slice(list, from, to),
        ("range", limits) => range(limits),
        ("setunion", sets) => {
            let sets: Option<Vec<&Vec<Value>>> = sets.iter().map(|set| set.as_array()).collect();
            sets.map(|sets| set(&sets.into_iter().flatten().cloned().collect::<Vec<_>>()))
        }
        ("coalesce", values) => {
            let is_empty = |value: &&&Value| value.is_null() || value.as_str() == Some("");
            let first = values.iter().find(|value| !is_empty(value)).ok_or(Failure::Error)?;
            return super::conversions::known(first);
        }
        ("one", [Value::Array(list)]) if list.len() < 2 => Some(list.first().cloned().unwrap_or(Value::Null)),
        ("max" | "min", numbers) => extreme(name, numbers),
        ("abs" | "floor" | "ceil", [value]) => round(name, value),
        _ => return strings::call(name, &values).map(Rc::new),
    };
    result.map(Rc::new).ok_or(Failure::Error)
}

fn convert_text(value: &Value) -> Option<Value> {
    if value.is_null() { Some(Value::Null) } else { text(value).map(Value::from) }
}

/// A set: sorted as Terraform goes over one, without repetitions.
fn set(list: &[Value]) -> Value {
    let mut list: Vec<&Value> = list.iter().collect();
    list.sort_by_key(|value| {
        (number(value).and_then(|number| number.as_u64()).filter(|_| value.is_number()), text(value))
    });
    list.dedup();
    list.into_iter().cloned().collect()
}

fn distinct(list: &[Value]) -> Value {
    let mut kept: Vec<Value> = Vec::new();
    for value in list {
        if !kept.contains(value) {
            kept.push(value.clone());
        }
    }
    Value::Array(kept)
}

fn merge(maps: &[&Value]) -> Option<Value> {
    let mut merged = hcl::Map::new();
    for map in maps.iter().filter(|map| !map.is_null()) {
        merged.extend(map.as_object()?.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    Some(Value::Object(merged))
}

fn flatten(list: &[Value]) -> Vec<Value> {
    let mut flat = Vec::new();
    for value in list {
        match value {
            Value::Array(inner) => flat.extend(flatten(inner)),
            value => flat.push(value.clone()),
        }
    }
    flat
}

fn contains(list: &[Value], value: &Value) -> Result<Option<Value>, Failure> {
    if list.contains(value) {
        return Ok(Some(Value::Bool(true)));
    }
    if list.iter().chain([value]).any(has_unknown) { Err(Failure::Unknown) } else { Ok(Some(Value::Bool(false))) }
}

fn index(value: &Value) -> Option<usize> {
    usize::try_from(number(value)?.as_u64()?).ok()
}

/// The element at a position; positions behind the end begin again.
fn element(list: &[Value], position: &Value) -> Option<Value> {
    list.get(index(position)?.checked_rem(list.len())?).cloned()
}

fn slice(list: &[Value], from: &Value, to: &Value) -> Option<Value> {
    Some(list.get(index(from)?..index(to)?)?.iter().cloned().collect())
}

/// Numbers of `range`, at most as many as Terraform allows.
fn range(limits: &[&Value]) -> Option<Value> {
    let limits: Option<Vec<i64>> = limits.iter().map(|limit| number(limit)?.as_i64()).collect();
    let (start, end, step) = match limits?[..] {
        [end] => (0, end, if end < 0 { -1 } else { 1 }),
        [start, end] => (start, end, if end < start { -1 } else { 1 }),
        [start, end, step] => (start, end, step),
        _ => return None,
    };
    let is_inside = |number: &i64| if step > 0 { *number < end } else { *number > end };
    let numbers = std::iter::successors(Some(start), |number| number.checked_add(step)).take_while(is_inside);
    let numbers: Vec<Value> = numbers.take(1025).map(Value::from).collect();
    (step != 0 && numbers.len() <= 1024).then_some(Value::Array(numbers))
}

fn extreme(name: &str, numbers: &[&Value]) -> Option<Value> {
    let numbers: Option<Vec<hcl::Number>> = numbers.iter().map(|value| number(value)).collect();
    let greater = |left: &hcl::Number, right: &hcl::Number| {
        let ordering = left.as_f64().partial_cmp(&right.as_f64());
        ordering.unwrap_or(std::cmp::Ordering::Equal)
    };
    let numbers = numbers?.into_iter();
    let chosen = if name == "max" { numbers.max_by(greater) } else { numbers.min_by(greater) };
    chosen.map(Value::Number)
}

fn round(name: &str, value: &Value) -> Option<Value> {
    let value = number(value)?.as_f64()?;
    let rounded = match name {
        "abs" => value.abs(),
        "floor" => value.floor(),
        _ => value.ceil(),
    };
    hcl::Number::from_f64(rounded).map(Value::Number)
}

/// Functions that are passed through: the value of the call is one of the arguments, unchanged or converted.
pub(super) fn passes_through(name: &str) -> bool {
    matches!(name, "tostring" | "tonumber" | "tobool" | "tolist" | "tomap" | "sensitive" | "nonsensitive")
}
