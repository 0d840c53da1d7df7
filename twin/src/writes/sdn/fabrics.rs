//! Fabrics of the virtual networks and their nodes (`PVE::Network::SDN::Fabrics`, `proxmox-ve-config`).

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::object::text;
use proxmox_mpc_model::property::Properties;
use proxmox_mpc_model::schema::Verb;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::fabric_rules::{Fabrics, Prefix};
use super::{fabric_rules, pending};
use crate::call::{Call, Refusal};
use crate::hexadecimal::hexadecimal;
use crate::state::{Row, Transaction};
use crate::writes::versions::same_digest;

/// Memory of the running fabrics.
const RUNNING: &str = "sdn/running/fabrics";

/// The six methods that write fabrics and nodes. They answer an empty text where others answer nothing (recorded).
pub(super) fn write(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (of_node, verb) = (call.method.path.contains("/node/"), call.method.verb);
    let doing = match verb {
        Verb::Post => "adding",
        Verb::Put => "updating",
        _ => "deleting",
    };
    let context = format!("{doing} {} failed", if of_node { "node" } else { "fabric" });
    let mut fabrics = Fabrics::read(transaction)?;
    let before = fabrics.clone();
    same_digest(call, &Row::from_iter([("digest".to_owned(), fabrics.digest().into())]), &context)?;
    let changed = match (verb, of_node) {
        (Verb::Post, false) => fabrics.add(call),
        (Verb::Put, false) => fabrics.update(call),
        (_, false) => fabrics.remove(transaction, call)?,
        (Verb::Post, true) => fabrics.add_node(call),
        (Verb::Put, true) => fabrics.update_node(call),
        (_, true) => fabrics.remove_node(call),
    };
    changed.and_then(|()| fabric_rules::check(&fabrics)).map_err(|why| Refusal::failed(why).within(&context))?;
    if transaction.recall(RUNNING).is_none() {
        before.run(transaction);
    }
    fabrics.store(transaction);
    Ok("".into())
}

/// Makes the configured fabrics the running ones.
pub(super) fn apply(transaction: &mut Transaction) -> Result<(), Refusal> {
    let fabrics = Fabrics::read(transaction)?;
    if fabrics.fabrics.is_empty() && transaction.recall(RUNNING).is_none() {
        return Ok(());
    }
    fabrics.run(transaction);
    fabrics.store(transaction);
    Ok(())
}

/// Makes the running fabrics the configured ones.
pub(super) fn roll_back(transaction: &mut Transaction) {
    if transaction.recall(RUNNING).is_some() {
        Fabrics::running(transaction).store(transaction);
    }
}

fn place(parts: &[&str]) -> ApiPath {
    ApiPath::new(["cluster", "sdn", "fabrics"].iter().chain(parts))
}

fn word(row: &Row, key: &str) -> String {
    row.get(key).and_then(text).unwrap_or_default()
}

fn no_fabric(id: &str) -> String {
    format!("fabric '{id}' does not exist in configuration")
}

impl Fabrics {
    /// Configured fabrics. Rows have no digest here: it is made of all of them.
    fn read(transaction: &Transaction) -> Result<Self, Refusal> {
        let rows = |list: &str| transaction.rows(&place(&[list]));
        Ok(Self::of(rows("fabric")?, rows("node")?))
    }

    /// Running fabrics.
    fn running(transaction: &Transaction) -> Self {
        let rows = |key: &str| {
            let memory = transaction.recall(RUNNING)?;
            serde_json::from_value(memory.get(key)?.clone()).ok()
        };
        Self::of(rows("fabrics").unwrap_or_default(), rows("nodes").unwrap_or_default())
    }

    fn of(fabrics: Vec<Row>, nodes: Vec<Row>) -> Self {
        let plain = |mut row: Row| {
            row.remove("digest");
            row
        };
        Self {
            fabrics: fabrics.into_iter().map(plain).map(|row| (word(&row, "id"), row)).collect(),
            nodes: nodes
                .into_iter()
                .map(plain)
                .map(|row| ((word(&row, "fabric_id"), word(&row, "node_id")), row))
                .collect(),
        }
    }

    fn run(&self, transaction: &mut Transaction) {
        let rows = json!({
            "fabrics": self.fabrics.values().collect::<Vec<_>>(), "nodes": self.nodes.values().collect::<Vec<_>>(),
        });
        transaction.remember(RUNNING, rows);
    }

