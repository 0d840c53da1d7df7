//! Brake before code is taken out: an import that would remove very much stops, since a cluster seldom loses all of
//! something at once, and a broken answer often does.

use std::collections::BTreeMap;

use proxmox_mpc_generators::{Generated, Gone};
use proxmox_mpc_model::kinds::{self, KINDS};

/// How much of the code an import may take out without being asked to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// So many objects may go, whatever they are; `None` where nobody said.
    pub allowed: Option<usize>,
    /// At most this part of the guests, in percent.
    pub guests: u8,
}

impl Default for Limits {
    fn default() -> Self {
        Self { allowed: None, guests: 10 }
    }
}

/// Objects of one kind that an import would take out of the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// How people call one of the kind: `virtual machine`.
    pub title: &'static str,
    /// How many objects of the kind have code.
    pub known: usize,
    /// Which would go: the address of each, and who it is.
    pub gone: Vec<Gone>,
    /// Whether the brake is for these: all of the kind, or too many guests.
    pub too_many: bool,
}

/// What an import would take out, kind by kind, where the brake stops it; empty where it may go on.
///
/// It stops where every object of a kind would go, or more than [`Limits::guests`] percent of the guests, unless
/// [`Limits::allowed`] covers all that would go.
pub fn brake(generated: &Generated, limits: Limits) -> Vec<Removal> {
    let mut by_kind: BTreeMap<&'static str, Vec<Gone>> = BTreeMap::new();
    for gone in &generated.gone {
        let kind = kinds::of(&gone.identity).map_or("", |kind| kind.id);
        by_kind.entry(kind).or_default().push(gone.clone());
    }
    let total = generated.gone.len();
    if limits.allowed.is_some_and(|allowed| total <= allowed) {
        return Vec::new();
    }
    let known = |kind: &str| generated.known.get(kind).copied().unwrap_or_default();
    let is_guest = |kind: &str| matches!(kind, "vm" | "container");
    let guests: usize = known("vm") + known("container");
    let guests_gone: usize = by_kind.iter().filter(|(kind, _)| is_guest(kind)).map(|(_, gone)| gone.len()).sum();
    let too_many_guests = guests_gone * 100 > guests * usize::from(limits.guests);
    let removal = |(kind, gone): (&'static str, Vec<Gone>)| {
        let known = known(kind);
        let title = KINDS.iter().find(|one| one.id == kind).map_or("object", |kind| kind.title);
        let too_many = gone.len() >= known || (is_guest(kind) && too_many_guests);
        Removal { title, known, gone, too_many }
    };
    let removals: Vec<Removal> = by_kind.into_iter().map(removal).collect();
    if removals.iter().any(|removal| removal.too_many) { removals } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use proxmox_mpc_model::Identity;

    use super::*;

    #[test]
    fn what_takes_out_very_much_stops() {
        let check = |known: &[(&'static str, usize)], gone: &[(&str, usize)], allowed: Option<usize>, stops: bool| {
            let one = |(prefix, count): &(&str, usize)| {
                let prefix = (*prefix).to_owned();
                (0..*count).map(move |id| Gone { identity: Identity::new(&prefix, id), address: format!("a.b{id}") })
            };
            let generated = Generated {
                gone: gone.iter().flat_map(one).collect(),
                known: known.iter().copied().collect(),
                ..Generated::default()
            };
            let found = brake(&generated, Limits { allowed, ..Limits::default() });
            assert_eq!(!found.is_empty(), stops, "{known:?} {gone:?} {allowed:?}");
        };
        check(&[("vm", 10), ("container", 10)], &[], None, false);
        check(&[("vm", 10), ("container", 10)], &[("qemu", 2)], None, false);
        check(&[("vm", 10), ("container", 10)], &[("qemu", 2), ("lxc", 1)], None, true);
        check(&[("vm", 10), ("container", 10)], &[("qemu", 2), ("lxc", 1)], Some(3), false);
        check(&[("vm", 10), ("container", 10)], &[("qemu", 2), ("lxc", 1)], Some(2), true);
        check(&[("pool", 3)], &[("pool", 2)], None, false);
        check(&[("pool", 3)], &[("pool", 3)], None, true);
        check(&[("firewall_alias", 1)], &[("firewall-alias", 1)], None, true);
        check(&[("user", 2)], &[("user", 2)], Some(1), true);
        check(&[("user", 2)], &[("user", 2)], Some(2), false);
    }
}
