//! Name servers of the SDN: the provider has no resource for them, and Ansible keeps them.

use super::super::{Destination, Namespace, Translation};
use super::role;

/// Translation of name servers.
pub(in super::super) static TRANSLATION: Translation = Translation {
    kind: "sdn_dns",
    file: "",
    word: "dns",
    data: false,
    namespace: Namespace::Own("sdn_dns"),
    destination: |_, _| {
        Ok(Destination::Ansible("the provider has no resource for name servers of the SDN (provider rule D14)".into()))
    },
    name: |entry| entry.name.clone(),
    rows: &[],
    role: Some(role),
};
