//! Differences that a plan would change, attribute by attribute, from `terraform show -json` of the plan file.
//!
//! The format is Terraform's "JSON output format", version 1.x (`resource_changes`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::shown;

/// The placeholder for a value that Terraform marks as sensitive.
const SENSITIVE: &str = "(sensitive value)";
/// The placeholder for a value that only the provider will know.
const UNKNOWN: &str = "(known after apply)";

/// Difference of an object that the plan would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// The Terraform address.
    pub address: String,
    /// The planned action.
    pub action: Action,
    /// The attributes that differ, sorted by name. Empty if the whole object is created or destroyed.
    pub attributes: Vec<AttributeDifference>,
}

/// Planned action on an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Create it.
    Create,
    /// Change it in place.
    Update,
    /// Destroy it and create it again.
    Replace,
    /// Destroy it.
    Destroy,
    /// An action that this version does not know. It always counts as a difference.
    Other,
}

/// Difference of an attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttributeDifference {
    /// The path of the attribute: `disk[0].size`.
    pub path: String,
    /// The value of the cluster; a placeholder if it is sensitive.
    pub before: Value,
    /// The value of the code; a placeholder if it is sensitive, or if only the provider will know it.
    pub after: Value,
    /// True if this attribute forces a replacement.
    pub replaces: bool,
}

/// Reads the output of `show -json`. The objects are sorted by address.
pub fn differences(json: &str) -> Result<Vec<Difference>, serde_json::Error> {
    Ok(shown::managed(json)?.iter().filter_map(difference).collect())
}

fn difference(resource: &shown::PlanResource) -> Option<Difference> {
    let change = &resource.change;
    let action = action(&change.actions)?;
    let mut attributes = Vec::new();
    if matches!(action, Action::Update | Action::Replace | Action::Other) {
        let sides = Sides {
            before: &change.before,
            after: &change.after,
            unknown: &change.after_unknown,
            before_sensitive: &change.before_sensitive,
            after_sensitive: &change.after_sensitive,
        };
        compare(String::new(), sides, &mut attributes);
        let replacing: Vec<String> = change.replace_paths.iter().map(|steps| path(steps)).collect();
        for attribute in &mut attributes {
            attribute.replaces = replacing.iter().any(|replacing| below(&attribute.path, replacing));
        }
    }
    Some(Difference { address: resource.address.clone(), action, attributes })
}

/// Reads Terraform's list of actions; `None` if there is nothing to do.
pub(super) fn action(words: &[String]) -> Option<Action> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Some(match words[..] {
        ["no-op" | "read"] => return None,
        ["create"] => Action::Create,
        ["update"] => Action::Update,
        ["delete", "create"] | ["create", "delete"] => Action::Replace,
        ["delete"] => Action::Destroy,
        _ => Action::Other,
    })
}

/// The same position in the five trees that Terraform describes a change with.
#[derive(Clone, Copy)]
struct Sides<'a> {
    before: &'a Value,
    after: &'a Value,
    unknown: &'a Value,
    before_sensitive: &'a Value,
    after_sensitive: &'a Value,
}

impl<'a> Sides<'a> {
    fn key(self, key: &str) -> Self {
        self.each(|value| value.get(key))
    }

    fn index(self, index: usize) -> Self {
        self.each(|value| value.get(index))
    }

