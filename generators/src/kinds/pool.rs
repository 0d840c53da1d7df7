//! Pools as `proxmox_virtual_environment_pool`.

use super::{Destination, Namespace, Translation};
use crate::row::Row;

/// Translation of pools. Members have resources of their own.
pub(super) static TRANSLATION: Translation = Translation {
    kind: "pool",
    file: "pools.tf",
    word: "pool",
    data: false,
    namespace: Namespace::Own("pool"),
    destination: |object, _| {
        Ok(Destination::Resource("proxmox_virtual_environment_pool", object.entry.identity.id().to_owned()))
    },
    name: |entry| entry.name.clone(),
    rows: &[
        Row::text(&["poolid"], "pool_id"),
        // Each member is an object of its own.
        Row::custom(&["members"], |draft| _ = draft.take("members")),
        Row::checked(&["comment"], |draft| {
            match draft.text("comment").filter(|comment| !comment.is_empty()) {
                Some(comment) => draft.set("comment", comment),
                None => draft.set_default("comment"),
            }
            Ok(())
        }),
    ],
    role: None,
};
