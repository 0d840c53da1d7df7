//! The table of kinds, Proxmox's half: what there is in a cluster, where it is read, and what its keys mean.
//!
//! Adding a kind is one file here, one in the generators, and one line in each table.

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
mod key;
mod kind;
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
mod scopes;
pub(crate) mod sdn;
mod snapshot;
mod source;
mod storage;
mod table;
mod user;
mod user_token;
mod vm;
mod volume;
mod write;

pub use backup_job::of_cron;
pub use guest::is_half_made;
pub use key::{Class, Form, Key};
pub use kind::Kind;
pub use source::{Listed, LocalId, Location, Parts, Reading, Scope, Shape, Source, Unfold};
pub use table::{KINDS, is_set_up, of};
pub use vm::without_file_names;
pub use write::{Create, Member, PartsWrite, Write, Writing};

pub use crate::key_names::{index, matches, natural};
pub use crate::rows::RowId;
