//! Code as the rules see it: every resource instance with its content, once.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Draft, Spot};
use super::provider;
use super::rule::{Rule, Severity};
use crate::configuration::{Configuration, Fields, FileError, FilePlace, Instance, Node, Path};

pub(super) static UNREADABLE_FILE: Rule = Rule {
    code: "PVE001",
    name: "unreadable-file",
    severity: Severity::Error,
    summary: "A file is not Terraform code.",
    case: "resource \"proxmox_virtual_environment_pool\" \"lab\" {\n  pool_id = \"lab\n}\n",
    why: "Terraform stops at the first file that it cannot parse, and no other rule sees what is in the file.",
    remedy: "Correct the syntax at the place that is shown.",
};

/// A root module and its modules.
pub(super) struct Code<'c, 'f> {
    pub(super) configuration: &'c Configuration<'f>,
    pub(super) texts: &'f BTreeMap<String, String>,
    pub(super) resources: Vec<Resource<'c, 'f>>,
    /// The files of the root module and of the modules that it calls.
    pub(super) files: BTreeSet<String>,
    /// The version of the provider in the lock file, where it is another one than that of the table.
    pub(super) other_provider: Option<String>,
    /// True if all code is known: no file is broken, and no module is from elsewhere.
    pub(super) is_complete: bool,
}

/// A resource instance.
pub(super) struct Resource<'c, 'f> {
    pub(super) instance: &'c Instance,
    pub(super) address: String,
    /// Its type without the prefix of the provider: `vm`, `container`, `storage_nfs`.
    pub(super) kind: &'c str,
    /// The words that choose its provider: instances with other words may be in another cluster.
    pub(super) provider: String,
    pub(super) fields: Fields<'f>,
}

impl<'c, 'f> Code<'c, 'f> {
    pub(super) fn read(
        configuration: &'c Configuration<'f>,
        texts: &'f BTreeMap<String, String>,
        provider: Option<&str>,
    ) -> Self {
        let ours = configuration.instances().iter().filter_map(|instance| {
            let kind = kind(&instance.address.resource_type)?;
            let fields = configuration.content(instance)?;
            let address = instance.address.to_string();
            let provider = configuration.provider_words(instance);
            Some(Resource { instance, address, kind, provider, fields })
        });
        let resources = ours.collect();
        let folders = configuration.folder_paths();
        let is_ours = |file: &&String| {
            let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
            folders.contains(&folder)
        };
        let files = texts.keys().filter(is_ours).cloned().collect();
        let is_complete = configuration.errors().is_empty() && configuration.opaque_modules().is_empty();
        let other_provider = provider.filter(|version| *version != provider::VERSION).map(str::to_owned);
        Self { configuration, texts, resources, files, other_provider, is_complete }
    }

    /// Files that cannot be parsed.
    pub(super) fn unreadable(&self) -> Vec<Draft> {
        let draft = |(file, error): &(&str, FileError)| {
            let text = self.texts.get(*file).map_or("", String::as_str);
            let (line, column, message) = match error {
                FileError::Hcl(error) => {
                    (error.location().line(), error.location().column(), error.message().to_owned())
                }
                FileError::Json(error) => (error.line(), error.column(), format!("not JSON: {error}")),
            };
            let start = offset(text, line, column);
            let end = text[start..].chars().next().map_or(start, |c| start + c.len_utf8());
            let message = message.lines().collect::<Vec<_>>().join("; ");
            Draft::new(&UNREADABLE_FILE, Spot { file: (*file).to_owned(), start, end }, message)
        };
        self.configuration.errors().iter().map(draft).collect()
    }

    /// The place where the value at a path is written: the literal behind it, if there is one.
    pub(super) fn origin(&self, resource: &Resource<'_, '_>, path: &Path, node: &Node<'_>) -> Spot {
        if node.is_literal {
            return Spot::from(&node.place);
        }
        let literal = self.configuration.literal_place(resource.instance, path);
        literal.map_or_else(|| Spot::from(&node.place), Spot::from)
    }
}

impl<'f> Resource<'_, 'f> {
    /// The place of an attribute, or of the head of the block.
    pub(super) fn place(&self, name: &str) -> &FilePlace<'f> {
        self.fields.entry(name).map_or(&self.fields.place, |entry| &entry.place)
    }

    /// The attribute with the VMID of a guest; `None` for what is no guest.
    pub(super) fn vmid_attribute(&self) -> Option<&'static str> {
        match self.kind {
            "vm" | "container" => Some("vm_id"),
            "vm2" | "cloned_vm" => Some("id"),
            _ => None,
        }
    }

    /// The text of an attribute.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.fields.get(name)?.text()
    }
}

/// The type of a resource without the prefix of the provider; `None` for a type of another provider.
pub(super) fn kind(resource_type: &str) -> Option<&str> {
    match resource_type {
        "proxmox_vm" => Some("vm2"),
        other => other.strip_prefix("proxmox_virtual_environment_").or_else(|| other.strip_prefix("proxmox_")),
    }
}

/// The folders of root modules: those with code that no other folder calls as a module.
pub fn roots(files: &BTreeMap<String, String>) -> Vec<String> {
    let is_code = |file: &&String| [".tf", ".tf.json"].iter().any(|end| file.ends_with(end));
    let folder = |file: &str| file.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let folders: BTreeSet<String> = files.keys().filter(is_code).map(|file| folder(file)).collect();
    let mut called = BTreeSet::new();
    for (file, text) in files.iter().filter(|(file, _)| is_code(file)) {
        for (position, _) in text.match_indices("source") {
            let rest = text[position + "source".len()..].trim_start_matches(['"', ' ', '\t']);
            let Some(rest) = rest.strip_prefix(['=', ':']) else { continue };
            let Some(source) = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()) else {
                continue;
            };
            called.extend(crate::configuration::local_source(&folder(file), source).filter(|to| *to != folder(file)));
        }
    }
    let roots: Vec<String> = folders.iter().filter(|folder| !called.contains(*folder)).cloned().collect();
    if roots.is_empty() { folders.into_iter().collect() } else { roots }
}

/// The byte of a line and a column, both counted from 1.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = &text[start..];
    let within = rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(offset, _)| offset);
    start + within
}
