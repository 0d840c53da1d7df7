//! Answers of the API made from a copy of `/etc/pve`: each dialect of Proxmox's files, read as Proxmox reads it.
//!
//! Nothing is read from a disk here: the caller passes the texts of the files. Requests that configuration cannot
//! answer (what runs, how full a disk is) are answered as by a cluster that was just switched on and has measured
//! nothing.

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