    fn add(&mut self, call: &Call) -> Result<(), String> {
        let mut row = given(call);
        let id = word(&row, "id");
        if self.fabrics.contains_key(&id) {
            return Err(format!("fabric '{id}' already exists in config"));
        }
        for key in ["ip_prefix", "ip6_prefix"] {
            if let Some(prefix) = Prefix::parse(&word(&row, key)) {
                row.insert(key.to_owned(), prefix.network().into());
            }
        }
        self.fabrics.insert(id, row);
        Ok(())
    }

    fn update(&mut self, call: &Call) -> Result<(), String> {
        let id = call.text("id").unwrap_or_default();
        let fabric = self.fabrics.get_mut(&id).ok_or_else(|| no_fabric(&id))?;
        change(fabric, call)
    }

    fn remove(&mut self, transaction: &Transaction, call: &Call) -> Result<Result<(), String>, Refusal> {
        let id = call.text("id").unwrap_or_default();
        if !self.fabrics.contains_key(&id) {
            return Ok(Err(no_fabric(&id)));
        }
        let users = [
            ("controllers", "controller", "evpn", "EVPN controller", 243),
            ("zones", "zone", "vxlan", "VXLAN zone", 252),
        ];
        for (list, key, kind, called, line) in users {
            let rows = transaction.rows(&ApiPath::new(["cluster", "sdn", list]))?;
            let user = rows.iter().find(|row| word(row, "type") == kind && word(row, "fabric") == id);
            if let Some(user) = user {
                // The place in the message is Proxmox's.
                let place = format!("at /usr/share/perl5/PVE/API2/Network/SDN/Fabrics/Fabric.pm line {line}.");
                return Ok(Err(format!("this fabric is still used in the {called} \"{}\" {place}", word(user, key))));
            }
        }
        self.fabrics.remove(&id);
        self.nodes.retain(|(fabric, _), _| *fabric != id);
        Ok(Ok(()))
    }

    fn add_node(&mut self, call: &Call) -> Result<(), String> {
        let row = given(call);
        let (fabric, node) = (word(&row, "fabric_id"), word(&row, "node_id"));
        let protocol = self.fabrics.get(&fabric).map(|row| word(row, "protocol")).ok_or_else(|| no_fabric(&fabric))?;
        if protocol != word(&row, "protocol") {
            return Err("node has a different protocol than the referenced fabric".to_owned());
        }
        if self.nodes.contains_key(&(fabric.clone(), node.clone())) {
            return Err(format!("node '{node}' already exists in config for fabric {fabric}"));
        }
        self.nodes.insert((fabric, node), row);
        Ok(())
    }

    fn node_of(&self, call: &Call) -> Result<(String, String), String> {
        let [fabric, node] = ["fabric_id", "node_id"].map(|key| call.text(key).unwrap_or_default());
        if !self.fabrics.contains_key(&fabric) {
            return Err(no_fabric(&fabric));
        }
        let key = (fabric, node);
        if self.nodes.contains_key(&key) {
            return Ok(key);
        }
        Err(format!("node '{}' does not exist in fabric '{}'", key.1, key.0))
    }

    fn update_node(&mut self, call: &Call) -> Result<(), String> {
        let key = self.node_of(call)?;
        self.nodes.get_mut(&key).map_or(Ok(()), |node| change(node, call))
    }

    fn remove_node(&mut self, call: &Call) -> Result<(), String> {
        let key = self.node_of(call)?;
        self.nodes.remove(&key);
        Ok(())
    }

    /// SHA-256 of the whole configuration as Proxmox writes it in JSON: `proxmox-ve-config` keeps the nodes inside of
    /// their fabric.
    pub(super) fn digest(&self) -> String {
        let fabrics = self.fabrics.iter().map(|(id, fabric)| {
            let kind = if word(fabric, "protocol") == "ospf" { "Ospf" } else { "Openfabric" };
            let keys = ["protocol", "id", "ip_prefix", "ip6_prefix", "hello_interval", "csnp_interval", "area"];
            let nodes = self.nodes.iter().filter(|((of, _), _)| of == id).map(|((_, name), node)| {
                let mut node = node.clone();
                node.insert("id".to_owned(), format!("{id}_{name}").into());
                (name.clone(), ordered(&node, &["protocol", "id", "ip", "ip6", "interfaces"]))
            });
            let entry = [("fabric".to_owned(), ordered(fabric, &keys)), ("nodes".to_owned(), object(nodes))];
            (id.clone(), object([(kind.to_owned(), object(entry))]))
        });
        let whole = object([("fabrics".to_owned(), object(fabrics))]);
        hexadecimal(digest(&SHA256, whole.as_bytes()).as_ref())
    }

