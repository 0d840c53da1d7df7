//! The table of kinds, Proxmox's half: what there is in a cluster, where it is read, and what its keys mean.
//!
//! Adding a kind is one file here, one in the generators, and one line in each table.

use crate::{ApiPath, Cluster, Entry, Identity, Listing, NotRead, Object, Unreadable};

mod acl;
mod acme_account;
mod acme_certificate;
mod acme_plugin;
mod apt;
mod backup_job;
mod ceph_pool;
mod certificate;
mod cluster_options;
mod container;
mod cpu_model;
mod disks;
mod firewall;
mod group;
mod guest;
mod ha_group;
mod ha_resource;
mod ha_rule;
mod hardware_mapping;
mod listed;
mod metric_server;
mod network;
mod node;
mod notification_endpoint;
mod notification_matcher;
mod pool;
mod pool_membership;
mod realm;
mod realm_sync;
mod references;
mod replication;
mod role;
pub(crate) mod sdn;
mod snapshot;
mod source;
mod storage;
mod user;
mod user_token;
mod vm;
mod volume;
mod write;

pub use backup_job::of_cron;
pub use guest::is_half_made;
pub use source::{At, Id, Listed, Parts, Scope, Shape, Source, Unfold, Where};
pub use vm::without_file_names;
pub use write::{Create, Member, PartsWrite, Write, Writing};

/// Every kind, in the order in which people read about them.
pub static KINDS: &[&Kind] = &[
    &vm::KIND,
    &container::KIND,
    &storage::KIND,
    &pool::KIND,
    &pool_membership::KIND,
    &role::KIND,
    &group::KIND,
    &user::KIND,
    &user_token::KIND,
    &acl::KIND,
    &realm::KIND,
    &realm_sync::KIND,
    &cluster_options::KIND,
    &backup_job::KIND,
    &replication::KIND,
    &ha_group::KIND,
    &ha_resource::KIND,
    &ha_rule::KIND,
    &hardware_mapping::PCI,
    &hardware_mapping::USB,
    &hardware_mapping::DIR,
    &metric_server::KIND,
    &acme_account::KIND,
    &acme_plugin::KIND,
    &acme_certificate::KIND,
    &notification_endpoint::GOTIFY,
    &notification_endpoint::SMTP,
    &notification_endpoint::SENDMAIL,
    &notification_endpoint::WEBHOOK,
    &firewall::cluster::KIND,
    &firewall::node::KIND,
    &firewall::guest::KIND,
    &firewall::vnet::KIND,
    &firewall::rules::KIND,
    &firewall::group::KIND,
    &firewall::ipset::KIND,
    &firewall::alias::KIND,
    &sdn::zone::KIND,
    &sdn::vnet::KIND,
    &sdn::subnet::KIND,
    &sdn::controller::KIND,
    &sdn::fabric::KIND,
    &sdn::fabric_node::KIND,
    &sdn::ipam::KIND,
    &sdn::dns::KIND,
    &sdn::prefix_list::KIND,
    &sdn::route_map::KIND,
    &notification_matcher::KIND,
    &cpu_model::KIND,
    &network::KIND,
    &network::CHANGES,
    &node::DNS,
    &node::HOSTS,
    &node::TIME,
    &node::CONFIG,
    &apt::REPOSITORY,
    &apt::STANDARD,
    &certificate::KIND,
    &disks::ZFS,
    &disks::LVM,
    &disks::LVMTHIN,
    &disks::DIRECTORY,
    &ceph_pool::KIND,
    &snapshot::KIND,
    &volume::KIND,
];

/// The kinds whose objects come with the nodes and their disks, before anybody has set up anything in the cluster; what
/// storages are made of is there as well. Of all other kinds there is no more than what Proxmox brings along.
static FOUND: &[&Kind] = &[
    &storage::KIND,
    &network::KIND,
    &network::CHANGES,
    &node::DNS,
    &node::HOSTS,
    &node::TIME,
    &apt::REPOSITORY,
    &apt::STANDARD,
    &certificate::KIND,
    &disks::ZFS,
    &disks::LVM,
    &disks::LVMTHIN,
    &disks::DIRECTORY,
    &ceph_pool::KIND,
];

