//! Table of translations: the resource that the objects of each kind become, and the rows that say how.
//!
//! A new kind takes one file here, one in the model, and one line in each table.

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
mod facts;
mod firewall;
mod group;
mod guard;
mod guest;
mod ha_group;
mod ha_resource;
mod ha_rule;
mod hardware_mapping;
mod interface_order;
mod metric_server;
mod network;
mod node;
mod notification_endpoint;
mod notification_matcher;
mod pool;
mod pool_membership;
mod protected_blocks;
mod realm;
mod realm_sync;
mod references;
mod replication;
mod role;
mod sdn;
mod storage;
#[cfg(test)]
mod testing;
mod user;
mod user_token;
mod vm;

use std::borrow::Cow;
use std::collections::BTreeMap;

use proxmox_mpc_model::kinds::{KINDS, Kind};
use proxmox_mpc_model::{Cluster, Entry, Identity, Object, Unreadable};

use crate::ansible::Role;
use crate::draft::{Obstacle, Remark};
use crate::row::Row;

/// Translation of a kind: how its objects become code.
pub struct Translation {
    /// Id of the kind in the model.
    pub kind: &'static str,
    /// File below `terraform/`; empty for a kind without a resource of Terraform's provider.
    pub file: &'static str,
    /// Word that comes before a label which is no identifier by itself: `vm_101`.
    pub word: &'static str,
    /// True if losing an object loses data: its block gets `prevent_destroy`.
    pub data: bool,
    /// Objects among which a label must be unique.
    pub namespace: Namespace,
    /// Decides where an object goes.
    pub destination: fn(&Object, &Context<'_>) -> Result<Destination, Obstacle>,
    /// Name that the label of an object is made of.
    pub name: fn(&Entry) -> Option<String>,
    /// Rows, in the order in which a block is written.
    pub rows: &'static [Row],
    /// Ansible role for everything that Terraform's provider cannot express; `None` if Ansible cannot either.
    pub role: Option<fn(&Identity) -> Role>,
}

/// The surroundings of an object, for the decision where it goes.
pub struct Context<'a> {
    /// The cluster.
    pub cluster: &'a Cluster<'a>,
    /// Addresses of the objects that have code so far.
    pub addresses: &'a BTreeMap<Identity, String>,
}

/// Destination of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A resource of this type, with the id that an `import` block takes.
    Resource(&'static str, String),
    /// The resource at this address, which describes the object as well.
    PartOf(String),
    /// A task of the kind's role, because the provider has no resource for it. The reason says more.
    Ansible(Cow<'static, str>),
    /// No code: the object comes with Proxmox and is unchanged.
    BuiltIn,
    /// No code: the object is not configuration, but worth listing.
    Fact,
    /// The same as a fact, with a remark for the user.
    FactWithRemark(Remark),
}

/// Objects among which a label must be unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Namespace {
    /// Virtual machines and containers together: people tell them apart by their names only.
    Guests,
    /// The objects of one kind.
    Own(&'static str),
}

/// Translations of all kinds, in the order in which blocks are generated: a kind comes after those that it refers to.
pub static TRANSLATIONS: &[&Translation] = &[
    &pool::TRANSLATION,
    &storage::TRANSLATION,
    &network::TRANSLATION,
    &network::CHANGES,
    &sdn::fabric::TRANSLATION,
    &sdn::fabric_node::TRANSLATION,
    &sdn::controller::TRANSLATION,
    &sdn::ipam::TRANSLATION,
    &sdn::dns::TRANSLATION,
    &sdn::routing::PREFIX_LIST,
    &sdn::routing::ROUTE_MAP,
    &sdn::zone::TRANSLATION,
    &sdn::vnet::TRANSLATION,
    &sdn::subnet::TRANSLATION,
    &hardware_mapping::PCI,
    &hardware_mapping::USB,
    &hardware_mapping::DIR,
    &vm::TRANSLATION,
    &container::TRANSLATION,
    &pool_membership::TRANSLATION,
    &role::TRANSLATION,
    &group::TRANSLATION,
    &realm::TRANSLATION,
    &user::TRANSLATION,
    &user_token::TRANSLATION,
    &acl::TRANSLATION,
    &realm_sync::TRANSLATION,
    &cluster_options::TRANSLATION,
    &backup_job::TRANSLATION,
    &replication::TRANSLATION,
    &ha_group::TRANSLATION,
    &ha_resource::TRANSLATION,
    &ha_rule::TRANSLATION,
    &metric_server::TRANSLATION,
    &acme_account::TRANSLATION,
    &acme_plugin::TRANSLATION,
    &acme_certificate::TRANSLATION,
    &notification_endpoint::GOTIFY,
    &notification_endpoint::SMTP,
    &notification_endpoint::SENDMAIL,
    &notification_endpoint::WEBHOOK,
    &firewall::cluster::TRANSLATION,
    &firewall::node::TRANSLATION,
    &firewall::guest::TRANSLATION,
    &firewall::ipset::TRANSLATION,
    &firewall::group::TRANSLATION,
    &firewall::alias::TRANSLATION,
    &firewall::rules::TRANSLATION,
    &firewall::vnet::TRANSLATION,
    &notification_matcher::TRANSLATION,
    &cpu_model::TRANSLATION,
    &node::DNS,
    &node::HOSTS,
    &node::TIME,
    &node::CONFIG,
    &apt::REPOSITORY,
    &apt::STANDARD,
    &certificate::TRANSLATION,
    &disks::ZFS,
    &disks::LVM,
    &disks::LVMTHIN,
    &disks::DIRECTORY,
    &ceph_pool::TRANSLATION,
    &facts::SNAPSHOT,
    &facts::VOLUME,
];

impl Translation {
    /// Sorts objects that refer to others of their kind behind those.
    ///
    /// # Errors
    /// A stored answer that cannot be read back.
    pub fn arrange(&self, cluster: &Cluster<'_>, entries: &mut Vec<Entry>) -> Result<(), Unreadable> {
        if self.kind == network::TRANSLATION.kind {
            interface_order::arrange(self.model(), cluster, entries)
        } else {
            Ok(())
        }
    }

    /// Proxmox's side of the kind: paths, keys, types.
    ///
    /// # Panics
    /// If the model has no kind of this id, which a test of the tables rules out.
    pub fn model(&self) -> &'static Kind {
        KINDS.iter().copied().find(|kind| kind.id == self.kind).expect("each translation has its kind in the model")
    }
}
