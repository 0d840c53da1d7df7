//! IP sets as `proxmox_virtual_environment_firewall_ipset`.

use proxmox_mpc_model::kinds;

use super::super::{Destination, Namespace, Translation};
use super::{import_id, role, scope};
use crate::draft::{Draft, Obstacle};
use crate::hcl::Block;
use crate::row::Row;

/// Translation of IP sets.
pub(in super::super) static TRANSLATION: Translation = Translation {
    kind: "firewall_ipset",
    file: "ip_sets.tf",
    word: "ip_set",
    data: false,
    namespace: Namespace::Own("firewall_ipset"),
    destination: |object, _| {
        let (Some(place), Some(name)) = (import_id(object), object.text("name")) else {
            return Err(Obstacle::new("the provider has IP sets of the cluster and of guests only (provider rule F9)"));
        };
        Ok(Destination::Resource("proxmox_virtual_environment_firewall_ipset", format!("{place}/{name}")))
    },
    // The label of a set of a guest includes the guest's name.
    name: |entry| entry.identity.id().strip_prefix("cluster/").map(str::to_owned).or_else(|| entry.name.clone()),
    rows: &[
        Row::custom(&[], scope),
        Row::text(&["name"], "name"),
        Row::text(&["comment"], "comment"),
        Row::custom(&["cidr[n]"], addresses),
        Row::volatile(&["digest"]),
    ],
    role: Some(role),
};

/// Writes a block for each address, sorted: their order has no meaning.
fn addresses(draft: &mut Draft<'_>) {
    let mut keys: Vec<String> =
        draft.object.keys.keys().filter(|key| kinds::index("cidr", key).is_some()).cloned().collect();
    keys.sort_by_key(|key| kinds::index("cidr", key));
    for key in keys {
        let Some(mut options) = draft.map(&key) else { continue };
        let mut block = Block::new("cidr");
        block.set_some("name", options.take_raw("cidr"));
        block.set_some("comment", options.take_raw("comment").filter(|comment| !comment.is_empty()));
        block.set_some("nomatch", options.flag("nomatch").filter(|nomatch| *nomatch));
        draft.explain_remaining(&options, &[]);
        draft.add_block(block);
    }
}
