//! Containers and their templates (`pve-container`), Proxmox's half.

use super::{Kind, guest};
use crate::cluster::GuestType;

/// A container or a template of one: `nodes/{node}/lxc/{vmid}/config`.
pub(super) static KIND: Kind = Kind {
    id: "container",
    prefix: "lxc",
    title: "container",
    keys: &[],
    requests: |cluster| Ok(guest::requests(cluster, GuestType::Lxc)),
    list: |cluster| Ok(guest::list(cluster, GuestType::Lxc)),
    read: guest::read,
};
