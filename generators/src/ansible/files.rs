//! Files of the Ansible code of a workspace: roles, playbooks, their module, the inventory and the configuration.

use std::collections::BTreeMap;

use proxmox_mpc_model::Identity;

use super::inventory::{GUESTS, Inventory};
use super::role::{Playbook, Role};
use super::text::{GENERATED, document};
use crate::workspace::FileSet;
use crate::yaml::Node;

/// Header line that explains the provider rules in the comments of tasks.
const EXPLAINED: &str = "`proxmox-mpc explain K1` says what a provider rule (K1, T18, …) is about.";

/// Dynamic inventory: the guests as the cluster shows them now. It is the same for every cluster.
const DYNAMIC: &str = include_str!("guests.proxmox.yml");

/// Module that all tasks call, in Python. It is copied into each workspace.
const MODULE: &str = include_str!("proxmox_object.py");

/// Tasks of every role as text, by role and by identity in natural order.
pub(crate) type RoleTasks = BTreeMap<Role, BTreeMap<(u64, Identity), String>>;

/// Lookup of a secret in a task; the user has to provide its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lookup<'t> {
    /// Name of the environment variable.
    pub(crate) variable: &'t str,
    /// Key of the object.
    pub(crate) key: &'t str,
    /// True if the value is a list of items separated by blanks.
    pub(crate) list: bool,
}

/// Finds the lookups in the text of tasks. A long line may be broken inside a lookup.
pub(crate) fn lookups(text: &str) -> impl Iterator<Item = Lookup<'_>> {
    text.match_indices("lookup('ansible.builtin.env',").filter_map(|(start, lookup)| {
        let (before, after) = (&text[..start], &text[start + lookup.len()..]);
        let mut quoted = after.splitn(3, '\'');
        let (variable, rest) = (quoted.nth(1)?, quoted.next()?);
        let key = before[..before.rfind(": ")?].rsplit('\n').next()?.trim();
        Some(Lookup { variable, key: key.trim_matches(['"', '\'']), list: rest.starts_with(").split()") })
    })
}

/// Path of the tasks of a role, relative to the workspace.
pub(crate) fn tasks_file(role: Role) -> String {
    format!("ansible/roles/{}/tasks/main.yml", role.name)
}

/// All files of the Ansible code; none if there is neither a task nor a guest.
pub(crate) fn files(tasks: RoleTasks, inventory: Inventory<'_>) -> FileSet {
    let mut files = FileSet::new();
    if tasks.is_empty() && inventory.is_empty() {
        return files;
    }
    files.insert("ansible/ansible.cfg".to_owned(), CONFIGURATION.to_owned());
    files.insert("ansible/inventory/cluster.yml".to_owned(), document(&[GENERATED], &localhost().render()));
    if !inventory.is_empty() {
        files.insert(GUESTS.to_owned(), inventory.render(GENERATED));
        files.insert("ansible/dynamic/guests.proxmox.yml".to_owned(), DYNAMIC.to_owned());
    }
    if !tasks.is_empty() {
        files.insert("ansible/library/proxmox_object.py".to_owned(), MODULE.to_owned());
        playbooks(&mut files, tasks);
    }
    files
}

