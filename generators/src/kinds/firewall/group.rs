//! Security groups as `proxmox_virtual_environment_cluster_firewall_security_group`.

use super::super::{Destination, Namespace, Translation};
use super::{role, rule};
use crate::row::Row;

/// Translation of security groups.
pub(in super::super) static TRANSLATION: Translation = Translation {
    kind: "firewall_group",
    file: "security_groups.tf",
    word: "group",
    data: false,
    namespace: Namespace::Own("firewall_group"),
    destination: |object, _| {
        rule::checked(object)?;
        let id = object.entry.identity.id().to_owned();
        Ok(Destination::Resource("proxmox_virtual_environment_cluster_firewall_security_group", id))
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