/// Whether the answers to this path below a node tell what somebody has set up there: `firewall/rules`, `qemu/100/config`.
pub fn is_set_up(below_node: &[&str]) -> bool {
    let reads = |kind: &Kind| match &kind.source {
        Source::Listed(listed) if listed.scopes.contains(&Scope::Node) => {
            let path = listed.path.split('/');
            path.clone().count() <= below_node.len() && path.zip(below_node).all(|(one, other)| one == *other)
        }
        _ => false,
    };
    let is_guest = matches!(below_node, ["qemu" | "lxc", ..]);
    is_guest || KINDS.iter().any(|kind| reads(kind) && !FOUND.iter().any(|found| found.prefix == kind.prefix))
}

/// The kind of an identity: `qemu/101` is a virtual machine.
pub fn of(identity: &Identity) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|kind| kind.prefix == identity.prefix())
}

/// Proxmox's half of a kind of object. The importer and the twin read it; where the object goes is the generators'.
pub struct Kind {
    /// The word of filters and reports: `vm`, `container`, `storage`.
    pub id: &'static str,
    /// The first part of its identities: `qemu` of `qemu/101`.
    pub prefix: &'static str,
    /// How people call one of them: `virtual machine`.
    pub title: &'static str,
    /// Every key that Proxmox may show of it.
    pub keys: &'static [Key],
    /// Where they are read.
    pub source: Source,
    /// How they are written through the API.
    pub writing: Writing,
}

impl Kind {
    /// What must be asked, given what is known so far, so that `list` and `read` can answer. Asked again after
    /// each round of answers until nothing new is wanted; what was asked once is never asked again.
    pub fn requests(&self, cluster: &Cluster<'_>) -> Result<Vec<ApiPath>, Unreadable> {
        match &self.source {
            Source::Own { requests, .. } => requests(cluster),
            Source::Listed(listed) => listed.requests(cluster),
        }
    }

    /// The objects that the lists show.
    pub fn list(&self, cluster: &Cluster<'_>) -> Result<Listing, Unreadable> {
        match &self.source {
            Source::Own { list, .. } => list(cluster),
            Source::Listed(listed) => listed.list(self.prefix, cluster),
        }
    }

    /// One object with its keys, or why it could not be read.
    pub fn read(&self, cluster: &Cluster<'_>, entry: &Entry) -> Result<Reading, Unreadable> {
        match &self.source {
            Source::Own { read, .. } => read(cluster, entry),
            Source::Listed(listed) => listed.read(cluster, entry),
        }
    }

    /// Where an object is, for a kind that is read from lists.
    pub fn at(&self, identity: &Identity) -> Option<At> {
        match &self.source {
            Source::Own { .. } => None,
            Source::Listed(listed) => listed.locate(identity.id()),
        }
    }
}

/// An object with its keys, or the reason why it could not be read although the stored answers can.
pub type Reading = Result<Object, NotRead>;

/// What Proxmox says of one key of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The key as Proxmox spells it; `net[n]` stands for `net0`, `net1`, …
    pub name: &'static str,
    /// How its value is written.
    pub form: Form,
    /// What Proxmox does where the key is absent, as it would be written; `None` where there is no default.
    pub default: Option<&'static str>,
    /// Whether it is configuration.
    pub class: Class,
    /// Of a secret that Proxmox never shows: the key beside which it is set.
    pub beside: Option<&'static str>,
}

