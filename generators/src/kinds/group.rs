//! Groups of users as `proxmox_virtual_environment_group`.

use super::{Destination, Namespace, Translation};
use crate::draft::Draft;
use crate::hcl::Value;
use crate::row::Row;

/// Translation of groups.
pub(super) static TRANSLATION: Translation = Translation {
    kind: "group",
    file: "groups.tf",
    word: "group",
    data: false,
    namespace: Namespace::Own("group"),
    destination: |object, _| {
        Ok(Destination::Resource("proxmox_virtual_environment_group", object.entry.identity.id().to_owned()))
    },
    name: |entry| entry.name.clone(),
    rows: &[
        Row::text(&["groupid"], "group_id"),
        Row::custom(&["comment"], |draft| match draft.text("comment").filter(|text| !text.is_empty()) {
            Some(text) => draft.set("comment", Value::Text(text)),
            None => draft.set_default("comment"),
        }),
        Row::custom(&["users"], members),
    ],
    role: None,
};

/// The provider only shows members: each user has its groups (docs/provider.md, U5).
fn members(draft: &mut Draft<'_>) {
    let text = draft.text("users").unwrap_or_default();
    let members: Vec<&str> = text.split([',', ';', ' ']).filter(|member| !member.is_empty()).collect();
    if members.is_empty() {
        draft.set_default("users");
    }
}
