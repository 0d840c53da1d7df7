//! Interfaces of a node as the API answers them, and the hardware of the node.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::object::text;

/// Interface as the API answers it, without its name.
pub type Interface = Map<String, Value>;

/// Contents of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interfaces {
    /// The interfaces by name, `lo` among them.
    pub interfaces: BTreeMap<String, Interface>,
    /// Lines that belong to no interface, each with its position among the interfaces.
    pub(super) lines: Vec<(i64, String)>,
}

/// State of the node that the file does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hardware {
    /// The network cards.
    pub cards: BTreeSet<String>,
    /// The interfaces that are up.
    pub up: BTreeSet<String>,
    /// The other names of interfaces, as the API answers them.
    pub other_names: BTreeMap<String, Value>,
}

impl Hardware {
    /// The state of the node, by the interfaces that it answered.
    pub fn of(interfaces: &BTreeMap<String, Interface>) -> Self {
        let mut hardware = Self::default();
        for (name, interface) in interfaces {
            if is_set(interface, "exists") && matches!(word(interface, "type").as_str(), "eth" | "OVSPort") {
                hardware.cards.insert(name.clone());
            }
            if is_set(interface, "active") {
                hardware.up.insert(name.clone());
            }
            if let Some(names) = interface.get("altnames") {
                hardware.other_names.insert(name.clone(), names.clone());
            }
        }
        hardware
    }
}

pub(super) fn priority(interface: &Interface) -> Option<i64> {
    interface.get("priority").and_then(Value::as_i64)
}

/// The text of a key, empty where it is absent.
pub fn word(interface: &Interface, key: &str) -> String {
    interface.get(key).and_then(text).unwrap_or_default()
}

/// Reports whether a key is present, and neither empty nor zero.
pub fn is_set(interface: &Interface, key: &str) -> bool {
    !matches!(word(interface, key).as_str(), "" | "0")
}

/// The name and the number of `eth0.5` (separated by `.`) and `eth0:5` (by `:`).
pub(super) fn numbered(name: &str, separator: char) -> Option<(&str, &str)> {
    let (parent, number) = name.rsplit_once(separator)?;
    (!parent.is_empty() && is_number(number)).then_some((parent, number))
}

pub(super) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