/// How the value of a key is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Free text.
    Text,
    /// `0` or `1`.
    Boolean,
    /// A whole number.
    Integer,
    /// A number with a fraction, which Proxmox often sends as text.
    Number,
    /// `value,key=value,…`; the name of the key whose value may stand first without it, where there is one.
    Properties(Option<&'static str>),
    /// Words in an order that means nothing, separated by this character.
    Set(char),
    /// Anything else that JSON can hold.
    Structure,
}

/// Whether a key is configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It is.
    Config,
    /// It is, and nobody else may see it.
    Secret,
    /// It is, and only a creation sets it: what the object is called, of which type it is.
    Fixed,
    /// It is, and the API shows it without taking it: who wants it otherwise edits a file on the node.
    Shown,
    /// Never configuration: a measurement, a checksum, a moment, or what Proxmox sets anew
    /// (docs/proxmox.md, "What Proxmox changes by itself").
    Volatile,
}

impl Key {
    /// A configuration key without a default.
    pub const fn new(name: &'static str, form: Form) -> Self {
        Self { name, form, default: None, class: Class::Config, beside: None }
    }

    /// The same with Proxmox's default.
    #[must_use]
    pub const fn default(mut self, value: &'static str) -> Self {
        self.default = Some(value);
        self
    }

    /// The same, but never configuration.
    #[must_use]
    pub const fn volatile(mut self) -> Self {
        self.class = Class::Volatile;
        self
    }

    /// The same, but set when the object is made and never after.
    #[must_use]
    pub const fn fixed(mut self) -> Self {
        self.class = Class::Fixed;
        self
    }

    /// The same, but shown by the API and never taken by it.
    #[must_use]
    pub const fn shown(mut self) -> Self {
        self.class = Class::Shown;
        self
    }

    /// The same, but for its owner's eyes only.
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.class = Class::Secret;
        self
    }

    /// The same secret, which Proxmox never shows, and which is set where this other key is.
    #[must_use]
    pub const fn beside(mut self, other: &'static str) -> Self {
        self.beside = Some(other);
        self
    }

    /// Whether this row speaks of the key `key`.
    pub fn matches(&self, key: &str) -> bool {
        matches(self.name, key)
    }
}

/// Whether the pattern (`net[n]`, or a key as it is) stands for this key.
pub fn matches(pattern: &str, key: &str) -> bool {
    pattern.strip_suffix("[n]").map_or(pattern == key, |stem| index(stem, key).is_some())
}

/// What sorts keys as people count, families together: `net2` before `net10`, `ide0`, `sata0`, `scsi0`, `virtio0`.
pub fn natural(key: &str) -> (&str, Option<u32>) {
    let stem = key.trim_end_matches(|character: char| character.is_ascii_digit());
    (stem, index(stem, key))
}

/// The index of a key of a family: 3 of `net3`. An index has no leading zero.
pub fn index(stem: &str, key: &str) -> Option<u32> {
    let digits = key.strip_prefix(stem)?;
    let canonical = digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    if canonical { digits.parse().ok() } else { None }
}

impl Kind {
    /// What Proxmox says of this key, `None` for a key that nobody has written down.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.matches(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stand_for_families() {
        let check = |pattern: &str, key: &str, expected: bool| {
            assert_eq!(matches(pattern, key), expected, "{pattern} {key}");
        };
        check("net[n]", "net0", true);
        check("net[n]", "net10", true);
        check("net[n]", "net", false);
        check("net[n]", "net01", false);
        check("net[n]", "net+1", false);
        check("net[n]", "network", false);
        check("numa[n]", "numa", false);
        check("numa", "numa0", false);
        check("smbios1", "smbios1", true);
    }

    #[test]
    fn keys_are_sorted_as_people_count() {
        let mut keys = ["virtio0", "scsi10", "net10", "scsi1", "numa0", "ide0", "net2", "sata0", "scsi0", "numa"];
        keys.sort_by_key(|key| natural(key));
        assert_eq!(keys, ["ide0", "net2", "net10", "numa", "numa0", "sata0", "scsi0", "scsi1", "scsi10", "virtio0"]);
    }
}
