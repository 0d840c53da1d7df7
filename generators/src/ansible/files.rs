//! The files of the Ansible translation of a workspace: roles, playbooks, the module that they call, and what configures it.

use std::collections::BTreeMap;

use proxmox_mpc_model::Identity;

use super::inventory::{GUESTS, Inventory};
use super::task::{Playbook, Role};
use super::text::{GENERATED, document};
use crate::workspace::FileSet;
use crate::yaml::Node;

/// Where the rules are explained that the comments of tasks cite.
const EXPLAINED: &str = "`proxmox-mpc explain K1` says what a provider rule (K1, T18, …) is about.";

/// The guests as the cluster shows them at the moment. The same for every cluster: it asks.
const DYNAMIC: &str = include_str!("guests.proxmox.yml");

/// The module that all tasks call. It is not Rust, and is written into each workspace as it stands.
const MODULE: &str = include_str!("proxmox_object.py");

/// The tasks of every role, as text, by role and by identity in natural order.
pub(crate) type RoleTasks = BTreeMap<Role, BTreeMap<(u64, Identity), String>>;

/// A lookup of a task: what the user has to provide for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lookup<'t> {
    /// The environment variable.
    pub(crate) variable: &'t str,
    /// The key of the object.
    pub(crate) key: &'t str,
    /// Whether its value is a list, whose items stand behind each other.
    pub(crate) list: bool,
}

/// The lookups of a task's text, in which a long line goes on in the next.
pub(crate) fn lookups(text: &str) -> impl Iterator<Item = Lookup<'_>> {
    text.match_indices("lookup('ansible.builtin.env',").filter_map(|(start, lookup)| {
        let (before, after) = (&text[..start], &text[start + lookup.len()..]);
        let mut quoted = after.splitn(3, '\'');
        let (variable, rest) = (quoted.nth(1)?, quoted.next()?);
        let key = before[..before.rfind(": ")?].rsplit('\n').next()?.trim();
        Some(Lookup { variable, key: key.trim_matches(['"', '\'']), list: rest.starts_with(").split()") })
    })
}

/// Where the tasks of a role stand, relative to the workspace.
pub(crate) fn tasks_file(role: Role) -> String {
    format!("ansible/roles/{}/tasks/main.yml", role.name)
}

/// Every file of the Ansible translation; none where there is neither a task nor a guest.
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

/// The roles with their tasks, a playbook for each scope, and one that runs all of them.
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
        let (file, title) = playbook.words();
        let roles = roles.iter().map(|role| Node::from(vec![("role", role.name.into())])).collect();
        let play = vec![
            ("name", Node::from(title)),
            ("hosts", "localhost".into()),
            ("gather_facts", false.into()),
            // What is refused of one object stops no other.
            ("module_defaults", vec![("proxmox_object", vec![("refused", refused())].into())].into()),
            ("roles", Node::List(roles)),
            ("post_tasks", Node::List(vec![told(Some("not (refusals_come_last | default(false))"))])),
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
        ("tasks", Node::List(vec![told(None)])),
    ]));
    files.insert("ansible/playbooks/site.yml".to_owned(), document(&[GENERATED], &Node::List(site).render()));
}

/// What was refused so far: a fact that each task hands on to the next.
fn refused() -> Node {
    Node::Template("{{ ansible_facts.proxmox_refused | default([]) }}".to_owned())
}

/// The task at the end of a play: it fails once for each refusal.
fn told(when: Option<&str>) -> Node {
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
    /// The file, and what it does.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Cluster => ("cluster.yml", "Keep what Terraform cannot say of the cluster"),
            Self::Nodes => ("nodes.yml", "Keep what Terraform cannot say of the nodes"),
            Self::Guests => ("guests.yml", "Keep what Terraform cannot say of the guests"),
        }
    }
}

/// All tasks speak to the API from the machine that runs Ansible, with the Python that Ansible itself has.
fn localhost() -> Node {
    let host = vec![
        ("ansible_connection", Node::from("local")),
        // Translation the time of a task: the module is handed to Python, not copied first.
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
