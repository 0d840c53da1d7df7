//! Prefix lists and route maps of the SDN: the provider has no resource for them, and Ansible keeps them.

use super::super::{Half, Namespace, Place};
use super::role;

/// The generators' half of prefix lists.
pub(in super::super) static PREFIX_LIST: Half = Half {
    kind: "sdn_prefix_list",
    file: "",
    word: "prefixes",
    data: false,
    namespace: Namespace::Own("sdn_prefix_list"),
    place: |_, _| Ok(Place::Ansible("the provider has no resource for prefix lists (provider rule D14)".into())),
    name: |entry| entry.name.clone(),
    rows: &[],
    role: Some(role),
};

/// The generators' half of route maps.
pub(in super::super) static ROUTE_MAP: Half = Half {
    kind: "sdn_route_map",
    file: "",
    word: "routes",
    data: false,
    namespace: Namespace::Own("sdn_route_map"),
    place: |_, _| Ok(Place::Ansible("the provider has no resource for route maps (provider rule D14)".into())),
    name: |entry| entry.name.clone(),
    rows: &[],
    role: Some(role),
};
