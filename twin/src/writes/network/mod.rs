//! The network of a node: its file of interfaces, the changes of it that wait, and the reload that applies them
//! (`PVE::API2::Network`).

use proxmox_mpc_model::schema::Verb;
use serde_json::Value;

use super::method::Write;
use crate::call::{Call, Refusal};
use crate::state::Transaction;

mod difference;
mod files;
mod interface;

use files::Network;

/// The methods of this file.
pub(super) static WRITES: &[Write] = &[
    Write { verb: Verb::Post, path: "/nodes/{node}/network", run: interface::create },
    Write { verb: Verb::Put, path: "/nodes/{node}/network/{iface}", run: interface::update },
    Write { verb: Verb::Delete, path: "/nodes/{node}/network/{iface}", run: interface::remove },
    Write { verb: Verb::Delete, path: "/nodes/{node}/network", run: revert },
    Write { verb: Verb::Put, path: "/nodes/{node}/network", run: reload },
];

/// Forgets the changes that wait.
fn revert(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let node = call.node();
    let mut network = Network::of(transaction, &node)?;
    network.waiting = None;
    network.store(transaction, &node);
    Ok(Value::Null)
}

/// Applies the changes that wait.
fn reload(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let node = call.node();
    let mut network = Network::of(transaction, &node)?;
    transaction.task(call, &node, "srvreload", "networking", |transaction, _| {
        if let Some(waiting) = network.waiting.take() {
            network.current = waiting;
            network.bring_up();
        }
        network.store(transaction, &node);
        Ok(())
    })
}
