//! Name servers of the SDN: the provider has no resource for them, and Ansible keeps them.

use super::super::{Half, Namespace, Place};
use super::role;

/// The generators' half of name servers.
pub(in super::super) static HALF: Half = Half {
    kind: "sdn_dns",
    file: "",
    word: "dns",
    data: false,
    namespace: Namespace::Own("sdn_dns"),
    place: |_, _| {
        Ok(Place::Ansible("the provider has no resource for name servers of the SDN (provider rule D14)".into()))
    },
    name: |entry| entry.name.clone(),
    rows: &[],
    role: Some(role),
};
