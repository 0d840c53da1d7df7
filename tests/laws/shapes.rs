//! Answers of a wrong shape: whatever is wrong with one of them, no code is taken out because of it.

use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_engine::import::removal::{RemovalLimits, brake};
use proxmox_mpc_generators::{Generated, Options, Previous, generate};
use proxmox_mpc_model::schema::{Verb, schema};
use proxmox_mpc_model::{Answer, ApiPath, Identity};
use serde_json::{Map, Value, json};

use crate::support::clusters::{Memory, asked, fixture, generated};

/// Keys by which rows are told apart: an answer without them, or with something else in their place, is none.
const NAMES: [&str; 25] = [
    "userid",
    "groupid",
    "roleid",
    "ugid",
    "path",
    "poolid",
    "storage",
    "node",
    "vmid",
    "type",
    "id",
    "sid",
    "rule",
    "group",
    "name",
    "iface",
    "vnet",
    "zone",
    "controller",
    "ipam",
    "dns",
    "subnet",
    "realm",
    "plugin",
    "tokenid",
];

/// The same answer with other data, what was done to it, and whether the data could be those of a cluster.
struct Broken {
    how: String,
    data: Value,
    /// Nothing is wrong with it but that there is nothing in it.
    empty: bool,
}

/// Everything that is tried with the data of one answer.
fn broken(data: &Value) -> Vec<Broken> {
    let wrong = |how: &str, data: Value| Broken { how: how.to_owned(), data, empty: false };
    let mut all = vec![wrong("null", Value::Null), wrong("[null]", json!([null]))];
    match data {
        Value::Array(rows) => {
            all.push(wrong("an object", json!({})));
            all.push(Broken { how: "[]".to_owned(), data: json!([]), empty: true });
            let keys = rows.first().and_then(Value::as_object).map(|row| row.keys().cloned().collect::<Vec<_>>());
            for key in keys.unwrap_or_default().into_iter().filter(|key| NAMES.contains(&key.as_str())) {
                all.push(wrong(&format!("the last row without `{key}`"), without(rows, &key, None)));
                for other in [json!({}), json!(true)] {
                    let how = format!("the last row with `{key}`: {other}");
                    all.push(wrong(&how, without(rows, &key, Some(other))));
                }
            }
        }
        Value::Object(_) => {
            all.push(wrong("a list", json!([])));
            all.push(Broken { how: "{}".to_owned(), data: json!({}), empty: true });
        }
        _ => {}
    }
    all
}

/// The rows, the last of them without a key, or with another value under it.
fn without(rows: &[Value], key: &str, value: Option<Value>) -> Value {
    let mut rows = rows.to_vec();
    if let Some(row) = rows.last_mut().and_then(Value::as_object_mut) {
        match value {
            Some(value) => drop(row.insert(key.to_owned(), value)),
            None => drop(row.remove(key)),
        }
    }
    Value::Array(rows)
}

/// One request for each method of Proxmox's API that an import of this cluster calls: the one with the most to say.
fn requests(answers: &Memory) -> Vec<ApiPath> {
    let mut chosen: BTreeMap<String, (usize, ApiPath)> = BTreeMap::new();
    for (path, answer) in answers.iter().filter(|(_, answer)| answer.data().is_some()) {
        let segments = path.segments();
        let segments: Vec<&str> = segments.iter().map(|segment| &**segment).collect();
        let Some(found) = schema().find(Verb::Get, &segments) else { continue };
        let size = answer.body.to_string().len();
        let best = chosen.entry(found.method.path.clone()).or_insert((0, path.clone()));
        if size > best.0 {
            *best = (size, path.clone());
        }
    }
    chosen.into_values().map(|(_, path)| path).collect()
}

/// Every object that has code: its address, or the file of its tasks.
fn code(made: &Generated) -> BTreeSet<(Identity, String)> {
    let mut found: BTreeSet<(Identity, String)> =
        made.manifest.objects.iter().map(|(identity, place)| (identity.clone(), place.address.clone())).collect();
    for (path, text) in made.files.iter().filter(|(path, _)| path.ends_with("/tasks/main.yml")) {
        let anchors = text.lines().filter_map(|line| line.strip_prefix("# "));
        let anchors = anchors.filter(|anchor| anchor.contains('/') && !anchor.contains(' '));
        found.extend(anchors.map(|anchor| {
            let (prefix, id) = anchor.split_once('/').unwrap();
            (Identity::new(prefix, id), path.clone())
        }));
    }
    found
}

fn check(name: &str) {
    let answers = asked(&fixture(name));
    let made = generated(&answers);
    let before = code(&made);
    let previous = Previous { manifest: made.manifest.clone(), files: made.files.clone(), ..Previous::default() };
    let (mut tried, mut found): (usize, Vec<String>) = (0, Vec::new());
    for path in requests(&answers) {
        let data = answers[&path].data().unwrap().clone();
        for Broken { how, data, empty } in broken(&data) {
            tried += 1;
            let mut answers = answers.clone();
            let mut body = answers[&path].body.as_object().cloned().unwrap_or_else(Map::new);
            body.insert("data".to_owned(), data);
            answers.insert(path.clone(), Answer { status: 200, reason: "OK".to_owned(), body: body.into() });
            let again = generate(&answers, &Options::default(), &previous).unwrap();
            let after = code(&again);
            let lost: Vec<String> =
                before.difference(&after).map(|(identity, place)| format!("{identity} ({place})")).collect();
            let stopped = !brake(&again, RemovalLimits::default()).is_empty();
            // What a guest or a node has of its own may have been taken away: an empty list is all that Proxmox says then.
            let taken_away = empty && !path.as_str().starts_with("cluster/resources") && lost.len() < 4;
            if !lost.is_empty() && !stopped && !taken_away {
                found.push(format!("{path} {how}: {}", lost.join(", ")));
            }
        }
    }
    assert!(tried > 200, "{tried} answers were tried only");
    assert!(found.is_empty(), "of {tried} broken answers, {} cost code:\n{}", found.len(), found.join("\n"));
}

#[test]
fn no_broken_answer_of_a_homelab_costs_code() {
    check("homelab");
}

#[test]
fn no_broken_answer_of_a_cluster_costs_code() {
    check("pve-9.1");
}
