//! Files of a node's network: the interfaces in force, the changes that wait, and the answers that follow from them.

use std::collections::BTreeMap;

use proxmox_mpc_model::interfaces::{Hardware, Interface, Interfaces};
use proxmox_mpc_model::object::text;
use proxmox_mpc_model::{Answer, Answers, ApiPath};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::difference;
use crate::call::Refusal;
use crate::state::Transaction;

/// The file in one of its versions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Version {
    text: String,
    /// Time at which it was written, in seconds since 1970.
    written: i64,
}

/// Memory of a node's network.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Network {
    /// `/etc/network/interfaces`.
    pub(super) current: Version,
    /// `/etc/network/interfaces.new`, where there is one.
    pub(super) waiting: Option<Version>,
    /// Recorded answers of the interfaces: what they say of the node's hardware counts.
    found: BTreeMap<String, Interface>,
}

fn list(node: &str) -> ApiPath {
    ApiPath::new(["nodes", node, "network"])
}

impl Network {
    /// Memory of a node's network, or else the network that its recorded answers describe.
    pub(super) fn of(transaction: &Transaction, node: &str) -> Result<Self, Refusal> {
        if let Some(memory) = transaction.recall(&memory(node)) {
            return serde_json::from_value(memory).map_err(|error| Refusal::by_the_twin(&error));
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

    /// Interfaces of the file that counts next: the one that waits, if there is one.
    pub(super) fn interfaces(&self) -> Interfaces {
        let version = self.waiting.as_ref().unwrap_or(&self.current);
        Interfaces::read(&version.text, &Hardware::of(&self.found))
    }

    /// Writes the interfaces to the file that waits.
    pub(super) fn write(&mut self, transaction: &Transaction, mut interfaces: Interfaces) -> Result<(), Refusal> {
        let text = interfaces.write().map_err(Refusal::failed)?;
        self.waiting = Some(Version { text, written: transaction.now() });
        Ok(())
    }

    /// The difference that an answer shows while changes wait.
    pub(super) fn changes(&self) -> Option<String> {
        let waiting = self.waiting.as_ref()?;
        let hunks = difference::hunks(&self.current.text, &waiting.text)?;
        let file = "/etc/network/interfaces";
        let (before, after) = (moment(self.current.written), moment(waiting.written));
        Some(format!("--- {file}\t{before}\n+++ {file}.new\t{after}\n{hunks}"))
    }

    /// Writes the answers that follow from the files, and remembers the files.
    pub(super) fn store(&self, transaction: &mut Transaction, node: &str) {
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

    /// Brings interfaces with `autostart` up, as a reload does. On a node where they were down when it was recorded,
    /// they stay down.
    pub(super) fn bring_up(&mut self) {
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

fn memory(node: &str) -> String {
    format!("network/{node}")
}

/// A time as `diff` prints it: `2026-11-23 09:23:30.000000000 +0000`.
fn moment(seconds: i64) -> String {
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds.unsigned_abs());
    let date = httpdate::fmt_http_date(time);
    let words: Vec<&str> = date.split_whitespace().collect();
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months.iter().position(|month| words.get(2) == Some(month)).unwrap_or_default() + 1;
    let word = |index: usize| words.get(index).copied().unwrap_or_default();
    format!("{}-{month:02}-{} {}.000000000 +0000", word(3), word(1), word(4))
}
