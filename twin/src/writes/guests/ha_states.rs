//! States of HA in the cluster's list of guests.

use proxmox_mpc_model::ApiPath;
use serde_json::json;

use super::guest::{Guest, resources};
use super::keys::word;
use crate::call::Refusal;
use crate::state::{Row, Transaction};

/// Makes a new guest a resource of HA.
pub(super) fn add(transaction: &mut Transaction, guest: &Guest, starts: bool) -> Result<(), Refusal> {
    let services = ApiPath::parse("cluster/ha/resources");
    let mut rows = transaction.rows(&services)?;
    let state = if starts { "started" } else { "stopped" };
    let keys = [("sid", guest.service()), ("state", state.to_owned()), ("type", guest.kind.service().to_owned())];
    rows.push(keys.into_iter().map(|(key, value)| (key.to_owned(), json!(value))).collect::<Row>());
    transaction.set_rows(&services, rows);
    Ok(())
}

/// Puts the states of HA's resources into the list, where a write changes them.
pub(in crate::writes) fn show(transaction: &mut Transaction) -> Result<(), Refusal> {
    let services = ApiPath::parse("cluster/ha/resources");
    let Some(before) = transaction.before(&services, "sid")? else { return Ok(()) };
    let now = transaction.rows(&services)?;
    let state = |sid: &str| {
        let row = now.iter().find(|row| word(row, "sid").as_deref() == Some(sid))?;
        Some(word(row, "state").unwrap_or_else(|| "started".to_owned()))
    };
    let after = now.iter().filter_map(|row| word(row, "sid"));
    let mut all: Vec<String> = before.into_iter().chain(after).collect();
    all.sort();
    all.dedup();
    for sid in all {
        let Some((kind, vmid)) = sid.split_once(':') else { continue };
        let id = format!("{}/{vmid}", if kind == "vm" { "qemu" } else { "lxc" });
        let Some(mut row) = transaction.row(&resources(), "id", &id)? else { continue };
        let (held, state) = (word(&row, "hastate"), state(&sid));
        if held == state {
            continue;
        }
        match state {
            Some(state) => drop(row.insert("hastate".to_owned(), json!(state))),
            None => drop(row.remove("hastate")),
        }
        transaction.put_row(&resources(), "id", row)?;
    }
    Ok(())
}
