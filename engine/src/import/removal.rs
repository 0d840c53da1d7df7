//! Brake on removals: stops an import that would remove very much from the code. A cluster seldom loses all objects of a
//! kind at once; a broken answer often looks like that.

use std::collections::BTreeMap;

use proxmox_mpc_generators::{Generated, ObjectGroup, RemovedCode};
use proxmox_mpc_model::kinds::KINDS;

/// Limits of what an import may remove from the code.
#[derive(Clone, Copy, Debug)]
pub struct RemovalLimits {
    /// The number of objects that may be removed, of whatever kind; `None` if the user gave none.
    pub allowed: Option<usize>,
    /// The part of the guests that may be removed, in percent.
    pub guests: u8,
}

/// The default of [`RemovalLimits::guests`], in percent.
pub const DEFAULT_LIMIT: u8 = 10;

impl Default for RemovalLimits {
    fn default() -> Self {
        Self { allowed: None, guests: DEFAULT_LIMIT }
    }
}

/// Objects of one kind that an import would remove from the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// The kind, as people call it: `virtual machine`.
    pub title: &'static str,
    /// The number of objects of the kind that have code.
    pub known: usize,
    /// The objects that would be removed.
    pub gone: Vec<RemovedCode>,
    /// True if these alone are too many.
    pub too_many: bool,
}

/// Returns the objects that would be removed, by kind, if the import has to stop; empty if it may go on.
///
/// An import stops if it would remove every object of a kind, or all of the several objects that one node has of a kind,
/// or more than [`RemovalLimits::guests`] percent of the guests, unless [`RemovalLimits::allowed`] covers all of them.
pub fn brake(generated: &Generated, limits: RemovalLimits) -> Vec<Removal> {
    let mut families: BTreeMap<ObjectGroup, Vec<&RemovedCode>> = BTreeMap::new();
    for gone in &generated.gone {
        for family in ObjectGroup::of(&gone.identity) {
            families.entry(family).or_default().push(gone);
        }
    }
    if limits.allowed.is_some_and(|allowed| generated.gone.len() <= allowed) {
        return Vec::new();
    }
    let known = |family: &ObjectGroup| generated.known.get(family).copied().unwrap_or_default();
    let of_kind = |kind: &'static str| ObjectGroup { kind, node: None };
    let guests = GUESTS.map(of_kind);
    let guests_gone: usize = guests.iter().filter_map(|family| families.get(family)).map(Vec::len).sum();
    let too_many_guests = guests_gone * 100 > guests.iter().map(known).sum::<usize>() * usize::from(limits.guests);
    let whole = |family: &ObjectGroup, gone: &[&RemovedCode]| {
        gone.len() >= known(family) && (family.node.is_none() || gone.len() > 1)
    };
    let removal = |kind: &'static str, gone: &[&RemovedCode]| Removal {
        title: KINDS.iter().find(|known| known.id == kind).map_or("object", |kind| kind.title),
        known: known(&of_kind(kind)),
        gone: gone.iter().copied().cloned().collect(),
        too_many: (GUESTS.contains(&kind) && too_many_guests)
            || families.iter().any(|(family, gone)| family.kind == kind && whole(family, gone)),
    };
    let all = families.iter().filter(|(family, _)| family.node.is_none());
    let removals: Vec<Removal> = all.map(|(family, gone)| removal(family.kind, gone)).collect();
    if removals.iter().any(|removal| removal.too_many) { removals } else { Vec::new() }
}

/// The kinds of guests.
const GUESTS: [&str; 2] = ["vm", "container"];

#[cfg(test)]
mod tests {
    use proxmox_mpc_model::Identity;

    use super::*;

    #[test]
    fn what_takes_out_very_much_stops() {
        let check = |known: &[(&str, usize)], gone_of: &[(&str, usize)], allowed: Option<usize>, stops: bool| {
            let identities = |counts: &[(&str, usize)]| -> Vec<Identity> {
                let numbered = |(prefix, count): &(&str, usize)| {
                    let (prefix, place) = prefix.split_once('/').unwrap_or((prefix, ""));
                    let (prefix, place) = (prefix.to_owned(), place.to_owned());
                    (0..*count).map(move |id| Identity::new(&prefix, format!("{place}{}", 100 + id)))
                };
                counts.iter().flat_map(numbered).collect()
            };
            let mut generated = Generated::default();
            for family in identities(known).iter().flat_map(ObjectGroup::of) {
                *generated.known.entry(family).or_default() += 1;
            }
            let gone = |identity: Identity| RemovedCode { address: format!("a.b{}", identity.id()), identity };
            generated.gone = identities(gone_of).into_iter().map(gone).collect();
            let removals = brake(&generated, RemovalLimits { allowed, ..RemovalLimits::default() });
            assert_eq!(!removals.is_empty(), stops, "{known:?} {gone_of:?} {allowed:?}");
        };
        check(&[("qemu", 10), ("lxc", 10)], &[], None, false);
        check(&[("qemu", 10), ("lxc", 10)], &[("qemu", 2)], None, false);
        check(&[("qemu", 10), ("lxc", 10)], &[("qemu", 2), ("lxc", 1)], None, true);
        check(&[("qemu", 10), ("lxc", 10)], &[("qemu", 2), ("lxc", 1)], Some(3), false);
        check(&[("qemu", 10), ("lxc", 10)], &[("qemu", 2), ("lxc", 1)], Some(2), true);
        check(&[("pool", 3)], &[("pool", 2)], None, false);
        check(&[("pool", 3)], &[("pool", 3)], None, true);
        check(&[("firewall-alias", 1)], &[("firewall-alias", 1)], None, true);
        check(&[("user", 2)], &[("user", 2)], Some(1), true);
        check(&[("user", 2)], &[("user", 2)], Some(2), false);
        let networks: &[(&str, usize)] = &[("network/pve1/", 3), ("network/pve2/", 3)];
        check(networks, &[("network/pve1/", 2)], None, false);
        check(networks, &[("network/pve1/", 3)], None, true);
        check(&[("node-dns/pve1", 1), ("node-dns/pve2", 1)], &[("node-dns/pve1", 1)], None, false);
    }
}
