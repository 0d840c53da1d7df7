//! Rules of high availability, and whether they can hold together (`PVE::API2::HA::Rules`, `PVE::HA::Rules`).

use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_model::object::text;
use proxmox_mpc_model::{ApiPath, list};

use crate::call::{Call, Refusal};
use crate::state::{Row, Transaction};

/// Gives a new rule the last place.
pub(super) fn settle(transaction: &Transaction, _: &Call, row: &mut Row, before: Option<&Row>) -> Result<(), Refusal> {
    if before.is_none() {
        let rules = transaction.rows(&ApiPath::parse("cluster/ha/rules"))?;
        row.insert("order".to_owned(), (rules.len() + 1).into());
    }
    // What was wrong with it before the change is looked for anew.
    row.remove("errors");
    Ok(())
}

/// Refuses a rule about resources that are not managed, about nodes that do not exist, or that contradicts the other
/// rules.
pub(super) fn fit(transaction: &Transaction, call: &Call, row: &mut Row, before: Option<&Row>) -> Result<(), Refusal> {
    let context = if before.is_some() { "update ha rule failed" } else { "create ha rule failed" };
    let refused = |text: String| Err(Refusal::failed(text).within(context));
    let managed = names(transaction, "cluster/ha/resources", "sid")?;
    let unmanaged: Vec<String> = given(call, "resources").into_iter().filter(|sid| !managed.contains(sid)).collect();
    if !unmanaged.is_empty() {
        return refused(format!("cannot use unmanaged resource(s) {}.", unmanaged.join(", ")));
    }
    let nodes = names(transaction, "nodes", "node")?;
    let wanted = given(call, "nodes").into_iter().map(|node| node.split(':').next().unwrap_or_default().to_owned());
    let missing: Vec<String> = wanted.filter(|node| !nodes.contains(node)).collect();
    if !missing.is_empty() {
        return refused(format!("cannot use non-existent node(s) {}.", missing.join(", ")));
    }
    let rules = transaction.rows(&ApiPath::parse("cluster/ha/rules"))?;
    let complaints = complaints(row, &rules, nodes.len());
    if complaints.is_empty() {
        return Ok(());
    }
    let rule = row.get("rule").and_then(text).unwrap_or_default();
    refused(format!("400 Rule '{rule}' is invalid.\nresources: {}", complaints.join(", ")))
}

/// The words of a list that a call gives, sorted.
fn given(call: &Call, name: &str) -> BTreeSet<String> {
    call.list(name).into_iter().collect()
}

/// Names of the objects of a list.
fn names(transaction: &Transaction, list: &str, key: &str) -> Result<BTreeSet<String>, Refusal> {
    let rows = transaction.rows(&ApiPath::parse(list))?;
    Ok(rows.iter().filter_map(|row| row.get(key).and_then(text)).collect())
}

/// A rule that is in force.
struct Rule {
    name: String,
    kind: RuleKind,
    resources: BTreeSet<String>,
    /// The nodes of a node affinity, each with its priority.
    nodes: BTreeMap<String, String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum RuleKind {
    Node,
    Positive,
    Negative,
}

impl Rule {
    /// `None` for a rule that is switched off: it is not looked at.
    fn of(row: &Row) -> Option<Self> {
        let word = |key: &str| row.get(key).and_then(text).unwrap_or_default();
        if word("disable") == "1" {
            return None;
        }
        let kind = match (word("type").as_str(), word("affinity").as_str()) {
            ("node-affinity", _) => RuleKind::Node,
            (_, "positive") => RuleKind::Positive,
            _ => RuleKind::Negative,
        };
        let nodes = word("nodes");
        // A node without a priority has 0.
        let node = |node: &str| {
            let (name, priority) = node.split_once(':').unwrap_or((node, "0"));
            (name.to_owned(), priority.to_owned())
        };
        Some(Self {
            name: word("rule"),
            kind,
            resources: list::items(&word("resources")).map(str::to_owned).collect(),
            nodes: list::items(&nodes).map(node).collect(),
        })
    }

