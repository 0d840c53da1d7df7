//! Backup jobs: rules that the schema does not have (`PVE::API2::Backup`).

use proxmox_mpc_model::object::text;
use proxmox_mpc_model::property::Properties;
use serde_json::Value;

use crate::call::{Call, Refusal};
use crate::state::{Row, Transaction};

/// Checks the choice of guests: a job needs one, and only one.
pub(super) fn settle(
    transaction: &Transaction,
    call: &Call,
    row: &mut Row,
    before: Option<&Row>,
) -> Result<(), Refusal> {
    if before.is_none() {
        if call.text("schedule").is_none() && call.text("starttime").is_none() {
            return Err(Refusal::parameter("schedule", "neither 'starttime' nor 'schedule' were set"));
        }
        row.entry("id").or_insert_with(|| transaction.made_up_uuid().into());
        row.insert("type".to_owned(), "vzdump".into());
        row.entry("enabled").or_insert(1.into());
    }
    for key in ["fleecing", "performance", "prune-backups"] {
        if let Some(Value::String(text)) = row.get(key) {
            let opened = opened(text, key == "fleecing");
            row.insert(key.to_owned(), opened);
        }
    }
    let chosen = |key: &str| row.get(key).and_then(text).is_some_and(|value| value != "0");
    for (first, second) in [("all", "vmid"), ("all", "pool"), ("vmid", "pool"), ("exclude", "vmid")] {
        if chosen(first) && chosen(second) {
            return Err(Refusal::nested("", first, &format!("option conflicts with option '{second}'")));
        }
    }
    if !["all", "vmid", "pool"].iter().any(|key| chosen(key)) {
        return Err(Refusal::nested("", "vmid", "property is missing"));
    }
    Ok(())
}

/// A property string as the object that a job shows; only fleecing shows its switch as a number.
fn opened(text: &str, with_numbers: bool) -> Value {
    let properties = Properties::parse(text);
    let pairs = properties.iter().map(|(key, value)| {
        let key = key.unwrap_or("enabled").to_owned();
        let value = match value.parse::<i64>() {
            Ok(number) if with_numbers => number.into(),
            _ => Value::from(value),
        };
        (key, value)
    });
    Value::Object(pairs.collect())
}
