//! Address managers of the SDN: the provider has no resource for them, and Ansible keeps those that do not come with Proxmox.

use super::super::{Destination, Namespace, Translation};
use super::role;

/// Translation of address managers.
pub(in super::super) static TRANSLATION: Translation = Translation {
    kind: "sdn_ipam",
    file: "",
    word: "ipam",
    data: false,
    namespace: Namespace::Own("sdn_ipam"),
    destination: |object, _| {
        let built_in = object.entry.identity.id() == "pve" && object.text("type").as_deref() == Some("pve");
        if built_in && object.keys.keys().all(|key| ["digest", "ipam", "type"].contains(&key.as_str())) {
            return Ok(Destination::BuiltIn);
        }
        Ok(Destination::Ansible("the provider has no resource for address managers (provider rule D14)".into()))
    },
    name: |entry| entry.name.clone(),
    rows: &[],
    role: Some(role),
};
