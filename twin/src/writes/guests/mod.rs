//! Guests: virtual machines and containers, their configurations, disks, states and snapshots.

use proxmox_mpc_model::schema::Verb;

use super::method::Write;

mod agent;
mod backups;
pub(super) mod bulk_actions;
mod checks;
mod clones;
mod cloud_init;
mod configuration;
pub(super) mod containers;
mod create;
mod destroy;
mod disk_moves;
mod disks;
mod drives;
mod files;
mod guest;
pub(super) mod ha_manager;
pub(super) mod ha_requests;
pub(super) mod ha_states;
mod hotplug;
mod implied_changes;
mod keys;
pub(super) mod migration;
pub(super) mod network_devices;
mod new_guest;
mod paused;
mod power;
mod relocate;
pub(super) mod replication;
mod restore;
mod retention;
pub(super) mod shared_storages;
mod snapshots;
mod ssh_keys;
mod startable;
mod stored_configuration;
mod suspend;
mod volume_copy;
mod volumes;

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
    Write { verb: Verb::Post, path: "/nodes/{node}/qemu/{vmid}/status/suspend", run: suspend::suspend },
    Write { verb: Verb::Post, path: "/nodes/{node}/qemu/{vmid}/status/resume", run: suspend::resume },
    Write { verb: Verb::Post, path: "/nodes/{node}/qemu/{vmid}/status/reset", run: suspend::reset },
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
    Write { verb: Verb::Post, path: "/nodes/{node}/qemu/{vmid}/move_disk", run: disk_moves::move_disk },
];
