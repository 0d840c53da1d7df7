//! Firewall rules: where they go in `proxmox_virtual_environment_firewall_rules`, and to Ansible at virtual networks.

use super::super::{Half, Namespace, Place};
use super::{import_id, role, rule, scope};
use crate::row::Row;

/// The generators' half of firewall rules.
pub(in super::super) static HALF: Half = Half {
    kind: "firewall_rules",
    file: "firewall_rules.tf",
    word: "rules",
    data: false,
    namespace: Namespace::Own("firewall_rules"),
    place: |object, _| {
        let Some(id) = import_id(object) else {
            return Ok(Place::Ansible("the provider imports no rules of a virtual network (provider rule F5)".into()));
        };
        rule::checked(object)?;
        Ok(Place::Own("proxmox_virtual_environment_firewall_rules", id))
    },
    name: |entry| entry.name.clone(),
    rows: &[Row::custom(&[], scope), Row::custom(&["rule[n]"], rule::rules), Row::volatile(&["digest"])],
    role: Some(role),
};