/// Adds the roles with their tasks, a playbook for each scope, and `site.yml`, which runs all playbooks.
fn playbooks(files: &mut FileSet, tasks: RoleTasks) {
    let mut playbooks: BTreeMap<Playbook, Vec<Role>> = BTreeMap::new();
    for (role, tasks) in tasks {
        playbooks.entry(role.playbook).or_default().push(role);
        let tasks: Vec<String> = tasks.into_values().collect();
        let text = tasks.join("\n");
        let header = if text.contains("provider rule ") { &[GENERATED, EXPLAINED][..] } else { &[GENERATED] };
        files.insert(tasks_file(role), document(header, &text));
        if let Some(handler) = role.handler {
            let arguments = vec![("path", Node::from(handler.path)), ("state", "applied".into())];
            let task = vec![("name", Node::from(handler.title)), ("proxmox_object", arguments.into())];
            let text = Node::List(vec![task.into()]).render();
            files.insert(format!("ansible/roles/{}/handlers/main.yml", role.name), document(&[GENERATED], &text));
        }
    }
    let mut site = Vec::new();
    for (playbook, roles) in &playbooks {
        let (file, title) = playbook.file_and_title();
        let roles = roles.iter().map(|role| Node::from(vec![("role", role.name.into())])).collect();
        let play = vec![
            ("name", Node::from(title)),
            ("hosts", "localhost".into()),
            ("gather_facts", false.into()),
            // A refusal for one object must not stop the others.
            ("module_defaults", vec![("proxmox_object", vec![("refused", refused())].into())].into()),
            ("roles", Node::List(roles)),
            ("post_tasks", Node::List(vec![report_refusals(Some("not (refusals_come_last | default(false))"))])),
        ];
        let text = Node::List(vec![play.into()]).render();
        files.insert(format!("ansible/playbooks/{file}"), document(&[GENERATED], &text));
        site.push(Node::from(vec![
            ("name", title.into()),
            ("ansible.builtin.import_playbook", file.into()),
            ("vars", vec![("refusals_come_last", true.into())].into()),
        ]));
    }
    site.push(Node::from(vec![
        ("name", "Say what was refused in all of them".into()),
        ("hosts", "localhost".into()),
        ("gather_facts", false.into()),
        ("tasks", Node::List(vec![report_refusals(None)])),
    ]));
    files.insert("ansible/playbooks/site.yml".to_owned(), document(&[GENERATED], &Node::List(site).render()));
}

/// Template for the refusals so far: a fact that each task hands on to the next.
fn refused() -> Node {
    Node::Template("{{ ansible_facts.proxmox_refused | default([]) }}".to_owned())
}

/// Task at the end of a play: it fails once for each refusal.
fn report_refusals(when: Option<&str>) -> Node {
    let mut task = vec![
        ("name", Node::from("Say what was refused")),
        ("ansible.builtin.fail", vec![("msg", Node::Template("{{ item }}".to_owned()))].into()),
        ("loop", refused()),
        ("loop_control", vec![("label", Node::from("refused"))].into()),
    ];
    task.extend(when.map(|when| ("when", when.into())));
    task.into()
}

impl Playbook {
    /// File name and title of the playbook.
    fn file_and_title(self) -> (&'static str, &'static str) {
        match self {
            Self::Cluster => ("cluster.yml", "Keep what Terraform cannot say of the cluster"),
            Self::Nodes => ("nodes.yml", "Keep what Terraform cannot say of the nodes"),
            Self::Guests => ("guests.yml", "Keep what Terraform cannot say of the guests"),
        }
    }
}

/// Inventory entry of `localhost`: all tasks call the API from the machine that runs Ansible, with Ansible's own Python.
fn localhost() -> Node {
    let host = vec![
        ("ansible_connection", Node::from("local")),
        // Pipelining halves the time of a task: the module is piped to Python instead of being copied first.
        ("ansible_pipelining", true.into()),
        ("ansible_python_interpreter", Node::Template("{{ ansible_playbook_python }}".to_owned())),
    ];
    let hosts = Node::from(vec![("localhost", host.into())]);
    Node::from(vec![("ungrouped", vec![("hosts", hosts)].into())])
}

const CONFIGURATION: &str = "\
# Generated by proxmox-mpc from the cluster itself; `proxmox-mpc import` writes it again.
#
# Where the cluster is and who asks comes from the environment, as for Terraform: PROXMOX_VE_ENDPOINT and
# PROXMOX_VE_API_TOKEN; PROXMOX_VE_INSECURE=true where its certificate cannot be checked.
[defaults]
inventory = inventory
library = library
roles_path = roles

[inventory]
unparsed_is_failed = true
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lookups_are_found_in_tasks() {
        let text = "- name: 'A: b'\n  proxmox_object:\n    values:\n      x: y\n    secrets:\n      \
                    token: \"{{ lookup('ansible.builtin.env', 'ONE') }}\"\n      \
                    encryption-key: \"{{ lookup('ansible.builtin.env', \\\n        'TWO').split() }}\"\n";
        let one = Lookup { variable: "ONE", key: "token", list: false };
        let two = Lookup { variable: "TWO", key: "encryption-key", list: true };
        assert_eq!(lookups(text).collect::<Vec<_>>(), [one, two]);
    }
}
