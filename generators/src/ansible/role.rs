//! Roles of Ansible, and the playbooks that run them.

/// A role: a folder below `ansible/roles/` and part of a playbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Role {
    /// Playbook that runs the role.
    pub playbook: Playbook,
    /// Name of the folder.
    pub name: &'static str,
    /// Request that has to follow a change.
    pub handler: Option<Handler>,
}

/// Playbooks, by the part of the cluster that they change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Playbook {
    /// The cluster as a whole.
    Cluster,
    /// Its nodes.
    Nodes,
    /// Its guests.
    Guests,
}

/// Request that puts a change into force: a `PUT` to this path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Handler {
    /// Title: `Apply the SDN`.
    pub title: &'static str,
    /// API path: `cluster/sdn`.
    pub path: &'static str,
}

impl Role {
    /// A role of the cluster's playbook.
    pub const fn cluster(name: &'static str) -> Self {
        Self { playbook: Playbook::Cluster, name, handler: None }
    }

    /// A role of the nodes' playbook.
    pub const fn nodes(name: &'static str) -> Self {
        Self { playbook: Playbook::Nodes, name, handler: None }
    }

    /// A role of the guests' playbook.
    pub const fn guests(name: &'static str) -> Self {
        Self { playbook: Playbook::Guests, name, handler: None }
    }

    /// Adds the request that has to follow a change.
    #[must_use]
    pub const fn handler(mut self, title: &'static str, path: &'static str) -> Self {
        self.handler = Some(Handler { title, path });
        self
    }
}
