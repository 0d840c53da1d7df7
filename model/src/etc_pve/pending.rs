//! Difference between the configured network and the applied one (`PVE::Network::SDN::pending_config`).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::sheet::Row;

/// Objects by their ids.
pub(super) type Objects = BTreeMap<String, Row>;

/// The applied objects of one kind.
pub(super) fn applied(running: &Value, word: &str) -> Objects {
    let objects = running.get(word).and_then(|kind| kind.get("ids")).and_then(Value::as_object);
    let objects = objects.into_iter().flatten();
    objects.filter_map(|(id, keys)| Some((id.clone(), keys.as_object()?.clone()))).collect()
}

/// Every object with its applied keys, its changes under `pending`, and its `state`: `new`, `changed` or `deleted`.
pub(super) fn difference(running: &Objects, configured: &Objects) -> Objects {
    let none = Row::new();
    let ids = running.keys().chain(configured.keys());
    let differ = |id: &String| {
        let (before, after) = (running.get(id).unwrap_or(&none), configured.get(id).unwrap_or(&none));
        (id.clone(), one(before, after))
    };
    ids.map(differ).collect()
}

fn one(before: &Row, after: &Row) -> Row {
    let mut keys: Row = before.iter().map(|(key, value)| (key.clone(), encoded(value))).collect();
    let mut pending = Row::new();
    let mut state = None;
    if after.is_empty() {
        state = Some("deleted");
    } else {
        for key in before.keys().filter(|key| !after.contains_key(*key)) {
            pending.insert(key.clone(), json!("deleted"));
            state = Some("changed");
        }
    }
    for (key, value) in after {
        let same = before.get(key).is_some_and(|before| comparable(before) == comparable(value));
        if !same {
            state = Some("changed");
        }
        if key == "type" || key == "vnet" {
            keys.insert(key.clone(), value.clone());
        } else if !same {
            pending.insert(key.clone(), encoded(value));
        }
    }
    if before.is_empty() {
        state = Some("new");
    }
    if let Some(state) = state {
        keys.insert("state".to_owned(), json!(state));
        keys.insert("pending".to_owned(), pending.into());
    }
    keys
}

/// A set of names, which is stored as an object, as the list that is shown.
pub(super) fn encoded(value: &Value) -> Value {
    match value {
        Value::Object(names) => json!(names.keys().map(String::as_str).collect::<Vec<_>>().join(",")),
        other => other.clone(),
    }
}

/// The text by which two values are compared.
fn comparable(value: &Value) -> String {
    match encoded(value) {
        Value::Array(items) => {
            let mut items: Vec<String> = items.iter().map(comparable).collect();
            items.sort();
            items.join(",")
        }
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_new_changed_deleted_or_the_same() {
        let check = |before: Value, after: Value, expected: Value| {
            let row = |value: &Value| value.as_object().cloned().unwrap_or_default();
            assert_eq!(Value::Object(one(&row(&before), &row(&after))), expected, "{before} {after}");
        };
        let same = json!({"type": "vlan", "mtu": 1500, "nodes": "a,b"});
        check(
            json!({"type": "vlan", "mtu": "1500", "nodes": {"b": 1, "a": 1}}),
            same.clone(),
            json!({"type": "vlan", "mtu": "1500", "nodes": "a,b"}),
        );
        check(json!({}), same, json!({"type": "vlan", "state": "new", "pending": {"mtu": 1500, "nodes": "a,b"}}));
        check(
            json!({"type": "vlan", "mtu": 1}),
            json!({}),
            json!({"type": "vlan", "mtu": 1, "state": "deleted", "pending": {}}),
        );
        check(
            json!({"type": "vlan", "mtu": 1, "tag": 2}),
            json!({"type": "vlan", "mtu": 3}),
            json!({"type": "vlan", "mtu": 1, "tag": 2, "state": "changed", "pending": {"mtu": 3, "tag": "deleted"}}),
        );
    }
}
