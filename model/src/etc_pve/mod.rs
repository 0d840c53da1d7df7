//! A copy of `/etc/pve` as the answers of the API: each dialect of Proxmox's files, read as Proxmox reads it.
//!
//! Nothing is read from a disk here: whoever has the files gives their texts. What configuration cannot tell (what runs,
//! how full a disk is) is answered as of a cluster that was just switched on and measured nothing.

mod access;
mod backup;
mod corosync;
mod cpu_models;
mod fabrics;
mod firewall;
mod firewall_answers;
mod firewall_file;
mod formats;
mod guest;
mod guest_answers;
mod ha;
mod jobs;
mod load;
mod mapping;
mod notifications;
mod options;
mod pending;
mod permissions;
mod resources;
mod roles;
mod rule;
mod sdn;
mod section;
mod sheet;
mod storage;
mod tree;
mod user;
mod words;

pub use load::{Loaded, datacenter_options, load};
pub use tree::{File, Tree};
