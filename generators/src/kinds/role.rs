//! Roles as `proxmox_virtual_environment_role`.

use super::{Destination, Namespace, Translation};
use crate::hcl::Value;
use crate::row::Row;

/// Translation of roles. Roles that come with Proxmox could be imported as well, but nobody can change them.
pub(super) static TRANSLATION: Translation = Translation {
    kind: "role",
    file: "roles.tf",
    word: "role",
    data: false,
    namespace: Namespace::Own("role"),
    destination: |object, _| {
        if object.text("special").as_deref() == Some("1") {
            return Ok(Destination::BuiltIn);
        }
        Ok(Destination::Resource("proxmox_virtual_environment_role", object.entry.identity.id().to_owned()))
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
