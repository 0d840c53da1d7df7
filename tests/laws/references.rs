//! References: code refers to other code by address, never in a circle, and by the address of the right object.

use std::collections::{BTreeMap, BTreeSet};

use hcl_edit::Decorated;
use hcl_edit::expr::{Expression, TraversalOperator};
use hcl_edit::parser::parse_body;
use hcl_edit::visit::{Visit, visit_expr};
use proxmox_mpc_generators::Generated;
use proxmox_mpc_model::Identity;
use serde_json::json;

use crate::support::clusters::{all, data, fixture, generated, terraform};

/// The resources that each resource refers to.
type Graph = BTreeMap<String, BTreeSet<String>>;

struct References<'g>(&'g mut BTreeSet<String>);

impl Visit for References<'_> {
    fn visit_expr(&mut self, expression: &Expression) {
        if let Expression::Traversal(traversal) = expression
            && let Expression::Variable(first) = &traversal.expr
            && let Some(TraversalOperator::GetAttr(name)) = traversal.operators.first().map(Decorated::value)
        {
            self.0.insert(format!("{}.{}", first.as_str(), name.as_str()));
        }
        visit_expr(self, expression);
    }
}

fn graph(made: &Generated) -> Graph {
    let mut graph = Graph::new();
    for (_, text) in terraform(&made.files) {
        for block in parse_body(text).unwrap().get_blocks("resource") {
            let [resource, label] = block.labels.as_slice() else { panic!("a resource has two labels") };
            let referred = graph.entry(format!("{}.{}", resource.as_str(), label.as_str())).or_default();
            References(referred).visit_body(&block.body);
        }
    }
    // Variables, and attribute paths of `ignore_changes`, are no resources.
    let known: BTreeSet<String> = graph.keys().cloned().collect();
    for referred in graph.values_mut() {
        referred.retain(|address| !address.starts_with("var.") && address.starts_with("proxmox_"));
        assert!(referred.is_subset(&known), "{:?}", referred.difference(&known));
    }
    graph
}

/// Removes the resources without references to others until none is left: the rest is a circle.
fn circle(mut graph: Graph) -> Vec<String> {
    loop {
        let done: BTreeSet<String> =
            graph.iter().filter(|(_, referred)| referred.is_empty()).map(|(address, _)| address.clone()).collect();
        if done.is_empty() {
            return graph.into_keys().collect();
        }
        graph.retain(|address, _| !done.contains(address));
        for referred in graph.values_mut() {
            referred.retain(|address| !done.contains(address));
        }
    }
}

#[test]
fn no_references_go_in_a_circle() {
    let mut found = 0;
    for (name, answers) in all() {
        let graph = graph(&generated(&answers));
        found += graph.values().map(BTreeSet::len).sum::<usize>();
        assert_eq!(circle(graph), Vec::<String>::new(), "{name}");
    }
    assert!(found > 700, "{found} references");
}

/// Terraform refuses circles, and Proxmox allows them.
#[test]
fn interfaces_that_stand_on_each_other_make_no_circle() {
    let mut answers = fixture("pve-9.1");
    let interfaces = data(&mut answers, "nodes/pve1/network").as_array_mut().unwrap();
    let bridge =
        |name: &str, ports: &str| json!({"iface": name, "type": "bridge", "autostart": 1, "bridge_ports": ports});
    interfaces.extend([bridge("vmbr7", "vmbr8"), bridge("vmbr8", "vmbr9 vmbr8"), bridge("vmbr9", "vmbr7")]);
    let made = generated(&answers);
    assert_eq!(circle(graph(&made)), Vec::<String>::new());
    let text = &made.files["terraform/network.tf"];
    assert!(text.contains("ports     = [proxmox_network_linux_bridge.pve1_vmbr8.name]"), "{text}");
}

/// The names of storages, bridges and virtual networks are literals only if no code has the object.
#[test]
fn no_name_stands_where_the_code_has_its_object() {
    let mut literals = 0;
    for (name, answers) in all() {
        let made = generated(&answers);
        let has = |identity: &Identity| made.manifest.objects.contains_key(identity);
        for file in ["virtual_machines", "containers"] {
            let Some(text) = made.files.get(&format!("terraform/{file}.tf")) else { continue };
            let mut node = "";
            for line in text.lines() {
                let Some((attribute, value)) = line.split_once(" = ") else { continue };
                let value = value.trim_matches('"');
                match attribute.trim() {
                    "node_name" => node = value,
                    "datastore_id" | "volume" => {
                        assert!(!has(&Identity::new("storage", value)), "{name}: {file}: {line}");
                        literals += 1;
                    }
                    "bridge" => {
                        let bridge = Identity::new("network", format_args!("{node}/{value}"));
                        let vnet = Identity::new("sdn-vnet", value);
                        assert!(!has(&bridge) && !has(&vnet), "{name}: {file}: {line}");
                        literals += 1;
                    }
                    _ => {}
                }
            }
        }
    }
    assert!(literals > 0, "the loop looks at something");
}
