//! Address managers of the SDN: the provider has no resource for them, and Ansible keeps those that do not come with Proxmox.

use super::super::{Half, Namespace, Place};
use super::role;

/// The generators' half of address managers.
pub(in super::super) static HALF: Half = Half {
    kind: "sdn_ipam",
    file: "",
    word: "ipam",
    data: false,
    namespace: Namespace::Own("sdn_ipam"),
    place: |object, _| {
        let built_in = object.entry.identity.id() == "pve" && object.text("type").as_deref() == Some("pve");
        if built_in && object.keys.keys().all(|key| ["digest", "ipam", "type"].contains(&key.as_str())) {
            return Ok(Place::BuiltIn);
        }
        Ok(Place::Ansible("the provider has no resource for address managers (provider rule D14)".into()))
    },
    name: |entry| entry.name.clone(),
    rows: &[],
    role: Some(role),
};
