//! HA resources as `proxmox_haresource`.

use super::{Destination, Namespace, Translation, guard};
use crate::ansible::Role;
use crate::bpg;
use crate::draft::{Draft, Obstacle, RowResult};
use crate::row::Row;

/// Translation of HA resources.
pub(super) static TRANSLATION: Translation = Translation {
    kind: "ha_resource",
    file: "ha_resources.tf",
    word: "ha",
    data: false,
    namespace: Namespace::Own("ha_resource"),
    destination: |object, _| {
        let id = object.entry.identity.id();
        if !bpg::ha_resource(id) {
            return Err(Obstacle::new("the provider knows guests only as HA resources (provider rule J10)"));
        }
        Ok(Destination::Resource("proxmox_haresource", id.to_owned()))
    },
    name: |entry| entry.name.clone(),
    rows: &[
        Row::custom(&["sid", "type"], |draft| {
            draft.take("type");
            let sid = draft.text("sid").unwrap_or_default();
            let (kind, vmid) = sid.split_once(':').unwrap_or(("", &sid));
            let id = guard::guest_within(draft, &format!("{kind}:"), vmid, "");
            draft.set("resource_id", id);
        }),
        Row::checked(&["state"], state),
        Row::custom(&["comment"], |draft| guard::passing(draft, "comment", "comment", bpg::comment, "J18")),
        Row::custom(&["failback"], |draft| guard::switch(draft, "failback", "failback")),
        Row::custom(&["group"], |draft| match draft.text("group") {
            Some(group) if bpg::ha_name(&group) => {
                let group = guard::referred(draft, "ha-group", &group, "group");
                draft.set("group", group);
            }
            Some(_) => guard::refuse(draft, "group", "group", "J12"),
            None => {}
        }),
        Row::checked(&["max_relocate", "max_restart"], |draft| {
            guard::whole(draft, "max_relocate", "max_relocate", &(0..=10))?;
            guard::whole(draft, "max_restart", "max_restart", &(0..=10))
        }),
        Row::ansible(&["auto-rebalance"], "the provider has no attribute for it (provider rule J10)"),
        Row::volatile(&["digest"]),
    ],
    role: Some(|_| Role::cluster("ha")),
};

/// Writes the state. `started` is the provider's default too; `enabled` is an older word for it, and reads the same.
fn state(draft: &mut Draft<'_>) -> RowResult {
    match draft.text("state").as_deref() {
        None | Some("started" | "enabled") => draft.set_default("state"),
        Some(state @ ("stopped" | "disabled" | "ignored")) => draft.set("state", state),
        Some(other) => {
            return Err(
                Obstacle::new(format!("the provider does not know the state `{other}` (provider rule J10)")).into()
            );
        }
    }
    Ok(())
}
