//! Checks of a call's parameters, with the complaints and in the order of `PVE::JSONSchema`.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use super::description::{Format, MatchedMethod, Method, Parameter, Schema};
use super::properties::Keys;
use super::{formats, pattern, properties};

/// Complaints by parameter.
pub type Errors = BTreeMap<String, String>;

/// Complaint about a parameter that the method does not have.
pub const NOT_DEFINED: &str = "property is not defined in schema and the schema does not allow additional properties";
const MISSING: &str = "property is missing and it is not optional";

/// Checks the parameters of a call, those of the path included. Values are as they were sent: text from a form, any
/// value from JSON. The array that a list parameter got is joined, and the single value that an array parameter got is
/// put into an array.
pub fn check(found: &MatchedMethod, parameters: &mut Map<String, Value>) -> Result<(), Errors> {
    let schema = found.method.schema();
    arrange(schema, found.method, parameters);
    let mut errors = Errors::new();
    for (name, value) in &*parameters {
        let Some(parameter) = schema.parameter(found.method, name) else {
            if !found.method.open {
                errors.insert(name.clone(), NOT_DEFINED.to_owned());
            }
            continue;
        };
        property(schema, parameter, value, name, parameters, &mut errors);
        if let Some(required) = &parameter.requires
            && !value.is_null()
            && parameters.get(required).is_none_or(Value::is_null)
        {
            add(&mut errors, required, &format!("missing property required by '{name}'"));
        }
    }
    for name in found.method.names() {
        let parameter = schema.parameter(found.method, name);
        let optional = parameter.is_none_or(|parameter| is_optional(schema, parameter, parameters));
        if !optional && !name.ends_with("[n]") && !parameters.contains_key(name) {
            add(&mut errors, name, MISSING);
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// Brings arrays into the form that the schema asks for (`PVE::RESTHandler`).
fn arrange(schema: &Schema, method: &Method, parameters: &mut Map<String, Value>) {
    for (name, value) in parameters.iter_mut() {
        // Perl prints 2.0 as 2.
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
        if let Some(number) = value.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 9e15) {
            *value = (number as i64).into();
        }
        let Some(parameter) = schema.parameter(method, name) else { continue };
        let listed = matches!(&parameter.format, Some(Format::Named(name)) if name.ends_with("list"));
        match value {
            Value::Array(items) if listed => {
                let words: Vec<String> = items.iter().filter_map(crate::object::text).collect();
                *value = Value::String(words.join(","));
            }
            Value::String(_) | Value::Number(_) if parameter.kind.as_deref() == Some("array") => {
                *value = Value::Array(vec![value.take()]);
            }
            _ => {}
        }
    }
}

/// Checks one value (`check_prop`). `siblings` are the values beside it, which some schemas depend on.
pub(super) fn property(
    schema: &Schema,
    parameter: &Parameter,
    value: &Value,
    path: &str,
    siblings: &Map<String, Value>,
    errors: &mut Errors,
) {
    if let Some(chosen) = instance(schema, parameter, siblings) {
        return property(schema, chosen, value, path, siblings, errors);
    }
    if value.is_null() {
        if parameter.optional != 1 && parameter.alias.is_none() {
            add(errors, path, MISSING);
        }
        return;
    }
    let kind = parameter.kind.as_deref().unwrap_or("any");
    if let Err(got) = of_kind(kind, value) {
        let got = got.map_or_else(String::new, |got| format!(" - got {got}"));
        return add(errors, path, &format!("type check ('{kind}') failed{got}"));
    }
    if let Value::Array(items) = value {
        let Some(item) = parameter.items.and_then(|items| schema.parameters.get(items)) else { return };
        for (index, value) in items.iter().enumerate() {
            property(schema, item, value, &format!("{path}[{index}]"), siblings, errors);
        }
        return;
    }
    if let Some(text) = crate::object::text(value)
        && let Err(why) = of_form(schema, parameter, &text, path)
    {
        add(errors, path, &why);
    }
}

/// Reports whether a parameter may be left out. One whose schema depends on another value is optional where the schema
/// for that value says so, or where there is none.
fn is_optional(schema: &Schema, parameter: &Parameter, siblings: &Map<String, Value>) -> bool {
    let depends = parameter.type_property.is_some() && !parameter.one_of.is_empty();
    let chosen = instance(schema, parameter, siblings);
    parameter.optional == 1 || depends && chosen.is_none_or(|chosen| chosen.optional == 1)
}

/// The schema of the parameter for the value that it depends on.
fn instance<'s>(schema: &'s Schema, parameter: &Parameter, siblings: &Map<String, Value>) -> Option<&'s Parameter> {
    let chosen = siblings.get(parameter.type_property.as_ref()?)?.as_str()?;
    let instances = parameter.one_of.iter().filter_map(|number| schema.parameters.get(*number));
    instances.into_iter().find(|instance| instance.instance_types.iter().any(|kind| kind == chosen))
}

