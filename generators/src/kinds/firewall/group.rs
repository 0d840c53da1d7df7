//! Security groups: where they go in `proxmox_virtual_environment_cluster_firewall_security_group`.

use super::super::{Half, Namespace, Place};
use super::{role, rule};
use crate::row::Row;

/// The generators' half of security groups.
pub(in super::super) static HALF: Half = Half {
    kind: "firewall_group",
    file: "security_groups.tf",
    word: "group",
    data: false,
    namespace: Namespace::Own("firewall_group"),
    place: |object, _| {
        rule::checked(object)?;
        let id = object.entry.identity.id().to_owned();
        Ok(Place::Own("proxmox_virtual_environment_cluster_firewall_security_group", id))
    },
    name: |entry| entry.name.clone(),
    rows: &[
        Row::text(&["group"], "name"),
        Row::text(&["comment"], "comment"),
        Row::custom(&["rule[n]"], rule::rules),
        Row::volatile(&["digest"]),
    ],
    role: Some(role),
};
