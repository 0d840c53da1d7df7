//! Firewall options of virtual networks: the provider has no resource for them, and Ansible keeps them.

use super::super::{Destination, Namespace, Translation};
use super::role;

/// Translation of the firewall options of virtual networks.
pub(in super::super) static TRANSLATION: Translation = Translation {
    kind: "vnet_firewall",
    file: "",
    word: "firewall",
    data: false,
    namespace: Namespace::Own("vnet_firewall"),
    destination: |_, _| {
        Ok(Destination::Ansible(
            "the provider has no resource for the firewall of a virtual network (provider rule F5)".into(),
        ))
    },
    name: |entry| entry.name.clone(),
    rows: &[],
    role: Some(role),
};
