//! Interfaces of a node as the API answers them, and the machine that they are of.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::object::text;

/// An interface as the API answers it, without its name.
pub type Interface = Map<String, Value>;

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interfaces {
    /// The interfaces by name, `lo` among them.
    pub interfaces: BTreeMap<String, Interface>,
    /// Lines that belong to no interface, each with its place among the interfaces.
    pub(super) lines: Vec<(i64, String)>,
}

/// What the file does not say, and the machine does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// The network cards that are there.
    pub cards: BTreeSet<String>,
    /// The interfaces that are up.
    pub up: BTreeSet<String>,
    /// The other names of interfaces, as the API answers them.
    pub other_names: BTreeMap<String, Value>,
}

impl Machine {
    /// What the answered interfaces tell of their machine.
    pub fn of(interfaces: &BTreeMap<String, Interface>) -> Self {
        let mut machine = Self::default();
        for (name, interface) in interfaces {
            if says(interface, "exists") && matches!(word(interface, "type").as_str(), "eth" | "OVSPort") {
                machine.cards.insert(name.clone());
            }
            if says(interface, "active") {
                machine.up.insert(name.clone());
            }
            if let Some(names) = interface.get("altnames") {
                machine.other_names.insert(name.clone(), names.clone());
            }
        }
        machine
    }
}

pub(super) fn priority(interface: &Interface) -> Option<i64> {
    interface.get("priority").and_then(Value::as_i64)
}

/// A key as text, empty where it is not there.
pub fn word(interface: &Interface, key: &str) -> String {
    interface.get(key).and_then(text).unwrap_or_default()
}

/// Whether a key is there, and neither empty nor zero.
pub fn says(interface: &Interface, key: &str) -> bool {
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
