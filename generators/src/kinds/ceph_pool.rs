//! Ceph pools: the provider always shows a change, and Ansible keeps them.

use super::{Half, Namespace, Place};
use crate::ansible::Role;

/// The generators' half of Ceph pools.
pub(super) static HALF: Half = Half {
    kind: "ceph_pool",
    file: "",
    word: "pool",
    data: false,
    namespace: Namespace::Own("ceph_pool"),
    place: |_, _| {
        Ok(Place::Ansible("the provider shows a change of every pool that it imports (provider rule H12)".into()))
    },
    name: |entry| entry.name.clone(),
    rows: &[],
    role: Some(|_| Role::cluster("ceph")),
};
