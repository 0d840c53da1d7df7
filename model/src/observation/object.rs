//! State of one object in an observation, and its canonical JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::names;
use super::values;
use crate::kinds::{Class, Kind, Location};
use crate::{Identity, Object, redact};

/// State of one object: what people set, as Proxmox says it.
///
/// Its fields stand in the order of the alphabet, as they do in its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectState {
    /// Its identity.
    pub identity: Identity,
    /// The keys of its configuration. Each value is text, or a list or map of such: Proxmox writes the same number now as
    /// a number, now as text. Words in an order without meaning are sorted, property strings are whole.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<String, Value>,
    /// The name that people gave it, of guests only: other names are part of the identity, or of a guest's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The node that it is on; `None` where it is not on one, or belongs to a guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

impl ObjectState {
    /// The state of an object of this kind: its configuration without measurements and moments.
    pub(super) fn of(kind: &Kind, object: Object) -> Self {
        let Object { entry, keys } = object;
        let configured = keys.into_iter().filter_map(|(name, mut value)| {
            let key = kind.key(&name);
            if key.is_some_and(|key| key.class == Class::Secret) {
                // A recording has placeholders already; answers of another origin may not.
                redact::hide_secret(&name, &mut value);
            }
            let is_volatile = key.is_some_and(|key| key.class == Class::Volatile);
            let value = if is_volatile { None } else { values::canonical(key.map(|key| key.form), value) }?;
            Some((name, value))
        });
        let keys = configured.collect();
        let of_guest = matches!(kind.at(&entry.identity), Some(at) if matches!(at.location, Location::Guest(..)))
            || kind.prefix == "membership";
        let name = entry.name.filter(|_| names::is_guest(&entry.identity));
        Self { identity: entry.identity, keys, name, node: entry.node.filter(|_| !of_guest) }
    }

    /// The canonical JSON: keys sorted, a key on each line, a line end behind the last. The same state gives the same
    /// bytes.
    ///
    /// # Panics
    /// Never: texts, lists and maps of texts are always JSON.
    pub fn json(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("texts, lists and maps of texts are always JSON");
        text + "\n"
    }

    /// Digest of the canonical JSON: the first 128 bits of its SHA-256, in hexadecimal.
    pub fn digest(&self) -> String {
        digest(&self.json())
    }
}

/// Digest of a canonical JSON; see [`ObjectState::digest`].
pub(super) fn digest(json: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(json.as_bytes()).into();
    let bits = digest.iter().take(16).fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    format!("{bits:032x}")
}
