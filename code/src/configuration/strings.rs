//! Terraform's pure functions on text.

use super::Value;
use super::conversions::{Failure, number, text};

/// Calls a function on known values.
pub(super) fn call(name: &str, arguments: &[&Value]) -> Result<Value, Failure> {
    let texts: Option<Vec<String>> = arguments.iter().map(|value| text(value)).collect();
    let texts = texts.unwrap_or_default();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let result = match (name, &texts[..]) {
        ("lower", [text]) => Some(Value::from(text.to_lowercase())),
        ("upper", [text]) => Some(Value::from(text.to_uppercase())),
        ("title", [text]) => Some(Value::from(title(text))),
        ("trimspace", [text]) => Some(Value::from(text.trim())),
        ("chomp", [text]) => Some(Value::from(text.trim_end_matches(['\n', '\r']))),
        ("trim", [text, set]) => Some(Value::from(text.trim_matches(|c| set.contains(c)))),
        ("trimprefix", [text, prefix]) => Some(Value::from(text.strip_prefix(prefix).unwrap_or(text))),
        ("trimsuffix", [text, suffix]) => Some(Value::from(text.strip_suffix(suffix).unwrap_or(text))),
        ("startswith", [text, prefix]) => Some(Value::from(text.starts_with(prefix))),
        ("endswith", [text, suffix]) => Some(Value::from(text.ends_with(suffix))),
        ("strcontains", [text, part]) => Some(Value::from(text.contains(part))),
        ("split", [separator, text]) => Some(split(separator, text)),
        // Between slashes is a regular expression.
        ("replace", [text, from, to]) if !(from.len() > 1 && from.starts_with('/') && from.ends_with('/')) => {
            Some(Value::from(text.replace(from, to)))
        }
        ("substr", [text, offset, length]) => substr(text, offset, length),
        ("parseint", [text, base]) => {
            let base = base.parse().ok().filter(|base| (2..=36).contains(base));
            base.and_then(|base| i64::from_str_radix(text, base).ok()).map(Value::from)
        }
        ("jsondecode", [text]) => serde_json::from_str::<Value>(text).ok(),
        ("join", _) => join(arguments),
        ("format", _) => arguments.split_first().and_then(|(first, rest)| format(first.as_str()?, rest)),
        ("jsonencode", _) => encode(arguments),
        _ if KNOWN.contains(&name) => None,
        _ => return Err(Failure::Unknown),
    };
    result.ok_or(Failure::Error)
}

/// Functions that are known, whatever their arguments are.
const KNOWN: &[&str] = &[
    "lower",
    "upper",
    "title",
    "trimspace",
    "chomp",
    "trim",
    "trimprefix",
    "trimsuffix",
    "startswith",
    "endswith",
    "strcontains",
    "split",
    "substr",
    "parseint",
    "jsondecode",
];

fn title(text: &str) -> String {
    let mut begins = true;
    let letter = |c: char| {
        let first = std::mem::replace(&mut begins, !c.is_alphanumeric() && c != '\'');
        if first { c.to_uppercase().collect::<String>() } else { c.to_string() }
    };
    text.chars().map(letter).collect()
}

fn split(separator: &str, text: &str) -> Value {
    if text.is_empty() {
        return Value::Array(vec![Value::from("")]);
    }
    if separator.is_empty() {
        return text.chars().map(|c| Value::from(c.to_string())).collect();
    }
    text.split(separator).map(Value::from).collect()
}

fn substr(text: &str, offset: &str, length: &str) -> Option<Value> {
    let characters: Vec<char> = text.chars().collect();
    let offset: i64 = offset.parse().ok()?;
    let length: i64 = length.parse().ok()?;
    let start = match usize::try_from(offset) {
        Ok(start) => start.min(characters.len()),
        Err(_) => characters.len().saturating_sub(usize::try_from(-offset).ok()?),
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    Some(Value::from(characters.iter().skip(start).take(length).collect::<String>()))
}

fn join(arguments: &[&Value]) -> Option<Value> {
    let (separator, lists) = arguments.split_first()?;
    let lists: Option<Vec<&Vec<Value>>> = lists.iter().map(|list| list.as_array()).collect();
    let texts: Option<Vec<String>> = lists?.into_iter().flatten().map(text).collect();
    Some(Value::from(texts?.join(separator.as_str()?)))
}

/// `format` with the verbs that names of guests are made with: `%s`, `%d`, `%02d`, `%x`, `%v`, `%%`.
fn format(pattern: &str, arguments: &[&Value]) -> Option<Value> {
    let mut result = String::new();
    let mut arguments = arguments.iter();
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            result.push(c);
            continue;
        }
        let (mut width, mut verb) = (String::new(), rest.next()?);
        while verb.is_ascii_digit() {
            width.push(verb);
            verb = rest.next()?;
        }
        if verb == '%' {
            result.push('%');
            continue;
        }
        let value = arguments.next()?;
        let formatted = match verb {
            's' | 'v' => text(value)?,
            'd' => number(value)?.as_i64()?.to_string(),
            'x' => format!("{:x}", number(value)?.as_u64()?),
            'X' => format!("{:X}", number(value)?.as_u64()?),
            _ => return None,
        };
        let fill = if width.starts_with('0') && verb != 's' { "0" } else { " " };
        let missing = width.parse::<usize>().unwrap_or(0).saturating_sub(formatted.chars().count());
        result.push_str(&fill.repeat(missing));
        result.push_str(&formatted);
    }
    arguments.next().is_none().then(|| Value::from(result))
}

/// JSON as Terraform writes it: sorted keys, and the characters of HTML as escapes.
fn encode(arguments: &[&Value]) -> Option<Value> {
    let [value] = arguments else { return None };
    let sorted = serde_json::to_value(sort(value)).ok()?;
    let text = serde_json::to_string(&sorted).ok()?;
    let text = text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    Some(Value::from(text))
}

fn sort(value: &Value) -> Value {
    match value {
        Value::Array(list) => list.iter().map(sort).collect(),
        Value::Object(entries) => {
            let mut entries: Vec<(String, Value)> =
                entries.iter().map(|(key, value)| (key.clone(), sort(value))).collect();
            entries.sort_by(|(left, _), (right, _)| left.cmp(right));
            Value::Object(entries.into_iter().collect())
        }
        value => value.clone(),
    }
}