    fn each(self, step: impl Fn(&'a Value) -> Option<&'a Value>) -> Self {
        // A mark of a whole (`true`) applies to its parts.
        let mark =
            |value: &'a Value| if value == &Value::Bool(true) { value } else { step(value).unwrap_or(&Value::Null) };
        let value = |value: &'a Value| step(value).unwrap_or(&Value::Null);
        Self {
            before: value(self.before),
            after: value(self.after),
            unknown: mark(self.unknown),
            before_sensitive: mark(self.before_sensitive),
            after_sensitive: mark(self.after_sensitive),
        }
    }

    fn whole(value: &Value) -> bool {
        value == &Value::Bool(true)
    }
}

fn compare(path: String, sides: Sides<'_>, differences: &mut Vec<AttributeDifference>) {
    let sensitive = Sides::whole(sides.before_sensitive) || Sides::whole(sides.after_sensitive);
    if !sensitive && !Sides::whole(sides.unknown) {
        if let Some(keys) = keys(sides) {
            for key in keys {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                compare(path, sides.key(&key), differences);
            }
            return;
        }
        if let Some(length) = length(sides) {
            for index in 0..length {
                compare(format!("{path}[{index}]"), sides.index(index), differences);
            }
            return;
        }
    }
    let unknown = Sides::whole(sides.unknown);
    if !unknown && sides.before == sides.after {
        return;
    }
    let masked = |value: &Value| if sensitive && !value.is_null() { SENSITIVE.into() } else { value.clone() };
    let after = if unknown { UNKNOWN.into() } else { masked(sides.after) };
    differences.push(AttributeDifference { path, before: masked(sides.before), after, replaces: false });
}

/// The keys of both sides and of the unknown values, if one side is an object and the other is an object or null.
fn keys(sides: Sides<'_>) -> Option<Vec<String>> {
    if !matches!(
        (sides.before, sides.after),
        (Value::Object(_), Value::Object(_) | Value::Null) | (Value::Null, Value::Object(_))
    ) {
        return None;
    }
    let objects = [sides.before, sides.after, sides.unknown].into_iter().filter_map(Value::as_object);
    let keys: std::collections::BTreeSet<String> = objects.flat_map(|object| object.keys().cloned()).collect();
    Some(keys.into_iter().collect())
}

/// The length of the longest list, if both sides are lists.
fn length(sides: Sides<'_>) -> Option<usize> {
    let (Value::Array(before), Value::Array(after)) = (sides.before, sides.after) else { return None };
    let unknown = sides.unknown.as_array().map_or(0, Vec::len);
    Some(before.len().max(after.len()).max(unknown))
}

/// Formats a path: `["disk", 0, "size"]` as `disk[0].size`.
pub(super) fn path(steps: &[Value]) -> String {
    let text: String = steps
        .iter()
        .map(|step| match step {
            Value::String(key) => format!(".{key}"),
            step => format!("[{step}]"),
        })
        .collect();
    text.trim_start_matches('.').to_owned()
}

/// Reports whether `path` is `parent` or inside it.
fn below(path: &str, parent: &str) -> bool {
    path.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(change: &Value, action: Action, attributes: &[(&str, Value, Value, bool)]) {
        let shown = json!({"resource_changes": [{"address": "a.b", "mode": "managed", "change": change}]});
        let differences = differences(&shown.to_string()).unwrap();
        assert_eq!(differences.len(), 1);
        assert_eq!(differences[0].action, action);
        let differing: Vec<_> = differences[0]
            .attributes
            .iter()
            .map(|attribute| {
                let AttributeDifference { path, before, after, replaces } = attribute;
                (path.as_str(), before.clone(), after.clone(), *replaces)
            })
            .collect();
        assert_eq!(differing, attributes);
    }

    /// Taken from the output of Terraform 1.11.4 and the provider 0.111.1 for a storage and a virtual machine.
    #[test]
    fn attributes_are_found_masked_and_marked() {
        check(
            &json!({
                "actions": ["delete", "create"],
                "before": {"content": ["backup", "iso"], "disable": true, "id": "smb", "password": null, "share": "pve"},
                "after": {"disable": false, "id": "smb", "password": "canary", "share": "x"},
                "after_unknown": {"content": true},
                "before_sensitive": {"content": [false, false], "password": true},
                "after_sensitive": {"content": [], "password": true},
                "replace_paths": [["password"], ["share"]],
            }),
            Action::Replace,
            &[
                ("content", json!(["backup", "iso"]), json!(UNKNOWN), false),
                ("disable", json!(true), json!(false), false),
                ("password", json!(null), json!(SENSITIVE), true),
                ("share", json!("pve"), json!("x"), true),
            ],
        );
        check(
            &json!({
                "actions": ["update"],
                "before": {"disk": [{"size": 8, "ssd": false}], "initialization": [], "tags": ["a"]},
                "after": {"disk": [{"size": 8, "ssd": true}, {"size": 1}], "initialization": [], "tags": []},
                "after_unknown": {"disk": [{}, {"file_id": true}]},
                "before_sensitive": {},
                "after_sensitive": {},
            }),
            Action::Update,
            &[
                ("disk[0].ssd", json!(false), json!(true), false),
                ("disk[1].file_id", json!(null), json!(UNKNOWN), false),
                ("disk[1].size", json!(null), json!(1), false),
                ("tags[0]", json!("a"), json!(null), false),
            ],
        );
        check(&json!({"actions": ["create"], "before": null, "after": {"a": 1}}), Action::Create, &[]);
        check(&json!({"actions": ["delete"], "before": {"a": 1}, "after": null}), Action::Destroy, &[]);
        check(&json!({"actions": ["forget"], "before": {"a": 1}, "after": {"a": 1}}), Action::Other, &[]);
    }

    #[test]
    fn what_changes_nothing_is_no_difference() {
        let shown = json!({"resource_changes": [
            {"address": "a.b", "mode": "managed", "change": {"actions": ["no-op"], "before": {}, "after": {}}},
            {"address": "data.a.b", "mode": "data", "change": {"actions": ["read"], "before": null, "after": {}}},
        ]});
        assert_eq!(differences(&shown.to_string()).unwrap(), []);
        assert_eq!(differences("{}").unwrap(), []);
        assert!(differences("").is_err());
    }
}
