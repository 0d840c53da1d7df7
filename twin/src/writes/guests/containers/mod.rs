//! Containers: how they are made, changed and copied, where `pve-container` differs from `qemu-server`.

use proxmox_mpc_model::schema::Verb;

use super::snapshots;
use crate::writes::method::Write;

mod clones;
mod configuration;
mod create;
mod handover;
mod mounts;
mod new_volume;
mod rights_checks;
mod suspend;
mod template;
mod volumes;

pub(super) use configuration::settle;
pub(super) use mounts::{Mount, MountKind};

/// Writing methods of containers that virtual machines do not have, or have in another form.
pub(in super::super) static WRITES: &[Write] = &[
    Write { verb: Verb::Post, path: "/nodes/{node}/lxc", run: create::create },
    Write { verb: Verb::Put, path: "/nodes/{node}/lxc/{vmid}/config", run: configuration::change },
    Write { verb: Verb::Put, path: "/nodes/{node}/lxc/{vmid}/resize", run: volumes::resize },
    Write { verb: Verb::Post, path: "/nodes/{node}/lxc/{vmid}/move_volume", run: volumes::move_volume },
    Write { verb: Verb::Post, path: "/nodes/{node}/lxc/{vmid}/clone", run: clones::clone },
    Write { verb: Verb::Post, path: "/nodes/{node}/lxc/{vmid}/template", run: clones::make_template },
    Write { verb: Verb::Post, path: "/nodes/{node}/lxc/{vmid}/status/suspend", run: suspend::suspend },
    Write { verb: Verb::Post, path: "/nodes/{node}/lxc/{vmid}/status/resume", run: suspend::resume },
    Write { verb: Verb::Post, path: "/nodes/{node}/lxc/{vmid}/snapshot", run: snapshots::create },
    Write { verb: Verb::Put, path: "/nodes/{node}/lxc/{vmid}/snapshot/{snapname}/config", run: snapshots::describe },
    Write {
        verb: Verb::Post,
        path: "/nodes/{node}/lxc/{vmid}/snapshot/{snapname}/rollback",
        run: snapshots::roll_back,
    },
    Write { verb: Verb::Delete, path: "/nodes/{node}/lxc/{vmid}/snapshot/{snapname}", run: snapshots::delete },
];
