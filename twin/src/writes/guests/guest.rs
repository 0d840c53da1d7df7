//! Guest: a virtual machine or a container, its type, and where it is.

use proxmox_mpc_model::ApiPath;

use super::keys::word;
use crate::call::{Call, Refusal};
use crate::state::{Row, Transaction};

/// Type of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::writes) enum GuestKind {
    VirtualMachine,
    Container,
}

impl GuestKind {
    /// The word of the API's paths.
    pub(in crate::writes) fn word(self) -> &'static str {
        match self {
            Self::VirtualMachine => "qemu",
            Self::Container => "lxc",
        }
    }

    /// Word of Proxmox's messages.
    pub(in crate::writes) fn name(self) -> &'static str {
        match self {
            Self::VirtualMachine => "VM",
            Self::Container => "CT",
        }
    }

    /// The folder of its configurations.
    pub(in crate::writes) fn folder(self) -> &'static str {
        match self {
            Self::VirtualMachine => "qemu-server",
            Self::Container => "lxc",
        }
    }

    /// Beginning of the types of its tasks.
    pub(in crate::writes) fn tasks(self) -> &'static str {
        match self {
            Self::VirtualMachine => "qm",
            Self::Container => "vz",
        }
    }

    /// The prefix of its name as a resource of HA.
    pub(in crate::writes) fn service(self) -> &'static str {
        match self {
            Self::VirtualMachine => "vm",
            Self::Container => "ct",
        }
    }
}

/// Guest: its node, its type and its number.
#[derive(Clone, Debug)]
pub(in crate::writes) struct Guest {
    pub(in crate::writes) node: String,
    pub(in crate::writes) kind: GuestKind,
    pub(in crate::writes) vmid: String,
}

impl Guest {
    /// The guest that the path of a call names.
    pub(in crate::writes) fn of(call: &Call) -> Self {
        let container = call.segments.get(2).is_some_and(|word| word == "lxc");
        let kind = if container { GuestKind::Container } else { GuestKind::VirtualMachine };
        Self { node: call.node(), kind, vmid: call.text("vmid").unwrap_or_default() }
    }

    /// A path below the guest's.
    pub(in crate::writes) fn path(&self, below: &[&str]) -> ApiPath {
        let guest = ["nodes", self.node.as_str(), self.kind.word(), self.vmid.as_str()];
        ApiPath::new(guest.into_iter().chain(below.iter().copied()))
    }

    /// `VM 100`.
    pub(in crate::writes) fn title(&self) -> String {
        format!("{} {}", self.kind.name(), self.vmid)
    }

    /// `qemu/100`: its id among the cluster's resources.
    pub(in crate::writes) fn id(&self) -> String {
        format!("{}/{}", self.kind.word(), self.vmid)
    }

    /// Its row among the cluster's resources.
    pub(in crate::writes) fn resource(&self, transaction: &Transaction) -> Result<Option<Row>, Refusal> {
        transaction.row(&resources(), "id", &self.id())
    }

    pub(in crate::writes) fn is_running(&self, transaction: &Transaction) -> Result<bool, Refusal> {
        Ok(self.resource(transaction)?.is_some_and(|row| row.get("status").is_some_and(|status| status == "running")))
    }

    /// `vm:100`: its name as a resource of HA.
    pub(in crate::writes) fn service(&self) -> String {
        format!("{}:{}", self.kind.service(), self.vmid)
    }

    /// Reports whether HA starts and stops the guest.
    pub(in crate::writes) fn is_managed(&self, transaction: &Transaction) -> Result<bool, Refusal> {
        let row = transaction.row(&ApiPath::parse("cluster/ha/resources"), "sid", &self.service())?;
        Ok(row.is_some_and(|row| row.get("state").is_none_or(|state| state != "ignored")))
    }

    /// The type of one of its tasks: `qmstart`.
    pub(in crate::writes) fn task(&self, what: &str) -> String {
        format!("{}{what}", self.kind.tasks())
    }
}

/// The list of the cluster's resources.
pub(in crate::writes) fn resources() -> ApiPath {
    ApiPath::parse("cluster/resources")
}

/// Refuses a guest that is locked.
pub(in crate::writes) fn unlocked(guest: &Guest, keys: &Row) -> Result<(), Refusal> {
    match word(keys, "lock") {
        Some(lock) => Err(Refusal::failed(format!("{} is locked ({lock})", guest.kind.name()))),
        None => Ok(()),
    }
}
