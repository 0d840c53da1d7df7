//! Guests: virtual machines and containers, their configurations, disks, states and snapshots.

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::object::text;
use proxmox_mpc_model::schema::Verb;
use serde_json::Value;

use super::{Call, Refusal, Write, digest};
use crate::state::{Row, Transaction};

mod agent;
mod backups;
mod checks;
mod clones;
mod cloud_init;
mod configuration;
pub(super) mod containers;
mod create;
mod destroy;
mod disks;
mod files;
mod following;
mod hotplug;
pub(super) mod managed;
pub(super) mod many;
pub(super) mod migration;
mod moves;
mod power;
mod relocate;
pub(super) mod replication;
mod restore;
mod retention;
pub(super) mod services;
pub(super) mod shared;
mod snapshots;
mod ssh_keys;
mod startable;
mod states;
mod store;
mod volume_copy;
mod volumes;

pub(super) use create::mac;
use store::Stored;

/// The methods of this room.
pub(super) static WRITES: &[Write] = &[
    Write { verb: Verb::Post, path: "/nodes/{node}/qemu", run: create::create },
    Write { verb: Verb::Put, path: "/nodes/{node}/qemu/{vmid}/config", run: configuration::change },
    Write { verb: Verb::Post, path: "/nodes/{node}/qemu/{vmid}/config", run: configuration::change_in_a_task },
    Write { verb: Verb::Delete, path: "/nodes/{node}/qemu/{vmid}", run: destroy::destroy },
    Write { verb: Verb::Delete, path: "/nodes/{node}/lxc/{vmid}", run: destroy::destroy },
    Write { verb: Verb::Post, path: "/nodes/{node}/qemu/{vmid}/status/start", run: power::start },
    Write { verb: Verb::Post, path: "/nodes/{node}/qemu/{vmid}/status/stop", run: power::stop },
    Write { verb: Verb::Post, path: "/nodes/{node}/qemu/{vmid}/status/shutdown", run: power::shut_down },
    Write { verb: Verb::Post, path: "/nodes/{node}/qemu/{vmid}/status/reboot", run: power::reboot },
    Write { verb: Verb::Post, path: "/nodes/{node}/lxc/{vmid}/status/start", run: power::start },
    Write { verb: Verb::Post, path: "/nodes/{node}/lxc/{vmid}/status/stop", run: power::stop },
    Write { verb: Verb::Post, path: "/nodes/{node}/lxc/{vmid}/status/shutdown", run: power::shut_down },
    Write { verb: Verb::Post, path: "/nodes/{node}/lxc/{vmid}/status/reboot", run: power::reboot },
    Write { verb: Verb::Post, path: "/nodes/{node}/qemu/{vmid}/snapshot", run: snapshots::create },
    Write { verb: Verb::Put, path: "/nodes/{node}/qemu/{vmid}/snapshot/{snapname}/config", run: snapshots::describe },
    Write {
        verb: Verb::Post,
        path: "/nodes/{node}/qemu/{vmid}/snapshot/{snapname}/rollback",
        run: snapshots::roll_back,
    },
    Write { verb: Verb::Delete, path: "/nodes/{node}/qemu/{vmid}/snapshot/{snapname}", run: snapshots::delete },
    Write { verb: Verb::Post, path: "/nodes/{node}/qemu/{vmid}/status/suspend", run: states::suspend },
    Write { verb: Verb::Post, path: "/nodes/{node}/qemu/{vmid}/status/resume", run: states::resume },
    Write { verb: Verb::Post, path: "/nodes/{node}/qemu/{vmid}/status/reset", run: states::reset },
    Write { verb: Verb::Put, path: "/nodes/{node}/qemu/{vmid}/cloudinit", run: cloud_init::regenerate },
    Write { verb: Verb::Post, path: "/nodes/{node}/qemu/{vmid}/clone", run: clones::clone },
    Write { verb: Verb::Post, path: "/nodes/{node}/qemu/{vmid}/template", run: clones::make_template },
    Write { verb: Verb::Put, path: "/nodes/{node}/qemu/{vmid}/unlink", run: configuration::unlink },
    Write { verb: Verb::Put, path: "/nodes/{node}/qemu/{vmid}/resize", run: disks::resize },
    Write { verb: Verb::Post, path: "/nodes/{node}/storage/{storage}/content", run: volumes::allocate },
    Write { verb: Verb::Post, path: "/nodes/{node}/storage/{storage}/content/{volume}", run: volume_copy::copy },
    Write { verb: Verb::Delete, path: "/nodes/{node}/storage/{storage}/content/{volume}", run: volumes::remove },
    Write { verb: Verb::Put, path: "/nodes/{node}/storage/{storage}/content/{volume}", run: files::annotate },
    Write { verb: Verb::Post, path: "/nodes/{node}/storage/{storage}/upload", run: files::upload },
    Write { verb: Verb::Post, path: "/nodes/{node}/storage/{storage}/download-url", run: files::download },
    Write { verb: Verb::Delete, path: "/nodes/{node}/storage/{storage}/prunebackups", run: retention::prune_storage },
    Write { verb: Verb::Post, path: "/nodes/{node}/vzdump", run: backups::back_up },
    Write { verb: Verb::Post, path: "/nodes/{node}/qemu/{vmid}/agent", run: agent::ask },
    Write { verb: Verb::Post, path: "/nodes/{node}/qemu/{vmid}/agent/ping", run: agent::ask },
    Write { verb: Verb::Post, path: "/nodes/{node}/qemu/{vmid}/agent/fsfreeze-freeze", run: agent::ask },
    Write { verb: Verb::Post, path: "/nodes/{node}/qemu/{vmid}/agent/fsfreeze-status", run: agent::ask },
    Write { verb: Verb::Post, path: "/nodes/{node}/qemu/{vmid}/agent/fsfreeze-thaw", run: agent::ask },
    Write { verb: Verb::Post, path: "/nodes/{node}/qemu/{vmid}/agent/fstrim", run: agent::ask },
    Write { verb: Verb::Post, path: "/nodes/{node}/qemu/{vmid}/agent/shutdown", run: agent::ask },
    Write { verb: Verb::Post, path: "/nodes/{node}/qemu/{vmid}/move_disk", run: moves::move_disk },
];

