//! Host names of guests in the inventory: the name in Proxmox, as far as Ansible accepts it.

use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_model::Identity;

/// Names with a meaning in this inventory or in Ansible itself; no host gets one of them.
pub(super) const RESERVED: [&str; 6] = ["all", "ungrouped", "localhost", "virtual_machines", "containers", "templates"];

/// Request for a host name.
pub(super) struct HostNameRequest<'w> {
    /// The guest.
    pub(super) identity: &'w Identity,
    /// Name that it has in the inventory already; it stays.
    pub(super) given: Option<&'w str>,
    /// Its name in Proxmox; `None` if it has none.
    pub(super) name: Option<&'w str>,
}

/// Assigns a host name to each guest, in the order of the requests.
///
/// Existing names stay. A new guest gets its own name if no other guest has or requests it, else its name with its VMID as a
/// suffix. The order of the requests does not matter. No new guest gets the name of one of the existing `groups`.
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
            // The search ends: the name grows, and only finitely many names are taken.
            let longer = |name: &String| Some(format!("{name}-{}", request.identity.id()));
            let mut longer = std::iter::successors(longer(&plain(request)), longer);
            longer.find(|name| !taken.contains(name)).unwrap_or_default()
        }
    };
    requests.iter().map(name).collect()
}

/// Legal host name for a guest (`fw.home.arpa`): letters, digits, dots, dashes and underscores. Ansible reads other characters as
/// patterns, ranges, ports or separators; they become dashes. A guest without a name gets its type and VMID.
fn plain(request: &HostNameRequest<'_>) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let name = deunicode::deunicode_with_tofu(request.name.unwrap_or_default(), "-");
    let words: Vec<&str> = name.split(|c| !legal(c)).filter(|word| !word.is_empty()).collect();
    let name = words.join("-");
    // Ansible takes a leading dash for an option, and hides names with a leading dot.
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

    /// VMID, existing host name, name in Proxmox, and the expected host name.
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
    fn legal_names_stay_as_they_are() {
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
    fn equal_names_get_the_vmid_in_any_order() {
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
    fn existing_names_stay() {
        check(&[(1, Some("web"), "renamed", "web"), (2, None, "web", "web-2"), (3, None, "renamed", "renamed")]);
        check(&[(1, Some("web_01"), "web-01", "web_01"), (2, Some("web-2"), "web", "web-2"), (3, None, "web", "web")]);
    }
}
