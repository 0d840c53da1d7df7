//! Values in their canonical form: the same setting is the same value, however Proxmox wrote it this time.

use serde_json::Value;

use crate::kinds::Form;
use crate::list;
use crate::object::text;

/// The canonical form of a value; `None` for null, which stands for an absent one.
///
/// Proxmox sends the same number as a number or as text, and words without an order in another order from one answer to
/// the next (`content` and `nodes` of a storage).
pub(super) fn canonical(form: Option<Form>, value: Value) -> Option<Value> {
    Some(match value {
        Value::Null => return None,
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().filter_map(|item| canonical(None, item)).collect();
            if matches!(form, Some(Form::Set(_))) {
                items.sort_by_key(Value::to_string);
            }
            Value::Array(items)
        }
        Value::Object(keys) => {
            Value::Object(keys.into_iter().filter_map(|(key, value)| Some((key, canonical(None, value)?))).collect())
        }
        scalar => {
            let word = text(&scalar)?;
            match form {
                Some(Form::Set(separator)) => Value::String(sorted(word, separator)),
                _ => Value::String(word),
            }
        }
    })
}

/// The words of a set in the order of the alphabet; a text without words stays as it is.
fn sorted(words: String, separator: char) -> String {
    let mut items: Vec<&str> = list::items(&words).collect();
    if items.len() < 2 {
        return words;
    }
    items.sort_unstable();
    items.join(&separator.to_string())
}

/// A value on one line: text as it is, a list with commas, a map as `key=value` with spaces.
pub(super) fn line(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(line).collect::<Vec<_>>().join(", "),
        Value::Object(keys) => {
            let item = |(key, value): (&String, &Value)| format!("{key}={}", line(value));
            keys.iter().map(item).collect::<Vec<_>>().join(" ")
        }
        other => text(other).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_same_setting_is_the_same_value() {
        let check = |form: Form, value: Value, expected: Option<Value>| {
            assert_eq!(canonical(Some(form), value.clone()), expected, "{value}");
        };
        check(Form::Integer, json!(4096), Some(json!("4096")));
        check(Form::Integer, json!("4096"), Some(json!("4096")));
        check(Form::Boolean, json!(true), Some(json!("1")));
        check(Form::Text, json!(null), None);
        check(Form::Text, json!("b,a"), Some(json!("b,a")));
        check(Form::Set(','), json!("rootdir,images"), Some(json!("images,rootdir")));
        check(Form::Set(';'), json!("web;prod"), Some(json!("prod;web")));
        check(Form::Set(';'), json!(" "), Some(json!(" ")));
        check(Form::Set(','), json!(["b", "a"]), Some(json!(["a", "b"])));
        check(Form::Structure, json!({"enable": 1, "log": null}), Some(json!({"enable": "1"})));
        check(Form::Structure, json!([["lxc.apparmor", 1]]), Some(json!([["lxc.apparmor", "1"]])));
    }
}
