//! `/etc/network/interfaces` of a node as Proxmox reads, checks, orders and writes it (`PVE::INotify`).
//!
//! The API answers what it reads of the file, and writes the whole file anew with each change. The file itself is on no
//! record, but what is read of it tells what stood in it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

mod check;
mod interface;
mod read;
mod write;

use interface::priority;
pub use interface::{Interface, Interfaces, Machine, says, word};

/// What stands in the file beside interfaces: the line that takes in the files of others.
const SOURCE: &str = "source /etc/network/interfaces.d/*";

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
