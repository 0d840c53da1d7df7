//! Prefix lists and route maps of the SDN: the provider has no resource for them, and Ansible keeps them.

use super::super::{Destination, Namespace, Translation};
use super::role;

/// Translation of prefix lists.
pub(in super::super) static PREFIX_LIST: Translation = Translation {
    kind: "sdn_prefix_list",
    file: "",
    word: "prefixes",
    data: false,
    namespace: Namespace::Own("sdn_prefix_list"),
    destination: |_, _| {
        Ok(Destination::Ansible("the provider has no resource for prefix lists (provider rule D14)".into()))
    },
    name: |entry| entry.name.clone(),
    rows: &[],
    role: Some(role),
};

/// Translation of route maps.
pub(in super::super) static ROUTE_MAP: Translation = Translation {
    kind: "sdn_route_map",
    file: "",
    word: "routes",
    data: false,
    namespace: Namespace::Own("sdn_route_map"),
    destination: |_, _| {
        Ok(Destination::Ansible("the provider has no resource for route maps (provider rule D14)".into()))
    },
    name: |entry| entry.name.clone(),
    rows: &[],
    role: Some(role),
};
