//! Virtual networks of the SDN as `proxmox_sdn_vnet`.

use super::super::{Destination, Namespace, Translation};
use super::{legal_name, numbers, refer, required, role, text};
use crate::draft::Draft;
use crate::row::Row;

/// Translation of virtual networks.
pub(in super::super) static TRANSLATION: Translation = Translation {
    kind: "sdn_vnet",
    file: "sdn_vnets.tf",
    word: "vnet",
    data: false,
    namespace: Namespace::Own("sdn_vnet"),
    destination: |object, _| {
        let id = object.entry.identity.id();
        legal_name(id)?;
        required(object, &["zone"])?;
        legal_name(&object.text("zone").unwrap_or_default())?;
        numbers(object, &["tag"])?;
        Ok(Destination::Resource("proxmox_sdn_vnet", id.to_owned()))
    },
    name: |entry| entry.name.clone(),
    rows: &[
        Row::custom(&["vnet", "type"], |draft| {
            draft.take("type");
            text(draft, "vnet", "id");
        }),
        Row::custom(&["zone"], |draft| refer(draft, "zone", "zone", "sdn-zone")),
        Row::custom(&["alias"], alias),
        Row::custom(&["tag"], |draft| {
            let tag = draft.integer("tag");
            draft.set_some("tag", tag);
        }),
        // The provider distinguishes a switch that is off from one that is not set (D6).
        Row::custom(&["vlanaware"], |draft| switch(draft, "vlanaware", "vlan_aware")),
        Row::custom(&["isolate-ports"], |draft| switch(draft, "isolate-ports", "isolate_ports")),
        Row::volatile(&["digest"]),
    ],
    role: Some(role),
};

fn switch(draft: &mut Draft<'_>, key: &str, attribute: &str) {
    if draft.object.keys.contains_key(key) {
        let flag = draft.flag(key);
        draft.set(attribute, flag);
    }
}

/// Writes the alias. The provider accepts fewer characters than Proxmox, and would change an alias `deleted`.
fn alias(draft: &mut Draft<'_>) {
    let Some(alias) = draft.text("alias") else { return };
    let sign = |c: char| c.is_ascii_alphanumeric() || "()._-".contains(c) || matches!(c, ' ' | '\t' | '\n' | '\r');
    if !alias.is_empty() && alias.len() <= 256 && alias.chars().all(sign) && alias != "deleted" {
        draft.set("alias", alias);
        return;
    }
    draft.keep_in_ansible("alias", "the provider refuses some of its signs (provider rule D6)");
    draft.ignore(&["alias"], "the provider refuses some of its signs; left out, it stays");
}
