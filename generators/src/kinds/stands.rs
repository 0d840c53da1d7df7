//! What an object stands on: storages, bridges, mappings, interfaces and realms are referred to where they have code, so that a cluster that is
//! built anew has an order; where they have none, their names stand there.

use std::collections::BTreeMap;

use proxmox_mpc_model::kinds::Reading;
use proxmox_mpc_model::{Cluster, Entry, Identity, Object, Unreadable};

use super::guard::{guest, referred};
use crate::draft::Draft;
use crate::hcl::Value;

/// A storage, by its id.
pub(super) fn storage(draft: &Draft<'_>, id: &str) -> Value {
    referred(draft, "storage", id, "id")
}

/// What lies on a storage: `local:iso/debian.iso`. A path is none.
pub(super) fn volume(draft: &Draft<'_>, volume: &str) -> Value {
    match volume.split_once(':').map(|(id, path)| (storage(draft, id), path)) {
        Some((reference @ Value::Reference(_), path)) => Value::Template(vec![reference, format!(":{path}").into()]),
        _ => volume.into(),
    }
}

/// A bridge of the guest's node, or a virtual network of the SDN, which is one on every node. On another node the bridge has
/// the same name, so that a move shows no difference (docs/provider.md, O2).
pub(super) fn bridge(draft: &Draft<'_>, name: &str) -> Value {
    let node = draft.object.entry.node.as_deref().unwrap_or_default();
    let own = draft.reference(&Identity::new("network", format_args!("{node}/{name}")), "name");
    own.unwrap_or_else(|| referred(draft, "sdn-vnet", name, "id"))
}

/// A bridge that each of these nodes has. One of them is referred to, and the others are waited for as well.
pub(super) fn bridges<'n>(draft: &mut Draft<'_>, name: &str, nodes: impl Iterator<Item = &'n str>) -> Value {
    let identities = nodes.map(|node| Identity::new("network", format_args!("{node}/{name}")));
    let mut addresses: Vec<String> = identities.filter_map(|one| draft.addresses.get(&one).cloned()).collect();
    if addresses.is_empty() {
        return name.into();
    }
    let first = addresses.remove(0);
    for address in addresses {
        draft.wait_for(address);
    }
    Value::Reference(format!("{first}.name"))
}

/// A mapping of PCI or USB devices or of directories.
pub(super) fn mapping(draft: &Draft<'_>, kind: &str, id: &str) -> Value {
    referred(draft, &format!("hardware-mapping-{kind}"), id, "name")
}

/// A user, whom Proxmox takes only in a realm that is there: `alice@corp`.
pub(super) fn user(draft: &Draft<'_>, user: &str) -> Value {
    match user.rsplit_once('@').map(|(name, realm)| (name, referred(draft, "realm", realm, "realm"))) {
        Some((name, reference @ Value::Reference(_))) => Value::Template(vec![format!("{name}@").into(), reference]),
        _ => user.into(),
    }
}

/// The path of a permission (`/pool/prod`), with what it is about.
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

/// The names of the interfaces that this one stands on: ports, slaves, the device of a VLAN, which its name says too
/// (`bond0.200`).
pub(super) fn below(interface: &Object) -> Vec<String> {
    let words = |key: &str| interface.text(key).unwrap_or_default();
    let mut names: Vec<String> = ["bridge_ports", "slaves", "vlan-raw-device"]
        .into_iter()
        .flat_map(|key| words(key).split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    names.extend(words("iface").rsplit_once('.').map(|(device, _)| device.to_owned()));
    names
}

/// Network interfaces in the order in which they can be made: each behind those that it stands on. In a circle, which nobody could
/// set up, one comes first, and refers to none.
pub(super) fn arrange(cluster: &Cluster<'_>, entries: &mut Vec<Entry>) -> Result<(), Unreadable> {
    let kind = super::network::HALF.model();
    let mut needs = Vec::new();
    for entry in &*entries {
        let read: Reading = kind.read(cluster, entry)?;
        let names = read.map(|object| below(&object)).unwrap_or_default();
        let node = entry.node.as_deref().unwrap_or_default();
        let identity = |name: &String| Identity::new(kind.prefix, format_args!("{node}/{name}"));
        needs.push(names.iter().map(identity).collect::<Vec<_>>());
    }
    let places: BTreeMap<&Identity, usize> = entries.iter().map(|entry| &entry.identity).zip(0..).collect();
    let places_of = |names: &Vec<Identity>| names.iter().filter_map(|name| places.get(name).copied()).collect();
    let needs: Vec<Vec<usize>> = needs.iter().map(places_of).collect();
    let mut order = Vec::new();
    let mut seen = vec![false; entries.len()];
    for start in 0..entries.len() {
        visit(start, &needs, &mut seen, &mut order);
    }
    *entries = order.into_iter().map(|index| entries[index].clone()).collect();
    Ok(())
}

/// Puts what one needs before it. No chain of interfaces is long.
fn visit(at: usize, needs: &[Vec<usize>], seen: &mut [bool], order: &mut Vec<usize>) {
    if std::mem::replace(&mut seen[at], true) {
        return;
    }
    for need in &needs[at] {
        visit(*need, needs, seen, order);
    }
    order.push(at);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_comes_first() {
        let check = |needs: &[&[usize]], expected: &[usize]| {
            let needs: Vec<Vec<usize>> = needs.iter().map(|one| one.to_vec()).collect();
            let (mut seen, mut order) = (vec![false; needs.len()], Vec::new());
            (0..needs.len()).for_each(|start| visit(start, &needs, &mut seen, &mut order));
            assert_eq!(order, expected, "{needs:?}");
        };
        check(&[&[], &[]], &[0, 1]);
        check(&[&[2], &[0], &[]], &[2, 0, 1]);
        check(&[&[1], &[0]], &[1, 0]);
        check(&[&[0]], &[0]);
    }
}
