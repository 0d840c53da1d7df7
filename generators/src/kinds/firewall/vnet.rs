//! Firewall options of virtual networks: the provider has no resource for them, and Ansible keeps them.

use super::super::{Half, Namespace, Place};
use super::role;

/// The generators' half of the firewall options of virtual networks.
pub(in super::super) static HALF: Half = Half {
    kind: "vnet_firewall",
    file: "",
    word: "firewall",
    data: false,
    namespace: Namespace::Own("vnet_firewall"),
    place: |_, _| {
        Ok(Place::Ansible(
            "the provider has no resource for the firewall of a virtual network (provider rule F5)".into(),
        ))
    },
    name: |entry| entry.name.clone(),
    rows: &[],
    role: Some(role),
};