/// Whether a guest is a virtual machine or a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Machine,
    Container,
}

impl Type {
    /// The word of the API's paths.
    fn word(self) -> &'static str {
        match self {
            Self::Machine => "qemu",
            Self::Container => "lxc",
        }
    }

    /// What Proxmox calls it in messages.
    fn name(self) -> &'static str {
        match self {
            Self::Machine => "VM",
            Self::Container => "CT",
        }
    }

    /// The folder of its configurations.
    fn folder(self) -> &'static str {
        match self {
            Self::Machine => "qemu-server",
            Self::Container => "lxc",
        }
    }

    /// What the types of its tasks begin with.
    fn tasks(self) -> &'static str {
        match self {
            Self::Machine => "qm",
            Self::Container => "vz",
        }
    }

    /// The prefix of its name as a resource of HA.
    fn service(self) -> &'static str {
        match self {
            Self::Machine => "vm",
            Self::Container => "ct",
        }
    }
}

/// A guest and where it is.
#[derive(Clone, Debug)]
struct Guest {
    node: String,
    kind: Type,
    vmid: String,
}

impl Guest {
    /// The guest that the path of a call names.
    fn of(call: &Call) -> Self {
        let container = call.segments.get(2).is_some_and(|word| word == "lxc");
        let kind = if container { Type::Container } else { Type::Machine };
        Self { node: call.node(), kind, vmid: call.text("vmid").unwrap_or_default() }
    }

    /// A path below the guest's.
    fn path(&self, below: &[&str]) -> ApiPath {
        let guest = ["nodes", self.node.as_str(), self.kind.word(), self.vmid.as_str()];
        ApiPath::new(guest.into_iter().chain(below.iter().copied()))
    }

    /// `VM 100`.
    fn title(&self) -> String {
        format!("{} {}", self.kind.name(), self.vmid)
    }

    /// `qemu/100`: its id among the cluster's resources.
    fn id(&self) -> String {
        format!("{}/{}", self.kind.word(), self.vmid)
    }

    /// Its row among the cluster's resources.
    fn resource(&self, transaction: &Transaction) -> Result<Option<Row>, Refusal> {
        transaction.row(&resources(), "id", &self.id())
    }

    fn is_running(&self, transaction: &Transaction) -> Result<bool, Refusal> {
        Ok(self.resource(transaction)?.is_some_and(|row| row.get("status").is_some_and(|status| status == "running")))
    }

    /// `vm:100`: its name as a resource of HA.
    fn service(&self) -> String {
        format!("{}:{}", self.kind.service(), self.vmid)
    }

    /// Whether HA starts and stops it.
    fn is_managed(&self, transaction: &Transaction) -> Result<bool, Refusal> {
        let row = transaction.row(&ApiPath::parse("cluster/ha/resources"), "sid", &self.service())?;
        Ok(row.is_some_and(|row| row.get("state").is_none_or(|state| state != "ignored")))
    }

    /// The type of one of its tasks: `qmstart`.
    fn task(&self, what: &str) -> String {
        format!("{}{what}", self.kind.tasks())
    }
}

/// Does what was put off until later (`writes::due`).
pub(super) fn perform(transaction: &mut Transaction, deed: &Value) -> Result<(), Refusal> {
    let said = |key: &str| deed.get(key).and_then(Value::as_str).unwrap_or_default();
    match said("do") {
        "manage" => managed::manage(transaction, said("sid")),
        "move" => managed::move_to(transaction, said("sid"), said("node"), said("relocate") == "true"),
        "replicate" => replication::run(transaction, said("job")),
        _ => Ok(()),
    }
}

/// The list of the cluster's resources.
fn resources() -> ApiPath {
    ApiPath::parse("cluster/resources")
}

/// The text of a key.
fn word(row: &Row, key: &str) -> Option<String> {
    row.get(key).and_then(text)
}

/// Whether a key is a name with a number behind it: `net0`.
fn is_numbered(key: &str, name: &str) -> bool {
    key.strip_prefix(name).is_some_and(|rest| !rest.is_empty() && rest.chars().all(|digit| digit.is_ascii_digit()))
}

/// Whether a key is on.
fn is_on(row: &Row, key: &str) -> bool {
    word(row, key).is_some_and(|value| value == "1")
}

/// Refuses what a lock forbids.
fn unlocked(guest: &Guest, keys: &Row) -> Result<(), Refusal> {
    match word(keys, "lock") {
        Some(lock) => Err(Refusal::failed(format!("{} is locked ({lock})", guest.kind.name()))),
        None => Ok(()),
    }
}

/// A call whose client has read another version of the configuration.
fn same_version(call: &Call, stored: &Stored) -> Result<(), Refusal> {
    let (given, own) = (call.text("digest"), stored.digest.as_ref().and_then(Value::as_str));
    match (given, own) {
        (Some(given), Some(own)) if !given.is_empty() && given != own => {
            Err(Refusal::failed("checksum mismatch (file change by other user?)"))
        }
        _ => Ok(()),
    }
}
