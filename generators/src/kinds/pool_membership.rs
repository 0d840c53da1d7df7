//! Pool memberships as `proxmox_pool_membership`.

use proxmox_mpc_model::{Identity, Object};

use super::{Context, Destination, Namespace, Translation};
use crate::ansible::Role;
use crate::draft::Draft;
use crate::hcl::Value;
use crate::row::Row;

/// Translation of memberships.
pub(super) static TRANSLATION: Translation = Translation {
    kind: "pool_membership",
    file: "pool_memberships.tf",
    word: "member",
    data: false,
    namespace: Namespace::Own("pool_membership"),
    destination: |object, context| Ok(destination(object, context)),
    name: |entry| {
        Some(format!("{} {}", entry.pool.as_deref().unwrap_or_default(), entry.name.as_deref().unwrap_or_default()))
    },
    rows: &[Row::custom(&["poolid", "type", "member"], membership)],
    role: Some(|_| Role::cluster("pools")),
};

/// Destination with the import id `prod/vm/100` for guests, `dev/storage/tank` for storages. The id has three parts, so members of
/// nested pools have none; a virtual machine has its nested pool as an attribute (docs/provider.md, N1).
fn destination(object: &Object, context: &Context<'_>) -> Destination {
    let key = |key: &str| object.text(key).unwrap_or_default();
    let (pool, kind, member) = (key("poolid"), key("type"), key("member"));
    if !pool.contains('/') {
        let word = if kind == "storage" { "storage" } else { "vm" };
        return Destination::Resource("proxmox_pool_membership", format!("{pool}/{word}/{member}"));
    }
    if let Some(address) = context.addresses.get(&Identity::new(&kind, &member)).filter(|_| kind == "qemu") {
        return Destination::PartOf(format!("{address}.pool_id"));
    }
    let reason = format!("the provider cannot import a membership of the nested pool `{pool}` (provider rule N1)");
    Destination::Ansible(reason.into())
}

fn membership(draft: &mut Draft<'_>) {
    let mut key = |key: &str| draft.text(key).unwrap_or_default();
    let (pool, kind, member) = (key("poolid"), key("type"), key("member"));
    let value = draft.reference(&Identity::new("pool", &pool), "pool_id").unwrap_or(Value::Text(pool));
    draft.set("pool_id", value);
    if kind == "storage" {
        let value = draft.reference(&Identity::new("storage", &member), "id").unwrap_or(Value::Text(member));
        draft.set("storage_id", value);
    } else {
        // An imported container has no `vm_id` (docs/provider.md, C2), so the reference is to `id`.
        let literal = Value::Integer(member.parse().unwrap_or_default());
        let value = draft.reference(&Identity::new(&kind, &member), "id").unwrap_or(literal);
        draft.set("vm_id", value);
    }
}
