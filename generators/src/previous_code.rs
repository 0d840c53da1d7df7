//! Code of earlier imports: the Terraform blocks and Ansible tasks that the workspace has, byte for byte.

use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_code::lines;
use proxmox_mpc_model::{Identity, kinds};

use crate::ansible;
use crate::workspace::FileSet;

/// The blocks and tasks of the previous files.
pub(crate) struct PreviousCode<'f> {
    /// Terraform blocks by file, and by their first line without its brace: `resource "type" "name"`.
    blocks: BTreeMap<&'f str, BTreeMap<&'f str, &'f str>>,
    /// Ansible tasks by file and object.
    tasks: BTreeMap<&'f str, BTreeMap<Identity, &'f str>>,
}

impl<'f> PreviousCode<'f> {
    /// Splits every Terraform file, and the tasks of every Ansible role.
    pub(crate) fn read(files: &'f FileSet) -> Self {
        let below = |folder: &'static str| files.iter().filter(move |(path, _)| path.starts_with(folder));
        let roles = below("ansible/roles/").filter(|(path, _)| path.ends_with("/tasks/main.yml"));
        Self {
            blocks: below("terraform/").map(|(path, text)| (path.as_str(), lines::blocks(text))).collect(),
            tasks: roles.map(|(path, text)| (path.as_str(), tasks_of_objects(text))).collect(),
        }
    }

    /// Tasks of an object in a file, with their comments.
    pub(crate) fn task(&self, path: &str, identity: &Identity) -> Option<&'f str> {
        self.tasks.get(path)?.get(identity).copied()
    }

    /// Objects with tasks whose identities have this prefix, each with the file of its tasks.
    pub(crate) fn tasks(&self, prefix: &str) -> impl Iterator<Item = (Identity, String)> {
        let found = self.tasks.iter().flat_map(|(path, tasks)| tasks.keys().map(move |identity| (identity, *path)));
        found
            .filter(move |(identity, _)| identity.prefix() == prefix)
            .map(|(identity, path)| (identity.clone(), path.to_owned()))
    }

    /// Lookups in all tasks, each with the object of its task.
    pub(crate) fn lookups(&self) -> impl Iterator<Item = (&Identity, ansible::Lookup<'f>)> {
        let tasks = self.tasks.values().flatten();
        tasks.flat_map(|(identity, text)| ansible::lookups(text).map(move |lookup| (identity, lookup)))
    }

    /// Block of the resource at an address (`type.name`), with its comments.
    pub(crate) fn resource(&self, path: &str, address: &str) -> Option<&'f str> {
        let (resource, label) = address.split_once('.')?;
        self.blocks.get(path)?.get(&*format!("resource \"{resource}\" \"{label}\"")).copied()
    }

    /// Blocks of variables, by name; those that the workspace has.
    pub(crate) fn variables(&self, names: &BTreeSet<String>) -> BTreeMap<String, String> {
        let Some(blocks) = self.blocks.get(crate::files::VARIABLES) else { return BTreeMap::new() };
        let block = |name: &String| Some((name.clone(), (*blocks.get(&*format!("variable \"{name}\""))?).to_owned()));
        names.iter().filter_map(block).collect()
    }
}

/// Splits a file of tasks by object. A comment that names the object and nothing else comes before each task; the tasks of one
/// object are together.
fn tasks_of_objects(text: &str) -> BTreeMap<Identity, &str> {
    let mut found: BTreeMap<Identity, (usize, usize)> = BTreeMap::new();
    let (mut at, mut open): (usize, Option<(Identity, usize)>) = (0, None);
    for line in text.split_inclusive('\n') {
        let anchored = ansible::anchored(line.trim_end()).filter(|identity| kinds::of(identity).is_some());
        if let Some(identity) = anchored.filter(|identity| open.as_ref().is_none_or(|(last, _)| last != identity))
            && let Some((before, start)) = open.replace((identity, at))
        {
            found.insert(before, (start, at));
        }
        at += line.len();
    }
    if let Some((last, start)) = open {
        found.insert(last, (start, at));
    }
    let tasks = |(identity, (start, end)): (Identity, (usize, usize))| {
        let tasks = text[start..end].trim_end_matches('\n');
        (identity, &text[start..=start + tasks.len()])
    };
    found.into_iter().map(tasks).collect()
}
