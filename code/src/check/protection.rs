//! Protection: guests and pools of disks that a plan may destroy without a question.

use super::code::{Code, Resource};
use super::finding::Draft;
use super::recorded::Recorded;
use super::rule::{Rule, Severity};
use crate::configuration::Node;

pub(super) static DESTROY: Rule = Rule {
    code: "PVE601",
    name: "no-prevent-destroy",
    severity: Severity::Note,
    summary: "A guest with disks, or a pool of disks, may be destroyed by any plan.",
    case: "resource \"proxmox_virtual_environment_vm\" \"db\" {\n  node_name = \"pve\"\n\n  disk {\n    interface = \"scsi0\"\n    \
           size      = 64\n  }\n}\n",
    why: "Many edits replace a guest (another `clone`, a changed cloud-init file, `unprivileged` of a container), and a replacement \
          destroys the disks first. Terraform asks once for the whole plan.",
    remedy: "Write `lifecycle { prevent_destroy = true }`: such a plan fails then. `protection = true` makes Proxmox refuse as \
             well. For machines that hold no data, turn the rule off in `proxmox-mpc.toml`, or ignore it with a reason.",
};

pub(super) fn find(code: &Code<'_, '_>, _: Option<&Recorded>, drafts: &mut Vec<Draft>) {
    for resource in code.resources.iter().filter(|resource| holds_data(resource)) {
        let lifecycle = resource.fields.blocks("lifecycle");
        let values: Vec<_> = lifecycle.iter().filter_map(|lifecycle| lifecycle.get("prevent_destroy")).collect();
        let prevents = values.iter().any(|node| node.is_unknown() || node.truth() == Some(true));
        let protects = resource.fields.get("protection").is_some_and(|node| node.truth() != Some(false));
        if prevents || protects {
            continue;
        }
        let noun = if resource.vmid_attribute().is_some() { "guest" } else { "pool" };
        let message = format!("a plan may destroy this {noun} and its data");
        let draft = Draft::new(&DESTROY, &resource.fields.place, message).at(&resource.address);
        drafts.push(draft.help("`lifecycle { prevent_destroy = true }` makes such a plan fail."));
    }
}

/// Reports whether a resource has disks of its own.
fn holds_data(resource: &Resource<'_, '_>) -> bool {
    let is_template = resource.fields.get("template").and_then(Node::truth) == Some(true);
    match resource.kind {
        "vm" | "container" => {
            !is_template && ["disk", "mount_point"].iter().any(|name| !resource.fields.blocks(name).is_empty())
        }
        "node_disk_zfs" | "ceph_pool" => true,
        _ => false,
    }
}
