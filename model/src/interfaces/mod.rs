//! `/etc/network/interfaces` of a node, as Proxmox reads, checks, orders and writes it (`PVE::INotify`).
//!
//! The API answers what it reads from the file, and writes the whole file anew with each change. No recording has the
//! file itself, but the answer shows what it contained.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

mod check;
mod interface;
mod read;
mod write;

use interface::priority;
pub use interface::{Hardware, Interface, Interfaces, is_set, word};

/// Line of the file that includes the files of others.
const SOURCE: &str = "source /etc/network/interfaces.d/*";

impl Interfaces {
    /// The file that these interfaces were read from. Their priorities give the order; a missing number stands for a
    /// line of another kind. An interface without a priority is not in the file.
    pub fn from_answers(mut interfaces: BTreeMap<String, Interface>) -> Self {
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
        // One position is the loopback device's where the file does not have it.
        let place = (2..=i64::MAX).find(|place| !taken.contains(place)).unwrap_or_default();
        Self { interfaces, lines: vec![(place, SOURCE.to_owned())] }
    }

    /// Reads a file.
    pub fn read(text: &str, hardware: &Hardware) -> Self {
        read::read(text, hardware)
    }

    /// The text of the file before any change: Proxmox has not written it where the order is not Proxmox's, or where a
    /// card is missing.
    pub fn original_text(&self, hardware: &Hardware) -> String {
        write::original_text(self, hardware)
    }

    /// The text of the file as Proxmox writes it.
    ///
    /// # Errors
    ///
    /// The complaint with which Proxmox refuses to write it.
    pub fn write(&mut self) -> Result<String, String> {
        check::settle(&mut self.interfaces)?;
        Ok(write::text(self))
    }
}
