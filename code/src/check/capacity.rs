//! Capacity: guests that are larger than the node that they are on.

use super::code::{Code, Resource};
use super::finding::{Draft, Spot};
use super::recorded::Recorded;
use super::rule::{Rule, Severity};
use crate::configuration::{Node, Path, Step};

pub(super) static NODE: Rule = Rule {
    code: "PVE701",
    name: "more-than-the-node",
    severity: Severity::Warning,
    summary: "A guest has more cores or memory than its node, or a disk that is larger than its storage.",
    case: "resource \"proxmox_virtual_environment_vm\" \"big\" {\n  node_name = \"pve\"\n\n  cpu {\n    cores = 512\n  }\n}\n",
    why: "Proxmox takes the configuration and refuses to start the guest: `MAX 8 vcpus allowed per VM on this node`, or the kernel \
          ends it when its memory runs out. The size of the node is the one of the last import or sync.",
    remedy: "Use less, or another node.",
};

/// Bytes of a mebibyte.
const MEBIBYTE: f64 = 1_048_576.0;

pub(super) fn find(code: &Code<'_, '_>, recorded: Option<&Recorded>, drafts: &mut Vec<Draft>) {
    let Some(recorded) = recorded else { return };
    for resource in code.resources.iter().filter(|resource| matches!(resource.kind, "vm" | "container")) {
        let Some(node) = resource.text("node_name") else { continue };
        let Some(facts) = recorded.nodes.as_ref().and_then(|nodes| nodes.get(&node)) else { continue };
        cores(code, resource, &node, facts.cores, drafts);
        if let (Some(own), Some(most)) = (resource.fields.all(&["memory", "dedicated"]).first(), facts.memory)
            && let Some(number) = own.number().filter(|number| number * MEBIBYTE > most)
        {
            let spot = code.origin(resource, &Path::of("memory").join("dedicated"), own);
            let most = (most / MEBIBYTE).floor();
            drafts.push(draft(resource, spot, format!("{number} MiB of memory: node `{node}` has {most} MiB")));
        }
        disks(code, resource, &node, recorded, drafts);
    }
}

fn cores(code: &Code<'_, '_>, resource: &Resource<'_, '_>, node: &str, most: Option<f64>, drafts: &mut Vec<Draft>) {
    let all = resource.fields.all(&["cpu", "cores"]);
    let (Some(cores), Some(most)) = (all.first(), most) else { return };
    let sockets = resource.fields.all(&["cpu", "sockets"]);
    let sockets = sockets.first().map_or(Some(1.0), |sockets| sockets.number());
    let (Some(number), Some(sockets)) = (cores.number(), sockets) else { return };
    // A container with more cores than the node gets all of them.
    if number * sockets > most && resource.kind == "vm" {
        let spot = code.origin(resource, &Path::of("cpu").join("cores"), cores);
        let total = number * sockets;
        drafts.push(draft(resource, spot, format!("{total} virtual CPUs: node `{node}` has {most}")));
    }
}

fn disks(code: &Code<'_, '_>, resource: &Resource<'_, '_>, node: &str, recorded: &Recorded, drafts: &mut Vec<Draft>) {
    for (index, disk) in resource.fields.blocks("disk").into_iter().enumerate() {
        let storage = disk.get("datastore_id").and_then(Node::text);
        let (Some(storage), Some(size)) = (storage, disk.get("size")) else { continue };
        let most = recorded.storages.as_ref().and_then(|storages| storages.get(&storage)?.sizes.get(node));
        let (Some(most), Some(number)) = (most, size.number()) else { continue };
        let gibibytes = most / MEBIBYTE / 1024.0;
        if *most > 0.0 && number > gibibytes {
            let spot = code.origin(resource, &Path::of("disk").with(Step::Index(index)).join("size"), size);
            let message =
                format!("a disk of {number} GiB: storage `{storage}` has {:.0} GiB in all", gibibytes.floor());
            drafts.push(draft(resource, spot, message));
        }
    }
}

fn draft(resource: &Resource<'_, '_>, spot: Spot, message: String) -> Draft {
    Draft::new(&NODE, spot, message).at(&resource.address)
}
