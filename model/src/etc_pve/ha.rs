//! Answers about high availability: resources, rules, and the groups of releases before 9 (`ha/*.cfg`).

use std::collections::BTreeMap;

use serde_json::json;

use super::access::decoded_again;
use super::section::{self, Dialect, Section};
use super::sheet::{Row, Sheet, rows, with};
use super::tree::{File, Tree};
use super::words::sorted;
use crate::refusals::no_method;
use crate::schema::Verb;
use crate::{ApiPath, list};

const RESOURCES: Dialect = Dialect {
    types: "vm ct",
    bare: false,
    own: &[],
    keys: "comment failback:b group max_relocate:i max_restart:i state",
};

const RULES: Dialect = Dialect {
    types: "node-affinity resource-affinity",
    bare: false,
    own: &[("node-affinity", "nodes strict"), ("resource-affinity", "affinity")],
    keys: "affinity comment disable:b nodes resources strict:b",
};

const GROUPS: Dialect =
    Dialect { types: "group", bare: false, own: &[], keys: "comment nodes nofailback:b restricted:b" };

/// Answers everything that is configured below `cluster/ha`. Returns the requested state of each resource.
pub(super) fn answer(tree: &Tree, sheet: &mut Sheet) -> BTreeMap<String, String> {
    for (path, key, names) in INDEXES {
        sheet.put(path, names.split(' ').map(|name| json!({ *key: name })).collect::<Vec<_>>());
    }
    let resources = read(tree, "ha/resources.cfg", RESOURCES, sheet);
    let listed = resources.into_iter().map(|(section, digest)| {
        let sid = format!("{}:{}", section.kind, section.id);
        finished(with(section.keys, "sid", sid), &section.kind, &digest)
    });
    let listed: Vec<Row> = listed.collect();
    let wanted = listed.iter().map(|keys| {
        let text = |key: &str| keys.get(key).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
        let state = text("state");
        (text("sid"), if state.is_empty() { "started".to_owned() } else { state })
    });
    let wanted = wanted.collect();
    sheet.put("cluster/ha/resources", rows(listed));
    rules(tree, sheet);
    groups(tree, sheet);
    wanted
}

/// Indexes of the API: path, key and values.
const INDEXES: &[(&str, &str, &str)] = &[
    ("cluster/ha", "id", "status resources groups rules"),
    ("cluster/ha/status", "name", "current manager_status disarm-ha arm-ha"),
];

fn read(tree: &Tree, name: &str, dialect: Dialect, sheet: &mut Sheet) -> Vec<(Section, String)> {
    let Some(File { text, sha1, .. }) = tree.get(name) else { return Vec::new() };
    section::parse(name, text, dialect, sheet).into_iter().map(|section| (section, sha1.clone())).collect()
}

fn finished(keys: Row, kind: &str, digest: &str) -> Row {
    with(with(keys, "type", kind), "digest", digest)
}

/// Answers the rules in the order of the file. Rules of one kind that name a resource twice are shown as broken.
fn rules(tree: &Tree, sheet: &mut Sheet) {
    let path = ["cluster", "ha", "rules"];
    if sheet.before_nine {
        sheet.answers.insert(ApiPath::new(path), no_method(Verb::Get, &path));
        return;
    }
    let mut listed: Vec<Row> = Vec::new();
    for (section, digest) in read(tree, "ha/rules.cfg", RULES, sheet) {
        let mut keys = section.keys;
        if let Some(comment) = keys.get_mut("comment") {
            *comment = json!(decoded_again(comment));
        }
        if let Some(nodes) = keys.get_mut("nodes") {
            *nodes = json!(by_priority(nodes.as_str().unwrap_or_default()));
        }
        if let Some(resources) = keys.get_mut("resources") {
            *resources = json!(sorted(resources.as_str().unwrap_or_default()));
        }
        let keys = with(with(keys, "rule", section.id), "order", listed.len() + 1);
        listed.push(finished(keys, &section.kind, &digest));
    }
    sheet.put("cluster/ha/rules", rows(listed));
}

/// The nodes sorted by name; a priority of zero is left out.
fn by_priority(text: &str) -> String {
    let mut nodes: Vec<&str> = list::items(text).map(|node| node.strip_suffix(":0").unwrap_or(node)).collect();
    nodes.sort_unstable();
    nodes.dedup();
    nodes.join(",")
}

/// Answers the groups, which a cluster has until it turns them into rules.
fn groups(tree: &Tree, sheet: &mut Sheet) {
    let groups = read(tree, "ha/groups.cfg", GROUPS, sheet);
    if groups.is_empty() && sheet.before_nine {
        sheet.put("cluster/ha/groups", json!([]));
        return;
    }
    if groups.is_empty() {
        sheet.refuse(ApiPath::parse("cluster/ha/groups"), "cannot index groups: ha groups have been migrated to rules");
        return;
    }
    let mut listed = Vec::new();
    for (section, digest) in groups {
        let keys = finished(with(section.keys, "group", section.id.clone()), "group", &digest);
        sheet.put_at(ApiPath::new(["cluster", "ha", "groups", &section.id]), keys.clone());
        listed.push(keys);
    }
    sheet.put("cluster/ha/groups", rows(listed));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_rules_and_groups() {
        let files = [
            ("ha/resources.cfg", "vm: 100\n\tstate stopped\n\tmax_restart 3\n\nct: 200\n\nfs: x\n"),
            (
                "ha/rules.cfg",
                "node-affinity: a\n\tnodes b:0,a:2\n\tresources vm:2,ct:1\n\tcomment %C3%BC\n\tstrict\n\n",
            ),
            ("ha/groups.cfg", "group: g\n\tnodes a:1,b\n\tnofailback\n"),
        ];
        let tree: Tree = files.into_iter().map(|(name, text)| (name.to_owned(), File::of(text))).collect();
        let mut sheet = Sheet::default();
        let wanted = answer(&tree, &mut sheet);
        assert_eq!(wanted["vm:100"], "stopped");
        assert_eq!(wanted["ct:200"], "started");
        let data = |path: &str| sheet.answers[&ApiPath::parse(path)].data().cloned();
        let resources = json!([
            {"sid": "vm:100", "type": "vm", "state": "stopped", "max_restart": 3, "digest": ""},
            {"sid": "ct:200", "type": "ct", "digest": ""},
        ]);
        assert_eq!(data("cluster/ha/resources"), Some(resources));
        let rules = json!([{
            "rule": "a", "type": "node-affinity", "order": 1, "nodes": "a:2,b", "resources": "ct:1,vm:2", "comment": "ü",
            "strict": 1, "digest": "",
        }]);
        assert_eq!(data("cluster/ha/rules"), Some(rules));
        let group = json!({"group": "g", "type": "group", "nodes": "a:1,b", "nofailback": 1, "digest": ""});
        assert_eq!(data("cluster/ha/groups/g"), Some(group));
        let mut sheet = Sheet::default();
        answer(&Tree::new(), &mut sheet);
        assert_eq!(sheet.answers[&ApiPath::parse("cluster/ha/groups")].status, 500);
        let mut sheet = Sheet::of_release(true);
        answer(&Tree::new(), &mut sheet);
        assert_eq!(sheet.answers[&ApiPath::parse("cluster/ha/groups")].data(), Some(&json!([])));
        assert_eq!(sheet.answers[&ApiPath::parse("cluster/ha/rules")].status, 501);
    }
}
