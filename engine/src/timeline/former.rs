//! Former state: generated code as it is now, but for one object, whose code is as it was at an earlier sync.

use std::collections::BTreeMap;

use proxmox_mpc_code::lines;
use proxmox_mpc_code::quote::quoted;
use proxmox_mpc_code::references::{self, Successor};
use proxmox_mpc_generators::manifest::ManifestEntry;
use proxmox_mpc_model::Identity;

use super::code::is_terraform;
use super::generated_tree::GeneratedTree;

/// File with the variables of generated code.
const VARIABLES: &str = "terraform/variables.tf";

/// Block of an object in generated code.
pub(crate) struct GeneratedBlock<'t> {
    /// Its file, by path relative to the workspace.
    pub(crate) file: &'t str,
    /// Its text, with the comments above it.
    pub(crate) text: &'t str,
}

impl GeneratedTree {
    /// The block of an object with its comments; `None` where it has no Terraform code.
    pub(crate) fn block(&self, identity: &Identity) -> Option<GeneratedBlock<'_>> {
        let entry = self.manifest.objects.get(identity).filter(|entry| !entry.skip)?;
        let head = head(&entry.address)?;
        self.files.iter().filter(|(path, _)| is_terraform(path)).find_map(|(path, text)| {
            let is_here = text.contains(&head);
            let text = if is_here { lines::blocks(text).remove(&*head) } else { None }?;
            Some(GeneratedBlock { file: path, text })
        })
    }

    /// This code, with the object as it was in `then`. An object that is gone since comes back without an `import` block: there
    /// is nothing to import. `None` where the object had no Terraform code then.
    pub(crate) fn with_former(&self, then: &Self, identity: &Identity) -> Option<Self> {
        let former = then.block(identity)?;
        let mut tree = self.clone();
        let own = self.block(identity);
        let address = then.manifest.objects.get(identity)?.address.clone();
        let now = self.manifest.objects.get(identity).map_or_else(|| address.clone(), |entry| entry.address.clone());
        let text = self.updated(then, &relabelled(former.text, &address, &now));
        if let Some(own) = own {
            let file = tree.files.get_mut(own.file)?;
            *file = file.replacen(own.text, &text, 1);
        } else {
            append(tree.files.entry(former.file.to_owned()).or_default(), &text);
            let entry = then.manifest.objects.get(identity)?.clone();
            tree.manifest.objects.insert(identity.clone(), entry);
        }
        tree.add_variables(then, &text);
        Some(tree)
    }

    /// This code, with the tasks of an object as they are in `then`. Tasks of one that has none here are left to a sync.
    pub(crate) fn tasks_as_in(&mut self, then: &Self, identity: &Identity) {
        for (path, text) in self.files.iter_mut().filter(|(path, _)| path.ends_with("/tasks/main.yml")) {
            let Some(former) = then.files.get(path) else { continue };
            let of_object = |text: &str| -> Option<String> {
                let own = lines::tasks(text).into_iter().filter(|(name, _)| *name == identity.as_str());
                let own: String = own.map(|(_, text)| text).collect();
                (!own.is_empty()).then_some(own)
            };
            if let (Some(own), Some(former)) = (of_object(text), of_object(former)) {
                *text = text.replacen(&own, &former, 1);
            }
        }
        match then.manifest.tasks.get(identity) {
            Some(fingerprint) => drop(self.manifest.tasks.insert(identity.clone(), *fingerprint)),
            None => drop(self.manifest.tasks.remove(identity)),
        }
    }

    /// This code, with the `import` block of an object as it is in `then`: its id names the node of a guest.
    pub(crate) fn import_as_in(&mut self, then: &Self, identity: &Identity) {
        let entry = |tree: &Self| tree.manifest.objects.get(identity).cloned();
        let (Some(own), Some(former)) = (entry(self), entry(then)) else { return };
        let block = |entry: &ManifestEntry| format!("  to = {}\n  id = {}\n", own.address, quoted(&entry.import_id));
        for text in self.files.values_mut() {
            *text = text.replace(&block(&own), &block(&former));
        }
        self.manifest.objects.insert(identity.clone(), ManifestEntry { import_id: former.import_id, ..own });
    }

    /// The code without an object: its block and its place in the manifest are taken out.
    #[must_use]
    pub(super) fn without(&self, identity: &Identity) -> Self {
        let mut tree = self.clone();
        if let Some(own) = self.block(identity)
            && let Some(file) = tree.files.get_mut(own.file)
        {
            *file = file.replacen(own.text, "", 1);
        }
        tree.manifest.objects.remove(identity);
        tree
    }

    /// A former block with the addresses that the objects which it refers to have now.
    fn updated(&self, then: &Self, text: &str) -> String {
        let before: BTreeMap<&str, &Identity> =
            then.manifest.objects.iter().map(|(identity, entry)| (&*entry.address, identity)).collect();
        references::update(text, |address| {
            let identity = before.get(address)?;
            Some(match self.manifest.objects.get(identity).filter(|entry| !entry.skip) {
                Some(entry) => Successor::Address(entry.address.clone()),
                None => Successor::Removed((*identity).clone()),
            })
        })
    }

    /// Adds the variables that a former block uses, where they are gone.
    fn add_variables(&mut self, then: &Self, text: &str) {
        let Some(former) = then.files.get(VARIABLES) else { return };
        let former = lines::blocks(former);
        for name in references::variables(text) {
            let head = format!("variable \"{name}\"");
            let file = self.files.entry(VARIABLES.to_owned()).or_default();
            if let Some(block) = former.get(&*head).filter(|_| !lines::blocks(file).contains_key(&*head)) {
                append(file, block);
            }
        }
    }
}

