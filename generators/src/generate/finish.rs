//! End of a run: addresses and moves go into the manifest, and the files that need all objects are written.

use std::collections::BTreeSet;

use proxmox_mpc_model::{Identity, Object};

use super::Generation;
use crate::ansible;
use crate::bpg;
use crate::files;
use crate::kinds::TRANSLATIONS;
use crate::manifest::{self, Fingerprint};
use crate::readme;
use crate::secrets;
use crate::workspace::{Generated, RemovedCode};

impl Generation<'_> {
    /// Records the address of an object in the manifest, with a move if it had another one.
    pub(super) fn record_address(&mut self, object: &Object, address: &str, import_id: String, block: Fingerprint) {
        let identity = &object.entry.identity;
        let before = self.previous.manifest.objects.get(identity);
        if let Some(before) = before.filter(|place| !place.skip || self.has_code(identity, &place.address)) {
            let resource = |address: &str| address.split_once('.').map(|(resource, _)| resource.to_owned());
            if before.address != address && resource(&before.address) == resource(address) {
                self.out.manifest.moved.retain(|step| step.from != address);
                self.out.manifest.moved.push(manifest::Move { from: before.address.clone(), to: address.to_owned() });
            }
        }
        let place = manifest::ManifestEntry {
            address: address.to_owned(),
            import_id,
            name: object.entry.name.clone(),
            skip: false,
            block: Some(block),
            code: None,
        };
        self.out.manifest.objects.insert(identity.clone(), place);
    }

    /// True if the workspace has code for an object that it excluded until now.
    fn has_code(&self, identity: &Identity, address: &str) -> bool {
        let translation = TRANSLATIONS.iter().find(|translation| translation.model().prefix == identity.prefix());
        translation.is_some_and(|translation| {
            self.previous_code.resource(&format!("terraform/{}", translation.file), address).is_some()
        })
    }

    /// Completes the files of the workspace.
    pub(super) fn finish(mut self) -> Generated {
        let before = bpg::version(&self.previous.manifest.provider).map(|version| version.number);
        let version = self.options.provider.or(before).unwrap_or(bpg::VERSION);
        self.out.manifest.provider = format!("{} {version}", bpg::SOURCE);
        // Code of objects that Proxmox lists, and that have no code any more, is removed like that of missing objects.
        let gone: BTreeSet<&Identity> = self.out.gone.iter().map(|gone| &gone.identity).collect();
        let before = self.previous.manifest.objects.iter().filter(|(identity, place)| {
            !place.skip && !self.out.manifest.objects.contains_key(identity) && !gone.contains(identity)
        });
        let more: Vec<RemovedCode> = before
            .map(|(identity, place)| RemovedCode { identity: identity.clone(), address: place.address.clone() })
            .collect();
        self.out.gone.extend(more);
        // `moved` blocks must not lead to an address that no longer exists.
        let known: BTreeSet<&String> = self.out.manifest.objects.values().map(|place| &place.address).collect();
        self.out.manifest.moved.retain(|step| known.contains(&step.to) || self.previous.manifest.moved.contains(step));
        let kept = self.previous_code.variables(&self.kept_variables);
        if !kept.is_empty() && self.previous.touched.contains(files::VARIABLES) {
            self.out.edited.insert(files::VARIABLES.to_owned());
        }
        let common = files::common(version, &self.addresses, &self.variables, &kept, &self.out);
        self.out.files.extend(common);
        let (variables, kinds) = (&self.variables, &self.variable_kinds);
        let code = secrets::SecretUses { variables, kept: &kept, kinds, roles: &self.roles };
        self.out.files.extend(secrets::document(&code));
        self.out.files.extend(ansible::files(self.roles, self.inventory));
        let readme = readme::document(version, &self.out.files);
        self.out.files.insert("README.md".to_owned(), readme);
        self.out
    }
}