    fn is_ranked(&self) -> bool {
        self.nodes.values().collect::<BTreeSet<_>>().len() > 1
    }

    fn shares(&self, resources: &BTreeSet<String>) -> bool {
        !self.resources.is_disjoint(resources)
    }
}

/// Complaints about a rule beside the others, in the order of Proxmox's checks: those of one type of rule first, then
/// those between them.
fn complaints(row: &Row, others: &[Row], nodes: usize) -> Vec<String> {
    let Some(rule) = Rule::of(row) else { return Vec::new() };
    let others = others.iter().filter_map(Rule::of).filter(|other| other.name != rule.name);
    let all: Vec<Rule> = others.chain(Rule::of(row)).collect();
    let mut complaints = Vec::new();
    match rule.kind {
        RuleKind::Node => node_complaints(&rule, &all, &mut complaints),
        RuleKind::Positive | RuleKind::Negative => resource_complaints(&rule, &all, nodes, &mut complaints),
    }
    complaints
}

fn of_kind(all: &[Rule], kind: RuleKind) -> impl Iterator<Item = &Rule> {
    all.iter().filter(move |rule| rule.kind == kind)
}

/// The node affinities that are about these resources.
fn placed<'r>(all: &'r [Rule], resources: &'r BTreeSet<String>) -> Vec<&'r Rule> {
    of_kind(all, RuleKind::Node).filter(|rule| rule.shares(resources)).collect()
}

fn node_complaints(rule: &Rule, all: &[Rule], complaints: &mut Vec<String>) {
    for sid in &rule.resources {
        if of_kind(all, RuleKind::Node).filter(|other| other.resources.contains(sid)).count() > 1 {
            complaints.push(format!("resource '{sid}' is already used in another node affinity rule"));
        }
    }
    for affinity in all.iter().filter(|other| other.kind != RuleKind::Node && other.shares(&rule.resources)) {
        if placed(all, &affinity.resources).iter().any(|placed| placed.is_ranked()) {
            let why = "resources are in a resource affinity rule and cannot be in a node affinity rule with multiple \
                       priorities";
            complaints.push(why.to_owned());
        }
    }
    for together in together(all).iter().filter(|together| rule.shares(together)) {
        if placed(all, together).len() > 1 {
            let why = "at least one resource is in a positive resource affinity rule and there are other resources in at \
                       least one other node affinity rule already";
            complaints.push(why.to_owned());
        }
    }
    for apart in of_kind(all, RuleKind::Negative).filter(|apart| apart.shares(&rule.resources)) {
        if is_cramped(apart, all) {
            let why = "at least one resource is in a negative resource affinity rule and this rule would restrict these to \
                       less nodes than available to the resources";
            complaints.push(why.to_owned());
        }
    }
}

fn resource_complaints(rule: &Rule, all: &[Rule], nodes: usize, complaints: &mut Vec<String>) {
    let mut complain = |against: bool, why: &str| {
        if against {
            complaints.push(why.to_owned());
        }
    };
    let is_negative = rule.kind == RuleKind::Negative;
    complain(rule.resources.len() < 2, "rule is ineffective as there are less than two resources");
    complain(is_negative && rule.resources.len() > nodes, "rule defines more resources than available nodes");
    for together in together(all).iter().filter(|together| rule.shares(together)) {
        let torn = |apart: &Rule| together.intersection(&apart.resources).count() > 1;
        if is_negative {
            complain(torn(rule), "rule shares two or more resources with a positive resource affinity rule");
            continue;
        }
        for apart in of_kind(all, RuleKind::Negative) {
            complain(torn(apart), "rule shares two or more resources with a negative resource affinity rule");
        }
    }
    let ranked = placed(all, &rule.resources).iter().any(|placed| placed.is_ranked());
    complain(ranked, "resources are in node affinity rules with multiple priorities");
    if is_negative {
        complain(
            is_cramped(rule, all),
            "two or more resources are restricted to less nodes than available to the resources",
        );
        return;
    }
    for together in together(all).iter().filter(|together| rule.shares(together)) {
        complain(placed(all, together).len() > 1, "resources are in multiple node affinity rules");
    }
}

/// The resources that positive affinities keep together, each set with those of the rules that share one of them.
fn together(all: &[Rule]) -> Vec<BTreeSet<String>> {
    let mut rules: Vec<&Rule> = of_kind(all, RuleKind::Positive).collect();
    rules.sort_by_key(|rule| (rule.resources.first(), &rule.name));
    let mut sets: Vec<BTreeSet<String>> = Vec::new();
    for rule in rules {
        match sets.iter_mut().find(|set| rule.shares(set)) {
            Some(set) => set.extend(rule.resources.iter().cloned()),
            None => sets.push(rule.resources.clone()),
        }
    }
    sets
}

/// Reports whether resources that are to be kept apart may run on fewer nodes than there are of them.
fn is_cramped(apart: &Rule, all: &[Rule]) -> bool {
    let (mut located, mut allowed) = (BTreeSet::new(), BTreeSet::new());
    for rule in placed(all, &apart.resources) {
        located.extend(rule.resources.intersection(&apart.resources));
        allowed.extend(rule.nodes.keys());
    }
    allowed.len() < located.len()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Complaints that were recorded, and those of Proxmox's other checks.
    #[test]
    fn rules_are_kept_together_or_not() {
        let row = |row: Value| row.as_object().unwrap().clone();
        let rules = [
            row(json!({"rule": "a", "type": "node-affinity", "nodes": "pve1:2,pve2", "resources": "vm:100"})),
            row(json!({"rule": "b", "type": "node-affinity", "nodes": "pve1", "resources": "vm:102,vm:103"})),
            row(
                json!({"rule": "c", "type": "resource-affinity", "affinity": "positive", "resources": "vm:200,vm:201"}),
            ),
            row(
                json!({"rule": "d", "type": "resource-affinity", "affinity": "negative", "resources": "vm:300,vm:301"}),
            ),
        ];
        let check =
            |rule: Value, expected: &[&str]| assert_eq!(complaints(&row(rule.clone()), &rules, 3), expected, "{rule}");
        let ranked = "resources are in node affinity rules with multiple priorities";
        let alone = "rule is ineffective as there are less than two resources";
        let taken = "resource 'vm:100' is already used in another node affinity rule";
        let cramped = "two or more resources are restricted to less nodes than available to the resources";
        let affinity = |sign: &str, resources: &str| json!({"rule": "r", "type": "resource-affinity", "affinity": sign, "resources": resources});
        let node = |nodes: &str, resources: &str| json!({"rule": "r", "type": "node-affinity", "nodes": nodes, "resources": resources});
        check(affinity("negative", "vm:100"), &[alone, ranked]);
        check(affinity("negative", "vm:100,vm:104"), &[ranked]);
        check(affinity("negative", "vm:102,vm:103"), &[cramped]);
        check(affinity("negative", "vm:104,vm:105"), &[]);
        check(affinity("negative", "vm:1,vm:2,vm:3,vm:4"), &["rule defines more resources than available nodes"]);
        check(
            affinity("negative", "vm:200,vm:201"),
            &["rule shares two or more resources with a positive resource affinity rule"],
        );
        check(
            affinity("positive", "vm:300,vm:301"),
            &["rule shares two or more resources with a negative resource affinity rule"],
        );
        check(node("pve1", "vm:100"), &[taken]);
        check(
            node("pve1:2,pve2", "vm:300"),
            &[
                "resources are in a resource affinity rule and cannot be in a node affinity rule with multiple priorities",
            ],
        );
        check(node("pve1:2,pve2:2", "vm:300"), &[]);
        check(
            node("pve1", "vm:300,vm:301"),
            &[
                "at least one resource is in a negative resource affinity rule and this rule would restrict these to less \
               nodes than available to the resources",
            ],
        );
        check(json!({"rule": "a", "type": "node-affinity", "nodes": "pve1", "resources": "vm:100"}), &[]);
        check(json!({"rule": "r", "type": "node-affinity", "resources": "vm:100", "disable": 1}), &[]);
    }
}