    /// Writes the answers about the configured fabrics. Only the list of fabrics lacks the digest.
    fn store(&self, transaction: &mut Transaction) {
        let digest = self.digest();
        let signed = |row: &Row| {
            let mut row = row.clone();
            row.insert("digest".to_owned(), digest.as_str().into());
            row
        };
        let running = Self::running(transaction);
        transaction.hide_below(&place(&[]));
        transaction.set(&place(&[]), json!([{ "subdir": "fabric" }, { "subdir": "node" }, { "subdir": "all" }]));
        let fabrics: Vec<Row> = self.fabrics.values().map(signed).collect();
        let nodes: Vec<Row> = self.nodes.values().map(signed).collect();
        transaction.set(&place(&["all"]), json!({ "fabrics": fabrics, "nodes": nodes }));
        transaction.set_rows(&place(&["fabric"]), self.fabrics.values().cloned().collect());
        transaction.set_rows(&place(&["node"]), nodes.clone());
        for fabric in &fabrics {
            let id = word(fabric, "id");
            let own: Vec<Row> = nodes.iter().filter(|node| word(node, "fabric_id") == id).cloned().collect();
            transaction.set_rows(&place(&["node", &id]), own);
            transaction.set(&place(&["fabric", &id]), fabric.clone());
        }
        let waiting = pending::compared("", &running.fabrics, &self.fabrics);
        transaction.set_rows(&place(&["fabric"]).with_query("pending", "1"), waiting.iter().map(signed).collect());
        transaction.set_rows(&place(&["fabric"]).with_query("running", "1"), running.fabrics.into_values().collect());
    }
}

/// Keys of a fabric or a node that a call gives.
fn given(call: &Call) -> Row {
    let mut row: Row = call.parameters.keys().filter_map(|key| Some((key.clone(), call.typed(key)?))).collect();
    row.retain(|key, _| !matches!(key.as_str(), "delete" | "digest" | "lock-token"));
    if let Some(Value::Array(interfaces)) = row.get_mut("interfaces") {
        for interface in interfaces {
            *interface = settled(interface);
        }
    }
    row
}

/// An interface with its properties in Proxmox's order.
fn settled(interface: &Value) -> Value {
    let text = text(interface).unwrap_or_default();
    let properties = Properties::parse(&text);
    let pairs = ["name", "hello_multiplier", "ip", "ip6"];
    let pairs = pairs.iter().filter_map(|key| Some(format!("{key}={}", properties.get(key)?)));
    pairs.collect::<Vec<_>>().join(",").into()
}

/// Sets the keys that a call gives in a fabric or a node, and removes those that it deletes.
fn change(row: &mut Row, call: &Call) -> Result<(), String> {
    let given = given(call);
    if word(row, "protocol") != word(&given, "protocol") {
        return Err("node has a different protocol than the referenced fabric".to_owned());
    }
    row.extend(given);
    for key in call.list("delete") {
        if key == "interfaces" {
            row.insert(key, json!([]));
        } else {
            row.remove(&key);
        }
    }
    Ok(())
}

/// An object in JSON with its keys in this order.
fn ordered(row: &Row, keys: &[&str]) -> String {
    object(keys.iter().filter_map(|key| Some(((*key).to_owned(), row.get(*key)?.to_string()))))
}

/// An object in JSON, its values written already.
fn object(pairs: impl IntoIterator<Item = (String, String)>) -> String {
    let pairs: Vec<String> = pairs.into_iter().map(|(key, value)| format!("{}:{value}", json!(key))).collect();
    format!("{{{}}}", pairs.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both digests are recorded (flows 382 and 384).
    #[test]
    fn the_digest_is_that_of_the_cluster() {
        let row = |value: Value| value.as_object().cloned().unwrap_or_default();
        let fabric = row(json!({"id": "f1", "ip_prefix": "10.88.0.0/24", "protocol": "openfabric"}));
        let mut fabrics = Fabrics::of(vec![fabric], Vec::new());
        assert_eq!(fabrics.digest(), "e412ba32a70536df8219c52b65cc3c32246f69d935fdacc7333970df8b4e6d03");
        let node = json!({
            "fabric_id": "f1", "node_id": "pve1", "protocol": "openfabric", "ip": "10.88.0.1", "interfaces": ["name=eno1"],
        });
        fabrics.nodes.insert(("f1".to_owned(), "pve1".to_owned()), row(node));
        assert_eq!(fabrics.digest(), "bc5c0dc18066a501773944452216a5fc944c25922c5019f9a962375f1c097f4c");
    }
}
