//! Firewall aliases: the provider imports none, and Ansible keeps them.

use super::super::{Half, Namespace, Place};
use super::role;

/// The generators' half of firewall aliases.
pub(in super::super) static HALF: Half = Half {
    kind: "firewall_alias",
    file: "",
    word: "alias",
    data: false,
    namespace: Namespace::Own("firewall_alias"),
    place: |_, _| Ok(Place::Ansible("the provider imports no aliases (provider rule F4)".into())),
    name: |entry| entry.name.clone(),
    rows: &[],
    role: Some(role),
};
