//! Answers of a made-up cluster besides its guests, storages and pools: logins, networks, firewalls, jobs, and the
//! nodes' own answers (`places.json`). They are the same in every cluster.

use proxmox_mpc_model::ApiPath;
use serde_json::{Map, Value};

use super::numbers::node_name;

/// The answers by path: those of the cluster, and those of a node below its own path.
const PLACES: &str = include_str!("places.json");

fn part(name: &str) -> Map<String, Value> {
    let mut parts: Map<String, Value> = serde_json::from_str(PLACES).expect("the file is part of the program");
    match parts.remove(name) {
        Some(Value::Object(part)) => part,
        _ => Map::new(),
    }
}

/// Answers of the cluster as a whole.
pub(super) fn cluster() -> impl Iterator<Item = (ApiPath, Value)> {
    part("cluster").into_iter().map(|(path, data)| (ApiPath::parse(&path), data))
}

/// Answers of each of so many nodes.
pub(super) fn nodes(nodes: u32) -> impl Iterator<Item = (ApiPath, Value)> {
    let answers = part("node");
    (0..nodes).flat_map(move |node| {
        let name = node_name(node);
        let path = move |path: &String| ApiPath::parse(&format!("nodes/{name}/{path}"));
        answers.clone().into_iter().map(move |(what, data)| (path(&what), data))
    })
}
