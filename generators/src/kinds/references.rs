//! References to storages, bridges, mappings and realms, so that Terraform creates what an object needs first. An object
//! without code is named literally.

use proxmox_mpc_model::Identity;

use super::guard::{guest, referred};
use crate::draft::Draft;
use crate::hcl::Value;

/// Reference to a storage by its id.
pub(super) fn storage(draft: &Draft<'_>, id: &str) -> Value {
    referred(draft, "storage", id, "id")
}

/// Volume with a reference to its storage: `local:iso/debian.iso`. A path stays a literal.
pub(super) fn volume(draft: &Draft<'_>, volume: &str) -> Value {
    match volume.split_once(':').map(|(id, path)| (storage(draft, id), path)) {
        Some((reference @ Value::Reference(_), path)) => Value::Template(vec![reference, format!(":{path}").into()]),
        _ => volume.into(),
    }
}

/// Reference to a bridge of the guest's node, or to a virtual network of the SDN, which is a bridge on every node. On another
/// node the bridge has the same name, so a migration shows no difference (docs/provider.md, O2).
pub(super) fn bridge(draft: &Draft<'_>, name: &str) -> Value {
    let node = draft.object.entry.node.as_deref().unwrap_or_default();
    let own = draft.reference(&Identity::new("network", format_args!("{node}/{name}")), "name");
    own.unwrap_or_else(|| referred(draft, "sdn-vnet", name, "id"))
}

/// Reference to a bridge that several nodes have. The value refers to the first one; the others go into `depends_on`.
pub(super) fn bridges<'n>(draft: &mut Draft<'_>, name: &str, nodes: impl Iterator<Item = &'n str>) -> Value {
    let identities = nodes.map(|node| Identity::new("network", format_args!("{node}/{name}")));
    let mut addresses: Vec<String> = identities.filter_map(|one| draft.addresses.get(&one).cloned()).collect();
    if addresses.is_empty() {
        return name.into();
    }
    let first = addresses.remove(0);
    for address in addresses {
        draft.depend_on(address);
    }
    Value::Reference(format!("{first}.name"))
}

/// Reference to a mapping of PCI or USB devices or of directories.
pub(super) fn mapping(draft: &Draft<'_>, kind: &str, id: &str) -> Value {
    referred(draft, &format!("hardware-mapping-{kind}"), id, "name")
}

/// User with a reference to the realm (`alice@corp`): Proxmox accepts users of existing realms only.
pub(super) fn user(draft: &Draft<'_>, user: &str) -> Value {
    match user.rsplit_once('@').map(|(name, realm)| (name, referred(draft, "realm", realm, "realm"))) {
        Some((name, reference @ Value::Reference(_))) => Value::Template(vec![format!("{name}@").into(), reference]),
        _ => user.into(),
    }
}

/// Path of a permission with a reference to its object: `/pool/prod`.
pub(super) fn path(draft: &Draft<'_>, path: &str) -> Value {
    let about = match path.splitn(3, '/').collect::<Vec<_>>()[..] {
        ["", "pool", id] => Some(("/pool/", draft.reference(&Identity::new("pool", id), "pool_id"))),
        ["", "storage", id] => Some(("/storage/", draft.reference(&Identity::new("storage", id), "id"))),
        ["", "vms", id] => Some(("/vms/", guest(draft, id))),
        _ => None,
    };
    match about {
        Some((before, Some(reference))) => Value::Template(vec![before.into(), reference]),
        _ => path.into(),
    }
}
