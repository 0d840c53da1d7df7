//! Options of a node that have one answer each.

use proxmox_mpc_model::schema::Verb;
use serde_json::{Value, json};

use super::method::Write;
use crate::call::{Call, Refusal};
use crate::state::Transaction;

/// The methods of this file.
pub(super) static WRITES: &[Write] = &[
    Write { verb: Verb::Put, path: "/nodes/{node}/dns", run: set_dns },
    Write { verb: Verb::Put, path: "/nodes/{node}/time", run: set_time_zone },
];

/// `PUT dns`: writes `/etc/resolv.conf` anew; values that are not given are gone.
fn set_dns(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let mut given = call.given();
    given.insert("search".to_owned(), json!(call.required("search")?));
    transaction.set(&call.path, given);
    Ok(Value::Null)
}

fn set_time_zone(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let mut time = transaction.object(&call.path)?;
    time.insert("timezone".to_owned(), json!(call.required("timezone")?));
    transaction.set(&call.path, time);
    Ok(Value::Null)
}
