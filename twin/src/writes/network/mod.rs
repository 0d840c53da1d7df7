//! The network of a node: its file of interfaces, the changes of it that wait, and the reload that applies them
//! (`PVE::API2::Network`).

use std::collections::BTreeMap;

use proxmox_mpc_model::interfaces::{Hardware, Interface, Interfaces};
use proxmox_mpc_model::object::text;
use proxmox_mpc_model::schema::Verb;
use proxmox_mpc_model::{Answer, Answers, ApiPath};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Call, Refusal, Write};
use crate::state::Transaction;

mod difference;
mod interface;

/// The methods of this file.
pub(super) static WRITES: &[Write] = &[
    Write { verb: Verb::Post, path: "/nodes/{node}/network", run: interface::create },
    Write { verb: Verb::Put, path: "/nodes/{node}/network/{iface}", run: interface::update },
    Write { verb: Verb::Delete, path: "/nodes/{node}/network/{iface}", run: interface::remove },
    Write { verb: Verb::Delete, path: "/nodes/{node}/network", run: revert },
    Write { verb: Verb::Put, path: "/nodes/{node}/network", run: reload },
];

/// The file in one of its versions.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Version {
    text: String,
    /// When it was written, in seconds since 1970.
    written: i64,
}

/// What is remembered of a node's network.
#[derive(Debug, Serialize, Deserialize)]
struct Network {
    /// `/etc/network/interfaces`.
    current: Version,
    /// `/etc/network/interfaces.new`, where there is one.
    waiting: Option<Version>,
    /// The answers of the interfaces as recorded: what they say of the machine counts.
    found: BTreeMap<String, Interface>,
}

fn list(node: &str) -> ApiPath {
    ApiPath::new(["nodes", node, "network"])
}

impl Network {
    /// What is remembered of a node, or else what its recorded answers tell.
    fn of(transaction: &Transaction, node: &str) -> Result<Self, Refusal> {
        if let Some(memory) = transaction.recall(&memory(node)) {
            return serde_json::from_value(memory).map_err(|error| Refusal::failed(format!("the twin: {error}")));
        }
        let list = list(node);
        if transaction.get(&list)?.is_some_and(|answer| answer.body.get("changes").is_some()) {
            return Err(Refusal::beyond_the_twin("change a network of which changes waited when it was recorded"));
        }
        let mut found: BTreeMap<String, Interface> = BTreeMap::new();
        for mut row in transaction.rows(&list)? {
            let name = row.remove("iface").as_ref().and_then(text).unwrap_or_default();
            found.insert(name, row);
        }
        let lo = transaction.object(&ApiPath::new(["nodes", node, "network", "lo"]))?;
        if !lo.is_empty() {
            found.insert("lo".to_owned(), lo);
        }
        let text = Interfaces::from_answers(found.clone()).original_text(&Hardware::of(&found));
        Ok(Self { current: Version { text, written: transaction.now() }, waiting: None, found })
    }

    /// What the file says that counts next: the one that waits, if there is one.
    fn interfaces(&self) -> Interfaces {
        let version = self.waiting.as_ref().unwrap_or(&self.current);
        Interfaces::read(&version.text, &Hardware::of(&self.found))
    }

    /// Writes the interfaces to the file that waits.
    fn write(&mut self, transaction: &Transaction, mut interfaces: Interfaces) -> Result<(), Refusal> {
        let text = interfaces.write().map_err(Refusal::failed)?;
        self.waiting = Some(Version { text, written: transaction.now() });
        Ok(())
    }

    /// The difference that an answer shows while changes wait.
    fn changes(&self) -> Option<String> {
        let waiting = self.waiting.as_ref()?;
        let hunks = difference::hunks(&self.current.text, &waiting.text)?;
        let file = "/etc/network/interfaces";
        let (before, after) = (moment(self.current.written), moment(waiting.written));
        Some(format!("--- {file}\t{before}\n+++ {file}.new\t{after}\n{hunks}"))
    }

    /// Answers with what is in the files, and remembers it.
    fn store(&self, transaction: &mut Transaction, node: &str) {
        let list = list(node);
        let machine = Hardware::of(&self.found);
        transaction.hide_below(&list);
        let mut rows = Vec::new();
        for (name, mut interface) in self.interfaces().interfaces {
            if let Some(names) = machine.other_names.get(&name) {
                interface.insert("altnames".to_owned(), names.clone());
            }
            if name == "lo" {
                transaction.set(&ApiPath::new(["nodes", node, "network", "lo"]), interface);
                continue;
            }
            interface.insert("iface".to_owned(), name.into());
            rows.push(Value::Object(interface));
        }
        let mut answer = Answer::ok(rows.into());
        if let Some(changes) = self.changes() {
            answer.body["changes"] = changes.into();
        }
        transaction.set_answer(&list, answer);
        transaction.remember(&memory(node), json!(self));
    }
}

fn memory(node: &str) -> String {
    format!("network/{node}")
}

/// `2026-11-23 09:23:30.000000000 +0000`.
fn moment(seconds: i64) -> String {
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds.unsigned_abs());
    let date = httpdate::fmt_http_date(time);
    let words: Vec<&str> = date.split_whitespace().collect();
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months.iter().position(|month| words.get(2) == Some(month)).unwrap_or_default() + 1;
    let word = |index: usize| words.get(index).copied().unwrap_or_default();
    format!("{}-{month:02}-{} {}.000000000 +0000", word(3), word(1), word(4))
}

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

impl Network {
    /// Interfaces that start by themselves are up after a reload, others are not. On a node of which they were not up
    /// when it was recorded, they stay down.
    fn bring_up(&mut self) {
        let starts = |interface: &Interface| interface.get("autostart").and_then(text).as_deref() == Some("1");
        let is_up = |interface: &Interface| interface.contains_key("active");
        let comes_up = self.found.iter().any(|(name, interface)| name != "lo" && starts(interface) && is_up(interface));
        if !comes_up {
            return;
        }
        for (name, interface) in self.interfaces().interfaces {
            if starts(&interface) {
                self.found.entry(name).or_default().insert("active".to_owned(), json!(1));
            }
        }
    }
}
