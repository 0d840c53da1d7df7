//! How the guests are called in the inventory: as in Proxmox, where Ansible can have a host of that name.

use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_model::Identity;

/// Names with a meaning in this inventory or in Ansible itself; no host gets one of them.
pub(super) const RESERVED: [&str; 6] = ["all", "ungrouped", "localhost", "virtual_machines", "containers", "templates"];

/// What a guest would like to be called.
pub(super) struct HostNameRequest<'w> {
    /// Who it is.
    pub(super) identity: &'w Identity,
    /// The name that the inventory has given it before, which stays.
    pub(super) given: Option<&'w str>,
    /// Its name in Proxmox; `None` where it has none.
    pub(super) name: Option<&'w str>,
}

/// A name for each guest, in the order of the requests.
///
/// A name that was given stays. Of new guests, those whose name nobody else has or wants are called so; the others carry
/// their VMID behind it, whichever came first. The same requests give the same names in any order. No new guest is called like
/// one of the `groups` that have their names already.
pub(super) fn assign<'g>(requests: &[HostNameRequest<'_>], groups: impl Iterator<Item = &'g str>) -> Vec<String> {
    let given = requests.iter().filter_map(|request| Some(request.given?.to_owned()));
    let reserved = RESERVED.into_iter().chain(groups).map(str::to_owned);
    let mut taken: BTreeSet<String> = reserved.chain(given).collect();
    let mut wanted: BTreeMap<String, usize> = BTreeMap::new();
    for request in requests.iter().filter(|request| request.given.is_none()) {
        *wanted.entry(plain(request)).or_default() += 1;
    }
    wanted.retain(|name, count| *count == 1 && !taken.contains(name));
    taken.extend(wanted.keys().cloned());
    let name = |request: &HostNameRequest<'_>| match request.given {
        Some(name) => name.to_owned(),
        None if wanted.contains_key(&plain(request)) => plain(request),
        None => {
            // Ends: the name grows, and what is taken is finite. No other guest has this number.
            let longer = |name: &String| Some(format!("{name}-{}", request.identity.id()));
            let mut longer = std::iter::successors(longer(&plain(request)), longer);
            longer.find(|name| !taken.contains(name)).unwrap_or_default()
        }
    };
    requests.iter().map(name).collect()
}

/// The name alone, `fw.home.arpa`: letters, digits, dots, dashes and underscores. Ansible reads anything else as a pattern or
/// a range of hosts, a port, or a separator; it becomes a dash. Without a name a guest is called by its type and VMID.
fn plain(request: &HostNameRequest<'_>) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let name = deunicode::deunicode_with_tofu(request.name.unwrap_or_default(), "-");
    let words: Vec<&str> = name.split(|c| !legal(c)).filter(|word| !word.is_empty()).collect();
    let name = words.join("-");
    // At its start, Ansible takes a dash for an option, and hides what starts with a dot.
    let name = name.trim_start_matches(['-', '.']);
    if !name.is_empty() {
        return name.to_owned();
    }
    let word = if request.identity.prefix() == "lxc" { "ct" } else { "vm" };
    format!("{word}-{}", request.identity.id())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// VMID, the name that was given, the name in Proxmox, and what the host is to be called.
    type Case = (u32, Option<&'static str>, &'static str, &'static str);

    fn check(cases: &[Case]) {
        let mut cases = cases.to_vec();
        for _ in 0..2 {
            let identities: Vec<Identity> = cases.iter().map(|case| Identity::new("qemu", case.0)).collect();
            let request = |(identity, (_, given, name, _)): (_, &Case)| HostNameRequest {
                identity,
                given: *given,
                name: Some(*name).filter(|name| !name.is_empty()),
            };
            let requests: Vec<HostNameRequest<'_>> = identities.iter().zip(&cases).map(request).collect();
            let expected: Vec<&str> = cases.iter().map(|case| case.3).collect();
            assert_eq!(assign(&requests, std::iter::empty()), expected);
            cases.reverse();
        }
    }

    #[test]
    fn a_guest_keeps_its_own_name_where_that_is_legal() {
        check(&[
            (1, None, "fw.home.arpa", "fw.home.arpa"),
            (2, None, "haos-16.2", "haos-16.2"),
            (3, None, "Web", "Web"),
        ]);
        check(&[(1, None, "", "vm-1"), (3, None, "01", "01"), (5, None, "", "vm-5-5"), (6, None, "vm-5", "vm-5-6")]);
        check(&[
            (1, None, "a[1:3]", "a-1-3"),
            (2, None, "!b,c:d&e*", "b-c-d-e"),
            (3, None, "-.x", "x"),
            (4, None, "~", "vm-4"),
        ]);
        check(&[
            (1, None, "{{ lookup('pipe','id') }}", "lookup-pipe-id"),
            (2, None, "ünï", "uni"),
            (3, None, "東京", "Dong-Jing"),
        ]);
        check(&[(1, None, "localhost", "localhost-1"), (2, None, "all", "all-2"), (3, None, "web:22", "web-22")]);
    }

    #[test]
    fn equal_names_carry_their_number_whoever_comes_first() {
        check(&[(1, None, "web", "web-1"), (2, None, "web", "web-2"), (3, None, "db", "db")]);
        check(&[(1, None, "Web", "Web"), (2, None, "web", "web")]);
        check(&[(1, None, "web", "web-1-1"), (2, None, "web", "web-2"), (3, None, "web-1", "web-1")]);
        check(&[
            (1, None, "a", "a-1-1-1"),
            (2, None, "a", "a-2"),
            (3, None, "a-1", "a-1"),
            (4, None, "a-1-1", "a-1-1"),
        ]);
    }

    #[test]
    fn a_name_once_given_stays() {
        check(&[(1, Some("web"), "renamed", "web"), (2, None, "web", "web-2"), (3, None, "renamed", "renamed")]);
        check(&[(1, Some("web_01"), "web-01", "web_01"), (2, Some("web-2"), "web", "web-2"), (3, None, "web", "web")]);
    }
}
