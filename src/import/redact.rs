//! Taking secrets out of answers before they are stored: a recording is made to be kept and to be passed on.

use proxmox_mpc_model::kinds::{Class, Key, Kind};
use serde_json::{Map, Value};

/// What Proxmox itself shows instead of a password (`cipassword`).
const MASK: &str = "**********";

/// What stands for the secret under this key: `redacted-encryption-key`.
///
/// It depends on nothing but the key, so that it tells nothing of the secret and the same cluster gives the same
/// recording.
pub fn placeholder(key: &str) -> String {
    format!("redacted-{key}")
}

/// Knows which keys hold secrets.
#[derive(Debug)]
pub struct Redactor {
    secrets: Vec<&'static Key>,
}

impl Redactor {
    /// Knows the secret keys of these kinds. Each is taken for a secret wherever it turns up: one list can show
    /// objects of several kinds, and a secret too many is the lesser evil.
    pub fn new(kinds: &[&Kind]) -> Self {
        let keys = kinds.iter().flat_map(|kind| kind.keys);
        Self { secrets: keys.filter(|key| key.class == Class::Secret).collect() }
    }

    /// Replaces every secret in an answer, or in a part of one, by its placeholder.
    pub fn redact(&self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.redact(item)),
            Value::Object(keys) => self.object(keys),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn object(&self, keys: &mut Map<String, Value>) {
        // An item of a guest's `pending`: `{"key": "cipassword", "value": …, "pending": …}`.
        let named = keys.get("key").and_then(Value::as_str).filter(|name| self.is_secret(name)).map(str::to_owned);
        // The key of a name server is a secret; in a list of what is pending, `key` names what the item is about.
        let item = ["value", "pending", "delete"].iter().any(|key| keys.contains_key(*key));
        for (key, value) in keys {
            match &named {
                _ if item && key == "key" => {}
                Some(name) if matches!(key.as_str(), "value" | "pending") => hide(name, value),
                _ if self.is_secret(key) => hide(key, value),
                _ => self.redact(value),
            }
        }
    }

    fn is_secret(&self, key: &str) -> bool {
        self.secrets.iter().any(|secret| secret.matches(key))
    }
}

fn hide(key: &str, value: &mut Value) {
    let told = match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty() && text != MASK,
        _ => true,
    };
    if told {
        *value = Value::String(placeholder(key));
    }
}

#[cfg(test)]
mod tests {
    use proxmox_mpc_model::Answer;
    use proxmox_mpc_model::kinds::KINDS;
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_leave_every_shape_of_answer() {
        let redactor = Redactor::new(KINDS);
        let check = |data: Value, expected: Value| {
            let mut answer = Answer::ok(data);
            redactor.redact(&mut answer.body);
            assert_eq!(answer, Answer::ok(expected));
        };
        check(
            json!({"cipassword": "CANARY", "ciuser": "ada"}),
            json!({"cipassword": "redacted-cipassword", "ciuser": "ada"}),
        );
        check(json!({"cipassword": MASK}), json!({"cipassword": MASK}));
        check(
            json!([{"storage": "pbs", "encryption-key": "CA:NA:RY"}, {"storage": "local"}]),
            json!([{"storage": "pbs", "encryption-key": "redacted-encryption-key"}, {"storage": "local"}]),
        );
        check(
            json!([{"key": "cipassword", "value": "CANARY", "pending": "CANARY2"}, {"key": "name", "value": "web"}]),
            json!([
                {"key": "cipassword", "value": "redacted-cipassword", "pending": "redacted-cipassword"},
                {"key": "name", "value": "web"}
            ]),
        );
        check(json!([{"dns": "pdns", "key": "CANARY"}]), json!([{"dns": "pdns", "key": "redacted-key"}]));
        check(json!([{"key": "memory", "delete": 1}]), json!([{"key": "memory", "delete": 1}]));
        check(json!({"password": {"deep": ["CANARY"]}}), json!({"password": "redacted-password"}));
        check(json!({"password": null, "keyring": ""}), json!({"password": null, "keyring": ""}));
        check(json!({"password": "redacted-password"}), json!({"password": "redacted-password"}));
    }

    #[test]
    fn a_refusal_keeps_its_words() {
        let mut answer = Answer::refusal(403, "Permission check failed (/vms/100, VM.Audit)");
        Redactor::new(KINDS).redact(&mut answer.body);
        assert_eq!(answer, Answer::refusal(403, "Permission check failed (/vms/100, VM.Audit)"));
    }
}
