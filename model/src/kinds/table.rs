//! Table of kinds: every kind of object that a cluster has.

use super::kind::Kind;
use super::source::{Scope, Source};
use super::{
    acl, acme_account, acme_certificate, acme_plugin, apt, backup_job, ceph_pool, certificate, cluster_options,
    container, cpu_model, disks, firewall, group, ha_group, ha_resource, ha_rule, hardware_mapping, metric_server,
    network, node, notification_endpoint, notification_matcher, pool, pool_membership, realm, realm_sync, replication,
    role, sdn, snapshot, storage, user, user_token, vm, volume,
};
use crate::Identity;

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

/// Kinds whose objects exist before anybody has set up anything in the cluster: they come with the nodes and their
/// disks, as do the things that storages are made of. Of all other kinds a new cluster has only what Proxmox brings
/// along.
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

/// Reports whether the answers to this path below a node are about something that was set up there: `firewall/rules`,
/// `qemu/100/config`.
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
