//! Requests to the HA manager: to look after a resource, and to move one.

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::object::text;

use crate::call::Refusal;
use crate::state::Transaction;
use crate::writes::schedule::{self, Work};

/// Time until the manager acts, in seconds.
const ROUND: i64 = 10;

/// Asks the manager to look after a resource: `vm:100`.
pub(in crate::writes) fn wake(transaction: &mut Transaction, sid: &str) {
    schedule::later(transaction, ROUND, &Work::Manage { sid: sid.to_owned() });
}

/// Asks the manager for a move, as `ha-manager migrate` does.
pub(super) fn ask_to_migrate(transaction: &mut Transaction, sid: &str, node: &str, relocate: bool) {
    let work = Work::Move { sid: sid.to_owned(), node: node.to_owned(), relocate };
    schedule::later(transaction, ROUND, &work);
}

/// The id of a resource: `vm:101` of `101` and `vm:101`; the number alone means whichever guest has it.
pub(in crate::writes) fn sid(transaction: &Transaction, given: &str) -> Result<String, Refusal> {
    if given.contains(':') {
        return Ok(given.to_owned());
    }
    let guests = transaction.rows(&ApiPath::parse("cluster/resources"))?;
    let guest = guests.iter().find(|row| row.get("vmid").and_then(text).is_some_and(|vmid| vmid == given));
    let container = guest.is_some_and(|row| row.get("type").is_some_and(|kind| kind == "lxc"));
    Ok(format!("{}:{given}", if container { "ct" } else { "vm" }))
}
