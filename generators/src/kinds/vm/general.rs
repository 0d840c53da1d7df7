//! General settings of a virtual machine: location, name, machine type, boot order.

use proxmox_mpc_model::Identity;
use serde_json::Value as Json;

use crate::bpg;
use crate::draft::{Draft, Obstacle, RowResult};
use crate::hcl::{Block, Value};
use crate::kinds::guest::{SAME, command, managed, vmid};

/// Writes node and VMID. The HA manager may move a guest, and a plan with the old node would replace it, so the node is ignored.
pub(super) fn location(draft: &mut Draft<'_>) {
    let node = draft.object.entry.node.clone().unwrap_or_default();
    draft.set("node_name", node);
    draft.set("vm_id", vmid(draft).number());
    if managed(draft) {
        draft.ignore_without_comment(&["node_name"]);
    }
}

pub(super) fn name(draft: &mut Draft<'_>) {
    let Some(name) = draft.text("name").filter(|name| !name.is_empty()) else {
        draft.remark("it has no name: the first change made with Terraform sends delete=name, which is harmless", None);
        return;
    };
    if bpg::hostname(&name) {
        draft.set("name", name);
    } else {
        draft.not_in_provider("name", "the provider takes DNS names only");
        draft.ignore(&["name"], "the provider refuses the name, which is no DNS name");
    }
}

/// Writes the pool of a member of a nested pool, whose membership cannot be imported (docs/provider.md, N1). Memberships of other
/// pools are resources of their own.
pub(super) fn pool(draft: &mut Draft<'_>) {
    let Some(pool) = draft.object.entry.pool.as_deref().filter(|pool| pool.contains('/')) else { return };
    let value = draft.reference(&Identity::new("pool", pool), "pool_id").unwrap_or_else(|| Value::from(pool));
    draft.set("pool_id", value);
}

pub(super) fn bios(draft: &mut Draft<'_>) {
    match draft.text("bios").as_deref() {
        None | Some("seabios") => draft.set_default("bios"),
        Some(bios) => draft.set("bios", bios),
    }
}

pub(super) fn machine(draft: &mut Draft<'_>) {
    let Some(machine) = draft.text("machine").filter(|machine| !machine.is_empty()) else { return };
    if bpg::machine(&machine) {
        draft.set("machine", machine);
    } else {
        draft.not_in_provider("machine", "the provider's validator refuses this machine type (provider rule T30)");
        draft.ignore(&["machine"], format!("the provider refuses the machine type `{machine}`"));
    }
}

/// Writes the SCSI controller. An absent key means `lsi` to Proxmox and virtio to the provider, which sends its own default with
/// the first change of anything (docs/provider.md, T3).
pub(super) fn scsi_hardware(draft: &mut Draft<'_>) {
    match draft.text("scsihw") {
        Some(controller) if bpg::SCSI_HARDWARE.contains(&controller.as_str()) => draft.set("scsi_hardware", controller),
        Some(_) => {
            draft.not_in_provider("scsihw", "the provider does not know this controller");
            draft.ignore(&["scsi_hardware"], "the provider refuses the controller");
        }
        None => {
            // Ignored while the guest exists; the value counts when the guest is created again.
            draft.set("scsi_hardware", "lsi");
            draft.ignore_without_comment(&["scsi_hardware"]);
            let remedy = command(draft, &format!("--scsihw lsi{SAME}"));
            draft.remark(
                "its SCSI controller is not set: the first change made with Terraform would replace it by \
                 virtio-scsi-pci",
                Some(remedy),
            );
        }
    }
}

/// Writes the boot order. The provider does not read the old form (`boot: cdn`, `bootdisk`).
pub(super) fn boot(draft: &mut Draft<'_>) {
    const OLD: &str = "the old form of the boot order; the provider reads `order=` only (provider rule V1)";
    if draft.object.keys.contains_key("bootdisk") {
        draft.not_in_provider("bootdisk", OLD);
    }
    let Some(text) = draft.text("boot") else { return };
    let mut options = crate::draft::PropertyOptions::new("boot", &text);
    match options.take("order").filter(|order| !order.is_empty()) {
        Some(order) => {
            draft.set("boot_order", Value::List(order.trim().split(';').map(Value::from).collect()));
            options.take_or_first("legacy");
            if text.split(',').any(|part| !part.starts_with("order=")) {
                draft.not_expressible("boot.legacy", OLD);
            }
        }
        None if text.trim().is_empty() || text == "order=" => draft.set_default("boot"),
        None => draft.not_in_provider("boot", OLD),
    }
}

pub(super) fn keyboard(draft: &mut Draft<'_>) {
    match draft.text("keyboard") {
        None => {}
        Some(layout) if layout == "en-us" => draft.set_default("keyboard"),
        Some(layout) if bpg::KEYBOARDS.contains(&layout.as_str()) => draft.set("keyboard_layout", layout),
        Some(_) => {
            draft.not_in_provider("keyboard", "the provider does not know this layout");
            draft.ignore(&["keyboard_layout"], "the provider refuses the layout");
        }
    }
}

/// Writes the hotplug features. The attribute is computed, so a value that the provider refuses may be omitted.
pub(super) fn hotplug(draft: &mut Draft<'_>) {
    match draft.text("hotplug") {
        None => {}
        Some(features) if bpg::hotplug(&features) => draft.set("hotplug", features),
        Some(_) => draft.not_in_provider(
            "hotplug",
            "the provider refuses one of these features (it knows cpu, disk, memory, network, usb)",
        ),
    }
}

pub(super) fn arguments(draft: &mut Draft<'_>) {
    match draft.text("args").filter(|arguments| !arguments.trim().is_empty()) {
        Some(arguments) => draft.set("kvm_arguments", arguments),
        None => draft.set_default("args"),
    }
}

pub(super) fn operating_system(draft: &mut Draft<'_>) {
    match draft.text("ostype") {
        None => draft.ignore(&["operating_system"], "the kind of system is not set, which the provider cannot say"),
        Some(system) if system == "other" => draft.set_default("ostype"),
        Some(system) if bpg::VM_SYSTEMS.contains(&system.as_str()) => {
            let mut block = Block::new("operating_system");
            block.set("type", system);
            draft.add_block(block);
        }
        Some(_) => {
            draft.not_in_provider("ostype", "the provider does not know this kind of system");
            draft.ignore(&["operating_system"], "the provider refuses the kind of system");
        }
    }
}

/// Checks numbers without an attribute, which the provider decodes nevertheless: it fails on text (docs/provider.md, T1).
pub(super) fn numbers(draft: &mut Draft<'_>) -> RowResult {
    for key in ["migrate_downtime", "migrate_speed", "shares"] {
        match draft.object.keys.get(key) {
            None => {}
            Some(Json::String(_)) => {
                draft.not_in_provider(
                    key,
                    "Proxmox sends this number as text, and the provider's Read fails on it (provider rule T1)",
                );
                let default = draft.kind.key(key).and_then(|key| key.default).unwrap_or_default();
                let arguments = format!("--delete {key}  # sets it back to {default}; then import again");
                let remedy = command(draft, &arguments);
                return Err(Obstacle::new(format!("the provider cannot read `{key}`, which Proxmox sends as text"))
                    .remedy(remedy)
                    .into());
            }
            Some(_) => draft.not_in_provider(key, "the provider has no attribute for it (provider rule K1)"),
        }
    }
    Ok(())
}
