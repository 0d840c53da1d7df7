//! Roles: where their privileges go in `proxmox_virtual_environment_role`.

use super::{Half, Namespace, Place};
use crate::hcl::Value;
use crate::row::Row;

/// The generators' half of roles. Those that come with Proxmox could be imported as well, and never be changed.
pub(super) static HALF: Half = Half {
    kind: "role",
    file: "roles.tf",
    word: "role",
    data: false,
    namespace: Namespace::Own("role"),
    place: |object, _| {
        if object.text("special").as_deref() == Some("1") {
            return Ok(Place::BuiltIn);
        }
        Ok(Place::Own("proxmox_virtual_environment_role", object.entry.identity.id().to_owned()))
    },
    name: |entry| entry.name.clone(),
    rows: &[
        Row::text(&["roleid"], "role_id"),
        Row::custom(&["privs"], |draft| {
            let text = draft.text("privs").unwrap_or_default();
            let mut privileges: Vec<&str> = text.split(',').filter(|privilege| !privilege.is_empty()).collect();
            privileges.sort_unstable();
            draft.set("privileges", Value::List(privileges.into_iter().map(Value::from).collect()));
        }),
        Row::volatile(&["special"]),
    ],
    role: None,
};
