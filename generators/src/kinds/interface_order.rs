//! The order of a node's network interfaces: each one comes after those that it is built on.

use std::collections::BTreeMap;

use proxmox_mpc_model::kinds::Kind;
use proxmox_mpc_model::kinds::Reading;
use proxmox_mpc_model::{Cluster, Entry, Identity, Object, Unreadable};

/// Names of the interfaces below this one: ports, slaves, and the device of a VLAN, which its name may give too
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

/// Sorts network interfaces into an order in which they can be created. Of a circle, which Proxmox would not bring up, one
/// interface comes first and refers to no other.
pub(super) fn arrange(kind: &Kind, cluster: &Cluster<'_>, entries: &mut Vec<Entry>) -> Result<(), Unreadable> {
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

/// Depth-first search: appends what an interface needs, then the interface. Chains are short, so it recurses.
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
