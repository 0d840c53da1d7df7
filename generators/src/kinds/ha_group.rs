//! HA groups: where their keys go in `proxmox_hagroup`.

use proxmox_mpc_model::Object;

use super::{Half, Namespace, Place, guard};
use crate::ansible::Role;
use crate::bpg;
use crate::draft::SetAside;
use crate::row::Row;

/// The generators' half of HA groups, which Proxmox VE 9 has until it makes rules of them.
pub(super) static HALF: Half = Half {
    kind: "ha_group",
    file: "ha_groups.tf",
    word: "group",
    data: false,
    namespace: Namespace::Own("ha_group"),
    place: |object, _| place(object),
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

fn place(object: &Object) -> Result<Place, SetAside> {
    let id = object.entry.identity.id();
    let nodes = object.text("nodes").and_then(|text| guard::priorities(&text));
    if !bpg::ha_name(id) || nodes.is_none() {
        return Err(SetAside::new("the provider refuses its name, or one of its nodes (provider rule J12)"));
    }
    Ok(Place::Own("proxmox_hagroup", id.to_owned()))
}
