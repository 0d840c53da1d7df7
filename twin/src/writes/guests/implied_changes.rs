//! Changes that come with a change of a virtual machine without being asked for: its boot order, and the hardware of
//! Windows.

use proxmox_mpc_model::drive::Drive;
use proxmox_mpc_model::property::Properties;
use proxmox_mpc_model::{list, machine};
use serde_json::json;

use super::drives;
use super::keys::word;
use super::stored_configuration::StoredConfiguration;
use crate::call::Call;
use crate::state::Row;

/// The values that a change implies.
pub(super) fn of(call: &Call, given: &Row, stored: &StoredConfiguration) -> Row {
    let taken = call.list("delete");
    let mut also = Row::new();
    if !given.contains_key("boot") && !taken.iter().any(|key| key == "boot") {
        also.extend(boot_order(given, &taken, &stored.keys).map(|order| ("boot".to_owned(), json!(order))));
    }
    let machine_is_said = given.contains_key("machine")
        || stored.pending.contains_key("machine")
        || taken.iter().any(|key| key == "machine");
    if let Some(ostype) = word(given, "ostype").filter(|_| !machine_is_said) {
        let pinned = machine::pinned(word(&stored.keys, "machine").as_deref(), &ostype);
        also.extend(pinned.map(|pinned| ("machine".to_owned(), json!(pinned))));
    }
    also
}

/// The boot order without the removed devices and with the new CDs. `None` where it stays.
fn boot_order(given: &Row, taken: &[String], keys: &Row) -> Option<String> {
    let boot = word(keys, "boot")?;
    let properties = Properties::parse(&boot);
    let before: Vec<&str> = list::items(properties.get("order")?).collect();
    let goes = |key: &str| taken.iter().any(|taken| taken == key) && keys.contains_key(key);
    let mut order: Vec<&str> = before.iter().copied().filter(|key| !goes(key)).collect();
    let is_disc = |value: &str| {
        let drive = Drive::parse(value);
        drive.is_cdrom() && !drive.is_cloudinit() && drive.stored().is_none_or(|volume| volume.name() != "cloudinit")
    };
    let discs = given.iter().filter(|(key, value)| drives::is_disk(key) && value.as_str().is_some_and(is_disc));
    for (key, _) in discs.filter(|(key, _)| !before.contains(&key.as_str())) {
        order.push(key);
    }
    if order == before {
        return None;
    }
    Some(if order.is_empty() { " ".to_owned() } else { format!("order={}", order.join(";")) })
}
