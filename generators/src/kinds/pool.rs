//! Pools: where their keys go in `proxmox_virtual_environment_pool`.

use super::{Half, Namespace, Place};
use crate::row::Row;

/// The generators' half of pools. Members have resources of their own.
pub(super) static HALF: Half = Half {
    kind: "pool",
    file: "pools.tf",
    word: "pool",
    data: false,
    namespace: Namespace::Own("pool"),
    place: |object, _| Ok(Place::Own("proxmox_virtual_environment_pool", object.entry.identity.id().to_owned())),
    name: |entry| entry.name.clone(),
    rows: &[
        Row::text(&["poolid"], "pool_id"),
        // Each member is an object of its own.
        Row::custom(&["members"], |draft| _ = draft.take("members")),
        Row::checked(&["comment"], |draft| {
            match draft.text("comment").filter(|comment| !comment.is_empty()) {
                Some(comment) => draft.set("comment", comment),
                None => draft.default("comment"),
            }
            Ok(())
        }),
    ],
    role: None,
};
