//! Permissions as `proxmox_acl`.

use proxmox_mpc_model::{Identity, Object};

use super::user::found_as_listed;
use super::{Destination, Namespace, Translation, references};
use crate::draft::{Draft, Obstacle};
use crate::hcl::Value;
use crate::row::Row;

/// Translation of permissions.
pub(super) static TRANSLATION: Translation = Translation {
    kind: "acl",
    file: "permissions.tf",
    word: "permission",
    data: false,
    namespace: Namespace::Own("acl"),
    destination: |object, _| destination(object),
    name: |entry| entry.name.clone(),
    rows: &[
        Row::custom(&["path"], |draft| {
            let path = draft.text("path").unwrap_or_default();
            draft.set("path", references::path(draft, &path));
        }),
        Row::custom(&["type", "ugid"], holder),
        Row::custom(&["roleid"], |draft| {
            let role = draft.text("roleid").unwrap_or_default();
            let value = draft.reference(&Identity::new("role", &role), "role_id").unwrap_or(Value::Text(role));
            draft.set("role_id", value);
        }),
        Row::flag(&["propagate"], "propagate", true),
    ],
    role: None,
};

/// Import id `/pool/prod?ops?PVEVMAdmin`. The provider splits it at `?`, and derives the type of holder from `!` and `@`
/// (docs/provider.md, U8).
fn destination(object: &Object) -> Result<Destination, Obstacle> {
    let word = |key: &str| object.text(key).unwrap_or_default();
    let (path, kind, holder, role) = (word("path"), word("type"), word("ugid"), word("roleid"));
    let taken_for = match (holder.contains('!'), holder.contains('@')) {
        (true, _) => "token",
        (false, true) => "user",
        (false, false) => "group",
    };
    if kind != taken_for || [&path, &holder, &role].iter().any(|part| part.contains('?')) {
        let reason =
            format!("the provider takes `{holder}` for another type of holder than `{kind}` (provider rule U8)");
        return Err(Obstacle::new(reason));
    }
    found_as_listed(holder.split('!').next().unwrap_or(&holder))?;
    Ok(Destination::Resource("proxmox_acl", format!("{path}?{holder}?{role}")))
}

fn holder(draft: &mut Draft<'_>) {
    let kind = draft.text("type").unwrap_or_default();
    let holder = draft.text("ugid").unwrap_or_default();
    let (attribute, of) = match kind.as_str() {
        "group" => ("group_id", "group_id"),
        "token" => ("token_id", "id"),
        _ => ("user_id", "user_id"),
    };
    let value = draft.reference(&Identity::new(&kind, &holder), of).unwrap_or(Value::Text(holder));
    draft.set(attribute, value);
}
