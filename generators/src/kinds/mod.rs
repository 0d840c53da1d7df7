//! The table of kinds, the generators' half: which resource an object becomes, and the rows that say how.
//!
//! Adding a kind is one file here, one in the model, and one line in each table.

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
mod left_alone;
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
use crate::draft::{Remark, SetAside};
use crate::row::Row;

/// The generators' half of a kind.
pub struct Half {
    /// The kind's id in the model.
    pub kind: &'static str,
    /// Its file below `terraform/`; empty for a kind that Terraform's provider has no resource for.
    pub file: &'static str,
    /// The word put before a name that could not stand alone.
    pub word: &'static str,
    /// Whether it holds data that a mistake would lose: it gets `prevent_destroy`.
    pub data: bool,
    /// Among which objects its name must be unique.
    pub namespace: Namespace,
    /// Where an object goes; an error where the provider has no place for it.
    pub place: fn(&Object, &Around<'_>) -> Result<Place, SetAside>,
    /// What an object would like to be called, where that is not its own name.
    pub name: fn(&Entry) -> Option<String>,
    /// The rows, in the order in which a block is written.
    pub rows: &'static [Row],
    /// The Ansible role for what Terraform's provider cannot say; `None` where Ansible cannot say it either.
    pub role: Option<fn(&Identity) -> Role>,
}

/// What an object is placed among.
pub struct Around<'a> {
    /// The cluster.
    pub cluster: &'a Cluster<'a>,
    /// The address of every object that has code so far.
    pub addresses: &'a BTreeMap<Identity, String>,
}

/// Where an object goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// It becomes a resource of this type, which `import` blocks call so.
    Own(&'static str, String),
    /// The resource at this address says it as well.
    Within(String),
    /// The provider has no resource for it, for this reason: it becomes a task of the kind's role.
    Ansible(Cow<'static, str>),
    /// It comes with Proxmox and is as it came.
    BuiltIn,
    /// It is no configuration, and worth knowing.
    Fact,
    /// The same, and its owner is told of it.
    Noted(Remark),
}

/// Among which objects a name must be unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Namespace {
    /// Virtual machines and containers together: people tell them apart by their names only.
    Guests,
    /// The kind's own.
    Own(&'static str),
}

/// Every kind, in the order in which blocks are made: what is referred to comes first.
pub static HALVES: &[&Half] = &[
    &pool::HALF,
    &storage::HALF,
    &network::HALF,
    &network::CHANGES,
    &sdn::fabric::HALF,
    &sdn::fabric_node::HALF,
    &sdn::controller::HALF,
    &sdn::ipam::HALF,
    &sdn::dns::HALF,
    &sdn::routing::PREFIX_LIST,
    &sdn::routing::ROUTE_MAP,
    &sdn::zone::HALF,
    &sdn::vnet::HALF,
    &sdn::subnet::HALF,
    &hardware_mapping::PCI,
    &hardware_mapping::USB,
    &hardware_mapping::DIR,
    &vm::HALF,
    &container::HALF,
    &pool_membership::HALF,
    &role::HALF,
    &group::HALF,
    &realm::HALF,
    &user::HALF,
    &user_token::HALF,
    &acl::HALF,
    &realm_sync::HALF,
    &cluster_options::HALF,
    &backup_job::HALF,
    &replication::HALF,
    &ha_group::HALF,
    &ha_resource::HALF,
    &ha_rule::HALF,
    &metric_server::HALF,
    &acme_account::HALF,
    &acme_plugin::HALF,
    &acme_certificate::HALF,
    &notification_endpoint::GOTIFY,
    &notification_endpoint::SMTP,
    &notification_endpoint::SENDMAIL,
    &notification_endpoint::WEBHOOK,
    &firewall::cluster::HALF,
    &firewall::node::HALF,
    &firewall::guest::HALF,
    &firewall::ipset::HALF,
    &firewall::group::HALF,
    &firewall::alias::HALF,
    &firewall::rules::HALF,
    &firewall::vnet::HALF,
    &notification_matcher::HALF,
    &cpu_model::HALF,
    &node::DNS,
    &node::HOSTS,
    &node::TIME,
    &node::CONFIG,
    &apt::REPOSITORY,
    &apt::STANDARD,
    &certificate::HALF,
    &disks::ZFS,
    &disks::LVM,
    &disks::LVMTHIN,
    &disks::DIRECTORY,
    &ceph_pool::HALF,
    &facts::SNAPSHOT,
    &facts::VOLUME,
];

impl Half {
    /// Puts objects that refer to others of their kind behind those.
    ///
    /// # Errors
    /// A stored answer that cannot be read back.
    pub fn arrange(&self, cluster: &Cluster<'_>, entries: &mut Vec<Entry>) -> Result<(), Unreadable> {
        if self.kind == network::HALF.kind { interface_order::arrange(self.model(), cluster, entries) } else { Ok(()) }
    }

    /// Proxmox's half.
    ///
    /// # Panics
    /// Where the model has no kind of this id, which a test of the tables rules out.
    pub fn model(&self) -> &'static Kind {
        KINDS.iter().copied().find(|kind| kind.id == self.kind).expect("each half has its other half in the model")
    }
}
