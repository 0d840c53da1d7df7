//! Made-up clusters of any size, for benchmarks and demonstrations: the same numbers give the same answers.
//!
//! A guest is a function of the seed and its place in the row, so that ten thousand of them are never held at once.

use proxmox_mpc_model::{Answer, ApiPath};
use serde_json::Value;

use crate::recording::{About, FORMAT};

mod cluster;
mod fixed_answers;
mod guest;
mod numbers;
mod random;

use numbers::{Cluster, node_name};

/// Size of a made-up cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Number of nodes, at least one.
    pub nodes: u32,
    /// Number of guests, templates among them.
    pub guests: u32,
}

/// Description of a recording of such a cluster.
pub fn about(size: Size) -> About {
    About {
        format: FORMAT,
        login: Some("root@pam!twin".to_owned()),
        nodes: (0..size.nodes.max(1)).map(node_name).collect(),
        pve_version: Some(cluster::VERSION.to_owned()),
        recorded_at: "2026-01-01T00:00:00Z".to_owned(),
    }
}

/// Every answer that an import of such a cluster asks for, one at a time: the lists, then each guest. Beside them is
/// what the agents of running guests say, so that Terraform's provider never waits for one.
pub fn synthesize(size: Size, seed: u64) -> impl Iterator<Item = (ApiPath, Answer)> {
    let cluster = Cluster { nodes: size.nodes.max(1), guests: size.guests, seed };
    let pools = cluster::POOLS.iter().map(move |pool| {
        let path = ApiPath::new(["pools"]).with_query("poolid", pool.id);
        (path, cluster.pool(pool))
    });
    let storages =
        (0..cluster.nodes).flat_map(move |node| cluster.node_guests(node).chain(cluster.node_storages(node)));
    let guests = (0..cluster.guests).flat_map(move |index| {
        let guest = guest::MadeUpGuest::new(&cluster, index);
        let path = |what: &str| ApiPath::parse(&format!("nodes/{}/{}/{what}", guest.node, guest.id()));
        let mut answers = vec![(path("config"), guest.config()), (path("pending"), guest.pending())];
        answers.extend(guest.beside().into_iter().map(|(what, data)| (path(what), data)));
        answers.extend(guest.interfaces().map(|(what, interfaces)| (path(what), interfaces)));
        answers
    });
    let answers =
        cluster.overview().chain(fixed_answers::cluster()).chain(pools).chain(fixed_answers::nodes(cluster.nodes));
    let answers = answers.chain(storages).chain(guests);
    answers.map(|(path, data): (ApiPath, Value)| (path, Answer::ok(data)))
}