/// Adds a block at the end of a file, behind an empty line.
fn append(file: &mut String, block: &str) {
    if !file.is_empty() {
        file.push('\n');
    }
    file.push_str(block);
}

/// The first line of a resource's block without its brace.
fn head(address: &str) -> Option<String> {
    let (resource, name) = address.split_once('.')?;
    Some(format!("resource \"{resource}\" \"{name}\""))
}

/// A block with the label that its object has now.
fn relabelled(text: &str, address: &str, now: &str) -> String {
    match (head(address), head(now)) {
        (Some(before), Some(after)) if before != after => text.replacen(&before, &after, 1),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proxmox_mpc_generators::manifest::Manifest;

    use super::*;

    fn tree(files: &[(&str, &str)], objects: &[(&str, &str)]) -> GeneratedTree {
        let entry = |address: &str| ManifestEntry {
            address: address.to_owned(),
            import_id: String::new(),
            name: None,
            skip: false,
            block: None,
            code: None,
        };
        let objects = objects.iter().map(|(identity, address)| {
            let (prefix, id) = identity.split_once('/').unwrap();
            (Identity::new(prefix, id), entry(address))
        });
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        GeneratedTree { files, manifest: Manifest { objects: objects.collect(), ..Manifest::default() } }
    }

    const VM: &str = "terraform/virtual_machines.tf";

    #[test]
    fn one_object_is_as_it_was() {
        let check = |now: &GeneratedTree, then: &GeneratedTree, expected: Option<&[(&str, &str)]>| {
            let former = now.with_former(then, &Identity::new("qemu", 101));
            let files = former
                .as_ref()
                .map(|tree| tree.files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>());
            assert_eq!(files.as_deref(), expected);
        };
        let web = "# Web.\nresource \"vm\" \"web\" {\n  memory = 1\n  pool   = pool.prod.pool_id\n}\n";
        let other = "resource \"vm\" \"other\" {\n  memory = 1\n}\n";
        let then_text = format!("# Header.\n\n{web}\n{other}");
        let then =
            tree(&[(VM, &then_text)], &[("qemu/101", "vm.web"), ("qemu/102", "vm.other"), ("pool/prod", "pool.prod")]);
        // The guest and the pool have other addresses now, and another guest has other memory: that stays.
        let now_text =
            "# Header.\n\nresource \"vm\" \"www\" {\n  memory = 2\n}\n\nresource \"vm\" \"other\" {\n  memory = 9\n}\n";
        let now = tree(&[(VM, now_text)], &[("qemu/101", "vm.www"), ("qemu/102", "vm.other"), ("pool/prod", "pool.p")]);
        let expected = "# Header.\n\n# Web.\nresource \"vm\" \"www\" {\n  memory = 1\n  pool   = pool.p.pool_id\n}\n\nresource \"vm\" \"other\" \
                        {\n  memory = 9\n}\n";
        check(&now, &then, Some(&[(VM, expected)]));
        // The guest and its pool are gone: it comes back at the end, and names the pool by its id.
        let now = tree(&[(VM, "resource \"vm\" \"other\" {}\n")], &[("qemu/102", "vm.other")]);
        let expected =
            "resource \"vm\" \"other\" {}\n\n# Web.\nresource \"vm\" \"web\" {\n  memory = 1\n  pool   = \"prod\"\n}\n";
        check(&now, &then, Some(&[(VM, expected)]));
        check(&then, &now, None);
        let with_variable = "resource \"vm\" \"web\" {\n  password = var.secret\n}\n";
        let variable = "variable \"secret\" {\n  type = string\n}\n";
        let then = tree(&[(VM, with_variable), (VARIABLES, variable)], &[("qemu/101", "vm.web")]);
        let now = tree(&[], &[]);
        check(&now, &then, Some(&[(VARIABLES, variable), (VM, with_variable)]));
    }
}