/// Checks the type of a value.
///
/// # Errors
///
/// The type that it got instead, as Proxmox writes it.
fn of_kind(kind: &str, value: &Value) -> Result<(), Option<String>> {
    let reference = match value {
        Value::Array(_) => Some("ARRAY"),
        Value::Object(_) => Some("HASH"),
        Value::Bool(_) => Some("JSON::PP::Boolean"),
        _ => None,
    };
    match (kind, reference) {
        ("any" | "boolean", Some("JSON::PP::Boolean")) | ("array" | "any", Some("ARRAY")) | ("any", Some(_)) => Ok(()),
        ("array", _) => Err(None),
        (_, Some(reference)) => Err(Some(reference.to_owned())),
        (_, None) => {
            let text = crate::object::text(value).unwrap_or_default();
            let fits = match kind {
                "boolean" => text == "0" || text == "1",
                "integer" => is_integer(&text),
                "number" => is_number(&text),
                _ => true,
            };
            if fits { Ok(()) } else { Err(Some(format!("'{text}'"))) }
        }
    }
}

/// Checks format, pattern, length, limits and words in this order, as `PVE::JSONSchema` does; the first complaint
/// counts.
fn of_form(schema: &Schema, parameter: &Parameter, text: &str, path: &str) -> Result<(), String> {
    let format = match &parameter.format {
        None => Ok(()),
        Some(Format::Properties(number)) => match schema.formats.get(*number) {
            Some(keys) => {
                let keys =
                    keys.iter().filter_map(|(key, number)| Some((key.as_str(), schema.parameters.get(*number)?)));
                property_string(schema, &keys.collect(), text, path)
            }
            None => Ok(()),
        },
        Some(Format::Named(name)) => named(schema, name, text, path),
    };
    format.map_err(|why| format!("invalid format - {why}"))?;
    if let Some(pattern) = &parameter.pattern
        && !pattern::matches(pattern, text)
    {
        return Err("value does not match the regex pattern".to_owned());
    }
    let length = text.chars().count();
    if let Some(most) = parameter.max_length.filter(|most| length > *most) {
        return Err(format!("value may only be {most} characters long"));
    }
    if let Some(least) = parameter.min_length.filter(|least| length < *least) {
        return Err(format!("value must be at least {least} characters long"));
    }
    if let Some(number) = text.parse::<f64>().ok().filter(|_| is_number(text)) {
        if let Some(most) = parameter.maximum.filter(|most| number > *most) {
            return Err(format!("value must have a maximum value of {most}"));
        }
        if let Some(least) = parameter.minimum.filter(|least| number < *least) {
            return Err(format!("value must have a minimum value of {least}"));
        }
    }
    if !parameter.words.is_empty() && !parameter.words.iter().any(|word| word == text) {
        let words = parameter.words.join(", ");
        return Err(format!("value '{text}' does not have a value in the enumeration '{words}'"));
    }
    Ok(())
}

/// Checks a property string; `path` is the name of the parameter, which the complaints begin with.
fn property_string(schema: &Schema, keys: &Keys<'_>, text: &str, path: &str) -> Result<(), String> {
    let values = properties::parse(keys, text)?;
    let mut errors = Errors::new();
    for (key, parameter) in keys {
        let value = values.get(*key).unwrap_or(&Value::Null);
        property(schema, parameter, value, &format!("{path}.{key}"), &values, &mut errors);
    }
    for key in values.keys() {
        let Some(parameter) = keys.get(key.as_str()) else {
            errors.insert(format!("{path}.{key}"), NOT_DEFINED.to_owned());
            continue;
        };
        if let Some(required) = &parameter.requires
            && !values.contains_key(required)
        {
            errors.insert(format!("{path}.{required}"), format!("missing property required by '{path}.{key}'"));
        }
    }
    if errors.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = errors.iter().map(|(key, why)| format!("{key}: {why}\n")).collect();
    Err(format!("format error\n{}", lines.concat()))
}

/// Checks a format that is known by its name: property strings of `named-formats.json`, and formats that are functions.
fn named(schema: &Schema, name: &str, text: &str, path: &str) -> Result<(), String> {
    match schema.named.get(name) {
        Some(keys) => property_string(
            schema,
            &keys.iter().map(|(key, parameter)| (key.as_str(), parameter)).collect(),
            text,
            path,
        ),
        None => formats::check(name, text),
    }
}

/// Two complaints about one parameter are joined as Proxmox joins them: by a backslash and an `n`.
fn add(errors: &mut Errors, path: &str, why: &str) {
    errors
        .entry(path.to_owned())
        .and_modify(|text| {
            text.push_str("\\n");
            text.push_str(why);
        })
        .or_insert_with(|| why.to_owned());
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
        && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E'))
}

/// A value as Proxmox keeps it in its configuration and gives it back: numbers and booleans as numbers.
pub fn convert(parameter: &Parameter, value: &Value) -> Value {
    let number = |text: String| match parameter.kind.as_deref() {
        Some("integer" | "boolean") => text.parse::<i64>().ok().map(Number::from).map(Value::Number),
        Some("number") => text.parse::<f64>().ok().map(|number| {
            let whole = number.fract() == 0.0 && number.abs() < 9e15;
            #[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
            if whole { Value::from(number as i64) } else { Value::from(number) }
        }),
        _ => None,
    };
    match value {
        Value::Bool(truth) => Value::from(u8::from(*truth)),
        Value::Array(items) => Value::Array(items.clone()),
        other => {
            let text = crate::object::text(other);
            text.clone().and_then(number).or_else(|| text.map(Value::String)).unwrap_or_else(|| other.clone())
        }
    }
}
