//! Objects of a cluster: their identities, their keys, their lists, and those that were not read.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::api::ApiPath;
use crate::not_read::{NotRead, Reasons};

/// Identity of an object for as long as it exists, whatever its name: `qemu/101`, `storage/local`, `pool/prod`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Identity(String);

impl Identity {
    /// The identity of the object `id` among the objects called `prefix` (`qemu`, `101`).
    pub fn new(prefix: &str, id: impl fmt::Display) -> Self {
        Self(format!("{prefix}/{id}"))
    }

    /// The whole text: `qemu/101`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The prefix, before the first slash: `qemu`.
    pub fn prefix(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(prefix, _)| prefix)
    }

    /// The id, after the first slash: `101`, and `prod/web` of a nested pool.
    pub fn id(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, id)| id)
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Entry of a list: enough to choose an object, to name it and to ask for the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its identity.
    pub identity: Identity,
    /// The name that people gave it; `None` where it has none and Proxmox invents one (`VM 105`).
    pub name: Option<String>,
    /// The node that it is on; `None` where it is not on one.
    pub node: Option<String>,
    /// The pool that it is a member of.
    pub pool: Option<String>,
    /// Its tags, in Proxmox's order.
    pub tags: Vec<String>,
}

/// Object with every key that Proxmox shows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its entry in the list.
    pub entry: Entry,
    /// Proxmox's keys and values, unchanged.
    pub keys: Map<String, Value>,
}

impl Object {
    /// The value of a key as text: strings as they are, numbers as Proxmox prints them, `None` where absent.
    pub fn text(&self, key: &str) -> Option<String> {
        self.keys.get(key).and_then(text)
    }
}

/// A JSON scalar as the text that Proxmox's configuration has; `None` for null, lists and objects.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(if *flag { "1" } else { "0" }.to_owned()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Object that exists but was not read, or list of a kind that is not complete.
///
/// As JSON it has its sentence beside the typed reasons: `{"identity": …, "reason": …, "causes": […], "more": 0}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(into = "UnreadForm", from = "UnreadForm")]
#[schemars(with = "UnreadForm")]
pub struct Unread {
    /// The object; the prefix of the kind followed by `/*` for its list.
    pub identity: Identity,
    /// The reasons.
    pub reasons: Reasons,
}

impl Unread {
    /// An object, and the reason why it was not read.
    pub fn object(identity: Identity, reason: NotRead) -> Self {
        Self { identity, reasons: reason.into() }
    }

    /// The list of the kind with this prefix, and the reasons why it is not complete.
    pub fn list(prefix: &str, reasons: Reasons) -> Self {
        Self { identity: Identity::new(prefix, "*"), reasons }
    }

    /// Reports whether this is about a list of a kind, not about one object.
    pub fn is_list(&self) -> bool {
        self.identity.id() == "*"
    }

    /// The requests that were not answered, or whose answers are no use.
    pub fn requests(&self) -> impl Iterator<Item = &ApiPath> {
        self.reasons.causes.iter().filter_map(NotRead::request)
    }

    /// The sentence of the reasons.
    pub fn reason(&self) -> String {
        match &self.reasons.causes[..] {
            [cause] if !self.is_list() => cause.of_object(),
            _ => self.reasons.to_string(),
        }
    }
}

/// JSON form of [`Unread`].
#[derive(Serialize, Deserialize, JsonSchema)]
struct UnreadForm {
    identity: Identity,
    reason: String,
    #[serde(flatten)]
    reasons: Reasons,
}

impl From<Unread> for UnreadForm {
    fn from(unread: Unread) -> Self {
        Self { reason: unread.reason(), identity: unread.identity, reasons: unread.reasons }
    }
}

impl From<UnreadForm> for Unread {
    fn from(form: UnreadForm) -> Self {
        Self { identity: form.identity, reasons: form.reasons }
    }
}

/// List of the objects of one kind, as far as this login sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The objects, in the order of their identities.
    pub entries: Vec<Entry>,
    /// Reasons why objects may be missing; `None` where the list is complete and was read with sufficient privilege, so
    /// that an object which it lacks is gone.
    pub incomplete: Option<Reasons>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn unread_objects_have_a_sentence_in_json_and_are_read_back() {
        let check = |unread: Unread, expected: Value| {
            let form = serde_json::to_value(&unread).unwrap();
            assert_eq!(form, expected);
            assert_eq!(serde_json::from_value::<Unread>(form).unwrap(), unread);
        };
        let refused = NotRead::refused(ApiPath::parse("pools"), 403, "x (/pool/a, Pool.Audit)".to_owned());
        let missing = json!({"privilege": "Pool.Audit", "path": "/pool/a"});
        let cause = json!({
            "cause": "refused", "request": "pools", "status": 403, "reason": "x (/pool/a, Pool.Audit)", "missing": missing,
        });
        check(
            Unread::object(Identity::new("pool", "a"), refused.clone()),
            json!({"identity": "pool/a", "reason": "403 x (/pool/a, Pool.Audit)", "causes": [cause], "more": 0}),
        );
        let reasons = Reasons::of([NotRead::NoNodeOnline, refused]).unwrap();
        let sentence = "`pools`: 403 x (/pool/a, Pool.Audit); no node is online";
        let causes = json!([cause, {"cause": "no_node_online"}]);
        check(
            Unread::list("pool", reasons),
            json!({"identity": "pool/*", "reason": sentence, "causes": causes, "more": 0}),
        );
    }
}
