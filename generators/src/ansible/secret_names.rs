//! Names of the environment variables in which tasks look up secrets, one for each secret.

use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_model::kinds::Class;
use proxmox_mpc_model::{Identity, Listing};

use crate::kinds::Translation;
use crate::names::{self, NameRequest};
use crate::previous_code::PreviousCode;

/// Names that differ from the default, which is made of identity and key.
#[derive(Debug, Default)]
pub(crate) struct SecretNames(BTreeMap<Identity, String>);

impl SecretNames {
    /// Assigns a name to every secret that a task may look up. Names in existing tasks stay, even if a new object has a similar
    /// identity: `sdn_dns/a_b` after `sdn_dns/a-b`.
    pub(crate) fn assign(listings: &[(&'static Translation, Listing)], previous: &PreviousCode<'_>) -> Self {
        let mut kept: BTreeMap<Identity, String> = BTreeMap::new();
        let mut taken = BTreeSet::new();
        for (identity, lookup) in previous.lookups() {
            let name = lookup.variable.to_lowercase();
            // If two secrets share a variable, the second one gets a new name.
            if taken.insert(name.clone()) {
                kept.insert(secret(identity, lookup.key), name);
            }
        }
        let mut requests = Vec::new();
        for (translation, listing) in listings.iter().filter(|(translation, _)| translation.role.is_some()) {
            let keys = translation.model().keys.iter().filter(|key| key.class == Class::Secret);
            for key in keys {
                requests.extend(listing.entries.iter().map(|entry| request(&entry.identity, key.name)));
            }
        }
        let mut names = names::assign(&requests, &kept, &BTreeSet::new());
        names.extend(kept);
        // Default names are not stored: each of ten thousand guests has one.
        for request in requests {
            if request.name.as_deref().map(names::slug) == names.get(&request.identity).cloned() {
                names.remove(&request.identity);
            }
        }
        Self(names)
    }

    /// Name of the environment variable for a secret of an object: `PROXMOX_MPC_SDN_DNS_PDNS_KEY`.
    pub(crate) fn variable(&self, identity: &Identity, key: &str) -> String {
        let given = self.0.get(&secret(identity, key)).cloned();
        given.unwrap_or_else(|| names::slug(&plain(identity, key))).to_uppercase()
    }
}

fn secret(identity: &Identity, key: &str) -> Identity {
    Identity::new(identity.as_str(), key)
}

fn plain(identity: &Identity, key: &str) -> String {
    format!("proxmox mpc {identity} {key}")
}

fn request(identity: &Identity, key: &str) -> NameRequest {
    NameRequest { identity: secret(identity, key), name: Some(plain(identity, key)), word: "secret", id: String::new() }
}
