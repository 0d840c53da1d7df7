//! Firewall aliases: the provider imports none, and Ansible keeps them.

use super::super::{Destination, Namespace, Translation};
use super::role;

/// Translation of firewall aliases.
pub(in super::super) static TRANSLATION: Translation = Translation {
    kind: "firewall_alias",
    file: "",
    word: "alias",
    data: false,
    namespace: Namespace::Own("firewall_alias"),
    destination: |_, _| Ok(Destination::Ansible("the provider imports no aliases (provider rule F4)".into())),
    name: |entry| entry.name.clone(),
    rows: &[],
    role: Some(role),
};
