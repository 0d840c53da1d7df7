//! Guests, the virtual machines and containers of a cluster.

use serde_json::{Map, Value};

use crate::object::text;
use crate::vmid::VmId;

/// Type of a guest, by the word in Proxmox's paths and ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GuestType {
    /// A virtual machine (`qemu`).
    Qemu,
    /// A container (`lxc`).
    Lxc,
}

impl GuestType {
    /// The word in paths and ids: `qemu`, `lxc`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Qemu => "qemu",
            Self::Lxc => "lxc",
        }
    }
}

/// Guest as its node lists it, or as `cluster/resources` does where the node cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// Virtual machine or container.
    pub guest_type: GuestType,
    /// Its VMID.
    pub vmid: VmId,
    /// The node that it is on now.
    pub node: String,
    /// Its name; `None` where Proxmox invented one (`VM 105`).
    pub name: Option<String>,
    /// The pool that it is a member of.
    pub pool: Option<String>,
    /// Its tags as Proxmox joins them.
    pub tags: Vec<String>,
    /// True while it runs.
    pub running: bool,
    /// True of a template.
    pub template: bool,
    /// True if the HA manager may move it.
    pub ha: bool,
}

impl Guest {
    /// Takes the name, the state and whether it is a template from a row of either list.
    pub(crate) fn update(&mut self, row: &Map<String, Value>) {
        let word = |key: &str| row.get(key).and_then(text);
        // `qemu-server` and `pve-container` invent a name for a guest without one.
        let invented = match self.guest_type {
            GuestType::Qemu => format!("VM {}", self.vmid),
            GuestType::Lxc => format!("CT{}", self.vmid),
        };
        self.name = word("name").filter(|name| *name != invented);
        self.running = word("status").as_deref() == Some("running");
        self.template = word("template").as_deref() == Some("1");
    }
}
