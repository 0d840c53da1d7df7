//! HA groups as `proxmox_hagroup`.

use proxmox_mpc_model::Object;

use super::{Destination, Namespace, Translation, guard};
use crate::ansible::Role;
use crate::bpg;
use crate::draft::Obstacle;
use crate::row::Row;

/// Translation of HA groups, which Proxmox VE 9 keeps until it migrates them to rules.
pub(super) static TRANSLATION: Translation = Translation {
    kind: "ha_group",
    file: "ha_groups.tf",
    word: "group",
    data: false,
    namespace: Namespace::Own("ha_group"),
    destination: |object, _| destination(object),
    name: |entry| entry.name.clone(),
    rows: &[
        Row::text(&["group"], "group"),
        Row::custom(&["comment"], |draft| guard::passing(draft, "comment", "comment", bpg::comment, "J18")),
        Row::custom(&["nodes"], |draft| {
            let nodes = draft.text("nodes").and_then(|text| guard::priorities(&text));
            draft.set_some("nodes", nodes);
        }),
        Row::flag(&["nofailback"], "no_failback", false),
        Row::flag(&["restricted"], "restricted", false),
        Row::volatile(&["digest", "type"]),
    ],
    role: Some(|_| Role::cluster("ha")),
};

fn destination(object: &Object) -> Result<Destination, Obstacle> {
    let id = object.entry.identity.id();
    let nodes = object.text("nodes").and_then(|text| guard::priorities(&text));
    if !bpg::ha_name(id) || nodes.is_none() {
        return Err(Obstacle::new("the provider refuses its name, or one of its nodes (provider rule J12)"));
    }
    Ok(Destination::Resource("proxmox_hagroup", id.to_owned()))
}
