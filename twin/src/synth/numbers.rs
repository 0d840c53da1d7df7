//! Numbers that a made-up cluster is made from, and the names of its nodes.

/// Cluster by the numbers that it is made from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cluster {
    pub(super) nodes: u32,
    pub(super) guests: u32,
    pub(super) seed: u64,
}

/// The name of the node with this index: `pve1`.
pub(super) fn node_name(index: u32) -> String {
    format!("pve{}", index + 1)
}
