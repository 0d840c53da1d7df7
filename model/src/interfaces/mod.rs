//! `/etc/network/interfaces` of a node as Proxmox reads, checks, orders and writes it (`PVE::INotify`).
//!
//! The API answers what it reads of the file, and writes the whole file anew with each change. The file itself is on no
//! record, but what is read of it tells what stood in it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::object::text;

mod check;
mod read;
mod write;

/// An interface as the API answers it, without its name.
pub type Interface = Map<String, Value>;

/// What stands in the file beside interfaces: the line that takes in the files of others.
const SOURCE: &str = "source /etc/network/interfaces.d/*";

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interfaces {
    /// The interfaces by name, `lo` among them.
    pub interfaces: BTreeMap<String, Interface>,
    /// Lines that belong to no interface, each with its place among the interfaces.
    lines: Vec<(i64, String)>,
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

impl Interfaces {
    /// The file of which these interfaces were read. Their priorities tell the order; where a number is missing stood a
    /// line of another kind. What has no priority is not in the file.
    pub fn found(mut interfaces: BTreeMap<String, Interface>) -> Self {
        interfaces.retain(|_, interface| priority(interface).is_some());
        let of_two = interfaces.values().any(|interface| priority(interface) == Some(2));
        if !of_two && !interfaces.contains_key("lo") {
            // The list leaves out the loopback device, which the file begins with.
            let lo = json!({ "autostart": 1, "families": ["inet"], "method": "loopback", "priority": 2, "type": "loopback" });
            interfaces.insert("lo".to_owned(), lo.as_object().cloned().unwrap_or_default());
        }
        for (name, interface) in &mut interfaces {
            check::forget_named(name, interface);
            interface.remove("cidr");
            interface.remove("cidr6");
        }
        let taken: BTreeSet<i64> = interfaces.values().filter_map(priority).collect();
        // One is the loopback device's where the file does not have it.
        let place = (2..=i64::MAX).find(|place| !taken.contains(place)).unwrap_or_default();
        Self { interfaces, lines: vec![(place, SOURCE.to_owned())] }
    }

    /// Reads a file.
    pub fn read(text: &str, machine: &Machine) -> Self {
        read::read(text, machine)
    }

    /// The file as it was found: Proxmox has not written it where the order is not Proxmox's, or where a card is missing.
    pub fn text_as_found(&self, machine: &Machine) -> String {
        write::as_found(self, machine)
    }

    /// The file as Proxmox writes it, or why it does not.
    pub fn write(&mut self) -> Result<String, String> {
        check::settle(&mut self.interfaces)?;
        Ok(write::text(self))
    }
}

fn priority(interface: &Interface) -> Option<i64> {
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
fn numbered(name: &str, separator: char) -> Option<(&str, &str)> {
    let (parent, number) = name.rsplit_once(separator)?;
    (!parent.is_empty() && is_number(number)).then_some((parent, number))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
