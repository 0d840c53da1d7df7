//! Members of the cluster (`corosync.conf`): blocks in braces that hold `key: value` lines.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::sheet::{Row, Sheet, row, rows, with};
use super::tree::Tree;
use super::words::lines;

/// Contents of the file: the options of the protocol, and the nodes by their order.
#[derive(Debug, Default)]
pub(super) struct Corosync {
    totem: Row,
    nodes: Vec<Row>,
}

/// Reads the file; `None` for a node that is in no cluster.
pub(super) fn read(tree: &Tree, sheet: &mut Sheet) -> Option<Corosync> {
    let file = tree.get("corosync.conf")?;
    let mut corosync = Corosync::default();
    let mut blocks: Vec<(String, Row)> = Vec::new();
    for (number, line) in lines(&file.text) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_suffix('{') {
            blocks.push((name.trim().to_owned(), Row::new()));
        } else if line == "}" {
            let Some((name, keys)) = blocks.pop() else { continue };
            corosync.close(&name, keys, blocks.last_mut());
        } else if let (Some((key, value)), Some((_, keys))) = (line.split_once(':'), blocks.last_mut()) {
            keys.insert(key.trim().to_owned(), json!(value.trim()));
        } else {
            sheet.warn("corosync.conf", number, "ignored, since it is not a `key: value` line in a block");
        }
    }
    Some(corosync)
}

impl Corosync {
    fn close(&mut self, name: &str, keys: Row, outer: Option<&mut (String, Row)>) {
        match (name, outer) {
            ("totem", None) => self.totem.extend(keys),
            // Interfaces have numbers as ids.
            ("interface", Some((_, totem))) => {
                let number = keys.get("linknumber").and_then(Value::as_str).unwrap_or("0").to_owned();
                let interfaces = totem.entry("interface").or_insert_with(|| Map::new().into());
                interfaces[number] = keys.into();
            }
            ("node", Some((outer, _))) if outer == "nodelist" => self.nodes.push(keys),
            _ => {}
        }
    }

    /// The names of the nodes.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().filter_map(name)
    }
}

fn name(keys: &Row) -> Option<&str> {
    keys.get("name").or_else(|| keys.get("ring0_addr")).and_then(Value::as_str)
}

/// Answers `cluster/status` and `cluster/config`; the first node is the one that answers.
pub(super) fn answer(corosync: Option<&Corosync>, nodes: &[String], sheet: &mut Sheet) {
    let text = |keys: &Row, key: &str| keys.get(key).and_then(Value::as_str).map(str::to_owned);
    let mut status = Vec::new();
    if let Some(corosync) = corosync {
        let version = text(&corosync.totem, "config_version").and_then(|version| version.parse::<u64>().ok());
        status.push(row([
            ("id", json!("cluster")),
            ("type", json!("cluster")),
            ("name", json!(text(&corosync.totem, "cluster_name"))),
            ("nodes", json!(nodes.len())),
            ("quorate", json!(1)),
            ("version", json!(version.unwrap_or(1))),
        ]));
    }
    for (index, node) in nodes.iter().enumerate() {
        let keys = corosync.and_then(|corosync| corosync.nodes.iter().find(|keys| name(keys) == Some(node)));
        let number = keys.and_then(|keys| text(keys, "nodeid")).and_then(|number| number.parse::<u64>().ok());
        let mut entry = row([
            ("id", json!(format!("node/{node}"))),
            ("type", json!("node")),
            ("name", json!(node)),
            ("nodeid", json!(number.unwrap_or(0))),
            ("local", json!(u8::from(index == 0))),
            ("online", json!(1)),
            ("level", json!("")),
        ]);
        let address = keys.and_then(|keys| text(keys, "ring0_addr"));
        let address = address.filter(|address| address.parse::<IpAddr>().is_ok());
        entry.extend(address.map(|address| ("ip".to_owned(), json!(address))));
        status.push(entry);
    }
    sheet.put("cluster/status", rows(status));
    let Some(corosync) = corosync else { return };
    let members = corosync.nodes.iter().map(|keys| with(keys.clone(), "node", json!(name(keys))));
    sheet.put("cluster/config/nodes", rows(members.collect()));
    sheet.put("cluster/config/totem", corosync.totem.clone());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ApiPath;
    use crate::etc_pve::tree::File;

    #[test]
    fn blocks_are_read() {
        let text = "# x\r\nlogging {\n  debug: off\n}\nnodelist {\n  node {\n    name: a\n    nodeid: 2\n    ring0_addr: fd00::1\n  }\n}\n\
            totem {\n  cluster_name: lab\n  config_version: 7\n  interface {\n    linknumber: 1\n  }\n}\nstray\n}\n";
        let mut sheet = Sheet::default();
        let tree = Tree::from([("corosync.conf".to_owned(), File::of(text))]);
        let corosync = read(&tree, &mut sheet);
        assert_eq!(sheet.warnings.len(), 1);
        answer(corosync.as_ref(), &["a".to_owned(), "b".to_owned()], &mut sheet);
        let data = |path: &str| sheet.answers[&ApiPath::parse(path)].data().cloned().unwrap_or_default();
        let status = data("cluster/status");
        assert_eq!(
            status[0],
            json!({"id": "cluster", "type": "cluster", "name": "lab", "nodes": 2, "quorate": 1, "version": 7})
        );
        assert_eq!(
            (&status[1]["nodeid"], &status[1]["ip"], &status[1]["local"]),
            (&json!(2), &json!("fd00::1"), &json!(1))
        );
        assert_eq!(status[2].get("ip"), None);
        assert_eq!(data("cluster/config/totem")["interface"], json!({"1": {"linknumber": "1"}}));
        let mut sheet = Sheet::default();
        answer(None, &["a".to_owned()], &mut sheet);
        assert_eq!(sheet.answers.len(), 1);
    }
}
