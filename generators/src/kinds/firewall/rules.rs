//! Firewall rules as `proxmox_virtual_environment_firewall_rules`; Ansible keeps those of virtual networks.

use super::super::{Destination, Namespace, Translation};
use super::{import_id, role, rule, scope};
use crate::row::Row;

/// Translation of firewall rules.
pub(in super::super) static TRANSLATION: Translation = Translation {
    kind: "firewall_rules",
    file: "firewall_rules.tf",
    word: "rules",
    data: false,
    namespace: Namespace::Own("firewall_rules"),
    destination: |object, _| {
        let Some(id) = import_id(object) else {
            return Ok(Destination::Ansible(
                "the provider imports no rules of a virtual network (provider rule F5)".into(),
            ));
        };
        rule::checked(object)?;
        Ok(Destination::Resource("proxmox_virtual_environment_firewall_rules", id))
    },
    name: |entry| entry.name.clone(),
    rows: &[Row::custom(&[], scope), Row::custom(&["rule[n]"], rule::rules), Row::volatile(&["digest"])],
    role: Some(role),
};
