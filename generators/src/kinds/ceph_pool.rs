//! Ceph pools: the provider always shows a change, and Ansible keeps them.

use super::{Destination, Namespace, Translation};
use crate::ansible::Role;

/// Translation of Ceph pools.
pub(super) static TRANSLATION: Translation = Translation {
    kind: "ceph_pool",
    file: "",
    word: "pool",
    data: false,
    namespace: Namespace::Own("ceph_pool"),
    destination: |_, _| {
        Ok(Destination::Ansible("the provider shows a change of every pool that it imports (provider rule H12)".into()))
    },
    name: |entry| entry.name.clone(),
    rows: &[],
    role: Some(|_| Role::cluster("ceph")),
};
