//! Removal of secrets from answers before they are stored, and from calls before they are reported: recordings are kept
//! and passed on.

use serde_json::{Map, Value};

use crate::ApiPath;
use crate::kinds::{Class, Key, Kind, Source};

/// Mask that Proxmox itself shows instead of a password (`cipassword`).
const MASK: &str = "**********";

/// Keys that are secrets of one kind, and something else in other answers (`data` is also the text of a hosts file,
/// `key` names a pending change): they are taken for a secret only where that kind is read.
const COMMON: [&str; 2] = ["data", "key"];

/// Secret keys whose value is an address: only the password in it is hidden.
const ADDRESSES: [&str; 1] = ["http_proxy"];

/// The placeholder of the secret under this key: `redacted-encryption-key`.
///
/// It depends on nothing but the key, so that it reveals nothing of the secret, and the same cluster gives the same
/// recording.
pub fn placeholder(key: &str) -> String {
    format!("redacted-{key}")
}

/// Table of the keys that hold secrets.
#[derive(Debug)]
pub struct Redactor {
    secrets: Vec<Secret>,
}

/// Key that holds a secret.
#[derive(Debug)]
struct Secret {
    key: &'static Key,
    /// The path below which it holds a secret, for a common word: `acme/plugins`.
    only: Option<&'static str>,
}

impl Redactor {
    /// The secret keys of these kinds. Each is taken for a secret wherever it occurs: one list can show objects of
    /// several kinds, and hiding too much does less harm.
    pub fn new(kinds: &[&Kind]) -> Self {
        let secrets = kinds.iter().flat_map(|kind| {
            let path = match &kind.source {
                Source::Listed(listed) => Some(listed.path),
                Source::Own { .. } => None,
            };
            let keys = kind.keys.iter().filter(|key| key.class == Class::Secret);
            keys.map(move |key| Secret { key, only: path.filter(|_| COMMON.contains(&key.name)) })
        });
        Self { secrets: secrets.collect() }
    }

    /// Replaces every secret in the data of an answer to this request, or in a part of them, by its placeholder.
    pub fn redact(&self, path: &ApiPath, value: &mut Value) {
        let path = path.segments().join("/");
        let secrets = self.secrets.iter().filter(|secret| secret.only.is_none_or(|only| path.contains(only)));
        SecretKeys { secrets: secrets.map(|secret| secret.key).collect() }.redact(value);
    }
}

/// Secret keys of one answer.
struct SecretKeys {
    secrets: Vec<&'static Key>,
}

impl SecretKeys {
    fn redact(&self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.redact(item)),
            Value::Object(keys) => self.object(keys),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn object(&self, keys: &mut Map<String, Value>) {
        // An item of a guest's `pending`: `{"key": "cipassword", "value": …, "pending": …}`.
        let named = keys.get("key").and_then(Value::as_str).filter(|name| self.is_secret(name)).map(str::to_owned);
        for (key, value) in keys {
            match &named {
                Some(name) if matches!(key.as_str(), "value" | "pending") => hide(name, value),
                _ if self.is_secret(key) => hide_secret(key, value),
                _ => self.redact(value),
            }
        }
    }

    fn is_secret(&self, key: &str) -> bool {
        self.secrets.iter().any(|secret| secret.matches(key))
    }
}

/// Replaces the value of a secret key by its placeholder, unless Proxmox masked it; of an address only the password.
pub(crate) fn hide_secret(key: &str, value: &mut Value) {
    if ADDRESSES.contains(&key) { hide_password(key, value) } else { hide(key, value) }
}

fn hide(key: &str, value: &mut Value) {
    let is_secret_item = match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty() && text != MASK,
        // Proxmox shows the secrets of a webhook as `name=token`.
        Value::Array(items) => {
            let named =
                |item: &Value| item.as_str().is_some_and(|text| text.starts_with("name=") && !text.contains(','));
            !items.iter().all(named)
        }
        _ => true,
    };
    if is_secret_item {
        *value = Value::String(placeholder(key));
    }
}

/// Hides the password in `http://user:password@host:port/`.
fn hide_password(key: &str, value: &mut Value) {
    let Some(text) = value.as_str() else { return };
    let Some((scheme, rest)) = text.split_once("://") else { return };
    let Some((login, host)) = rest.rsplit_once('@') else { return };
    let Some((user, _)) = login.split_once(':') else { return };
    *value = format!("{scheme}://{user}:{}@{host}", placeholder(key)).into();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Answer;
    use crate::kinds::KINDS;

    #[test]
    fn secrets_leave_every_shape_of_answer() {
        let redactor = Redactor::new(KINDS);
        let at = |path: &str, mut data: Value, expected: Value| {
            redactor.redact(&ApiPath::parse(path), &mut data);
            assert_eq!(data, expected);
        };
        let check = |data: Value, expected: Value| at("nodes/pve1/qemu/100/config", data, expected);
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
        check(
            json!({"realm": "sso", "client-key": "CANARY", "tfa": "type=yubico,key=CANARY"}),
            json!({"realm": "sso", "client-key": "redacted-client-key", "tfa": "redacted-tfa"}),
        );
        check(json!([{"userid": "a@pve", "keys": "x"}]), json!([{"userid": "a@pve", "keys": "redacted-keys"}]));
        let dns = json!([{"dns": "pdns", "key": "CANARY"}]);
        at("cluster/sdn/dns", dns, json!([{"dns": "pdns", "key": "redacted-key"}]));
        check(json!([{"key": "memory", "delete": 1}]), json!([{"key": "memory", "delete": 1}]));
        check(json!({"password": {"deep": ["CANARY"]}}), json!({"password": "redacted-password"}));
        check(json!({"password": null, "keyring": ""}), json!({"password": null, "keyring": ""}));
        check(json!({"password": "redacted-password"}), json!({"password": "redacted-password"}));
        let plugin = json!([{"plugin": "cf", "data": "CF_Token=CANARY"}]);
        at("cluster/acme/plugins", plugin, json!([{"plugin": "cf", "data": "redacted-data"}]));
        at("cluster/acme/plugins/cf", json!({"data": "CANARY"}), json!({"data": "redacted-data"}));
        at("nodes/pve1/hosts", json!({"data": "127.0.0.1 localhost"}), json!({"data": "127.0.0.1 localhost"}));
        check(json!({"secret": ["name=path", "name=b"]}), json!({"secret": ["name=path", "name=b"]}));
        check(json!({"secret": ["name=path,value=CANARY"]}), json!({"secret": "redacted-secret"}));
        let proxy = |text: &str| json!({"http_proxy": text});
        check(proxy("http://ada:CAN@ARY@host:1/"), proxy("http://ada:redacted-http_proxy@host:1/"));
        check(proxy("http://host:1/"), proxy("http://host:1/"));
        check(proxy("http://ada@host:1/"), proxy("http://ada@host:1/"));
    }

    #[test]
    fn a_refusal_keeps_its_words() {
        let answer = Answer::refusal(403, "Permission check failed (/vms/100, VM.Audit)");
        let mut redacted = answer.clone();
        for part in redacted.body.as_object_mut().unwrap().values_mut() {
            Redactor::new(KINDS).redact(&ApiPath::parse("nodes/pve1/qemu/100/config"), part);
        }
        assert_eq!(redacted, answer);
    }
}
