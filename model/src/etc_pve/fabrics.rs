//! Fabrics of the software-defined network and their nodes (`sdn/fabrics.cfg`).

use serde_json::{Value, json};

use super::section::{self, Dialect};
use super::sheet::{Row, Sheet, rows, with};
use super::tree::{File, Tree, file};
use crate::ApiPath;

const FABRICS: Dialect = Dialect {
    types: "openfabric_fabric openfabric_node ospf_fabric ospf_node",
    bare: false,
    own: &[
        ("openfabric_fabric", "csnp_interval hello_interval ip6_prefix ip_prefix"),
        ("openfabric_node", "interfaces ip ip6"),
        ("ospf_fabric", "area ip6_prefix ip_prefix"),
        ("ospf_node", "interfaces ip ip6"),
    ],
    keys: "area csnp_interval:n hello_interval:n interfaces:l ip ip6 ip6_prefix ip_prefix",
};

/// Answers `cluster/sdn/fabrics`. The section of a node is named for its fabric and the node: `f1_pve1`.
pub(super) fn answer(tree: &Tree, sheet: &mut Sheet) {
    let File { text, sha256: digest, .. } = file(tree, "sdn/fabrics.cfg");
    let (mut fabrics, mut nodes): (Vec<Row>, Vec<Row>) = (Vec::new(), Vec::new());
    for section in section::parse("sdn/fabrics.cfg", text, FABRICS, sheet) {
        let Some((protocol, what)) = section.kind.split_once('_') else { continue };
        let keys = with(with(section.keys, "protocol", protocol), "digest", digest.as_str());
        match section.id.split_once('_').filter(|_| what == "node") {
            Some((fabric, node)) => nodes.push(with(with(keys, "fabric_id", fabric), "node_id", node)),
            None => fabrics.push(with(keys, "id", section.id)),
        }
    }
    let of = |fabric: &Row| {
        let nodes = nodes.iter().filter(|node| node.get("fabric_id") == fabric.get("id"));
        nodes.cloned().collect::<Vec<Row>>()
    };
    for fabric in &fabrics {
        let Some(id) = fabric.get("id").and_then(Value::as_str) else { continue };
        sheet.put_at(ApiPath::new(["cluster", "sdn", "fabrics", "node", id]), rows(of(fabric)));
        for node in of(fabric) {
            let Some(name) = node.get("node_id").and_then(Value::as_str) else { continue };
            sheet.put_at(ApiPath::new(["cluster", "sdn", "fabrics", "node", id, name]), node.clone());
        }
    }
    sheet.put("cluster/sdn/fabrics", json!([{ "subdir": "fabric" }, { "subdir": "node" }, { "subdir": "all" }]));
    sheet.put("cluster/sdn/fabrics/all", json!({ "fabrics": rows(fabrics.clone()), "nodes": rows(nodes.clone()) }));
    sheet.put("cluster/sdn/fabrics/fabric", rows(fabrics));
    sheet.put("cluster/sdn/fabrics/node", rows(nodes));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded after a fabric and a node of it were created.
    #[test]
    fn a_fabric_and_its_node() {
        let text = "openfabric_fabric: f1\n\tip_prefix 10.88.0.0/24\n\thello_interval 3\n\n\
            openfabric_node: f1_pve1\n\tinterfaces name=eno1\n\tip 10.88.0.1\n";
        let mut sheet = Sheet::default();
        answer(&Tree::from([("sdn/fabrics.cfg".to_owned(), File::of(text))]), &mut sheet);
        let data = |path: &str| sheet.answers[&ApiPath::parse(&format!("cluster/sdn/fabrics/{path}"))].data().cloned();
        let fabric = json!([{
            "id": "f1", "protocol": "openfabric", "ip_prefix": "10.88.0.0/24", "hello_interval": 3, "digest": "",
        }]);
        let node = json!({
            "fabric_id": "f1", "node_id": "pve1", "protocol": "openfabric", "interfaces": ["name=eno1"],
            "ip": "10.88.0.1", "digest": "",
        });
        assert_eq!(data("fabric"), Some(fabric));
        assert_eq!(data("node/f1/pve1"), Some(node.clone()));
        assert_eq!(data("node/f1"), Some(json!([node])));
    }
}
