//! Labels of objects: from the user's mapping, else the manifest, else the names in Proxmox. On demand, what was renamed in
//! Proxmox is named anew.

use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_model::{Entry, Identity, Listing};

use crate::kinds::{Namespace, Translation};
use crate::manifest::Manifest;
use crate::names::{self, NameRequest};
use crate::workspace::Options;

/// Assigns a label to every listed object.
pub(crate) fn assign(
    listings: &[(&'static Translation, Listing)],
    options: &Options,
    manifest: &Manifest,
) -> BTreeMap<Identity, String> {
    let mut requests: BTreeMap<Namespace, Vec<NameRequest>> = BTreeMap::new();
    let mut kept: BTreeMap<Namespace, BTreeMap<Identity, String>> = BTreeMap::new();
    for (translation, listing) in listings {
        let prefix = translation.model().prefix;
        let request = |entry: &Entry| NameRequest {
            identity: entry.identity.clone(),
            name: (translation.name)(entry),
            word: translation.word,
            id: entry.identity.id().to_owned(),
        };
        let listed: Vec<NameRequest> = listing.entries.iter().map(request).collect();
        let labels = |known: &Manifest| -> Vec<(Identity, String)> {
            let ours = known.objects.keys().filter(|identity| identity.prefix() == prefix);
            ours.filter_map(|identity| Some((identity.clone(), known.label(identity)?.to_owned()))).collect()
        };
        let places = kept.entry(translation.namespace).or_default();
        places.extend(labels(manifest));
        if options.rename {
            for request in &listed {
                if places.get(&request.identity).is_some_and(|label| !names::may_be(request, label)) {
                    places.remove(&request.identity);
                }
            }
        }
        places.extend(options.mapping.as_ref().map(labels).unwrap_or_default());
        requests.entry(translation.namespace).or_default().extend(listed);
    }
    // Terraform follows a `moved` block from an old label, so no new object may get that label.
    let moved: BTreeSet<&str> = manifest.moved.iter().filter_map(|step| Some(step.from.split_once('.')?.1)).collect();
    let none = BTreeMap::new();
    let mut names = BTreeMap::new();
    for (namespace, requests) in &requests {
        names.extend(names::assign(requests, kept.get(namespace).unwrap_or(&none), &moved));
    }
    names
}

/// Objects whose label another object of their namespace has as well. A mapping can give one label to resources of two types.
pub(crate) fn sharing(
    listings: &[(&'static Translation, Listing)],
    names: &BTreeMap<Identity, String>,
    manifest: &Manifest,
) -> BTreeSet<Identity> {
    let mut holders: BTreeMap<(Namespace, &str), BTreeSet<&Identity>> = BTreeMap::new();
    for (translation, listing) in listings {
        let prefix = translation.model().prefix;
        let listed = listing.entries.iter().filter_map(|entry| names.get_key_value(&entry.identity));
        let known = manifest.objects.keys().filter(|identity| identity.prefix() == prefix);
        let known = known.filter(|identity| !names.contains_key(*identity));
        let labels = listed.map(|(identity, label)| (identity, label.as_str()));
        for (identity, label) in labels.chain(known.filter_map(|one| Some((one, manifest.label(one)?)))) {
            holders.entry((translation.namespace, label)).or_default().insert(identity);
        }
    }
    holders.into_values().filter(|holders| holders.len() > 1).flatten().cloned().collect()
}

/// Sort key for the order in which people count: `qemu/99` before `qemu/100`.
pub(crate) fn natural(identity: &Identity) -> (u64, Identity) {
    (identity.id().parse().unwrap_or(u64::MAX), identity.clone())
}
