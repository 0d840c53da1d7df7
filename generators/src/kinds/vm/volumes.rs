//! Volumes of a virtual machine: checks of their format, the EFI disk and the TPM.

use proxmox_mpc_model::volume::VolumeId;
use serde_json::Value as Json;

use crate::draft::{Draft, Obstacle, RowResult};
use crate::hcl::{Block, Value};
use crate::kinds::guest::{self, command, equivalent_command, vmid};
use crate::kinds::references;

/// True for this guest's cloud-init drive, as the provider recognises it.
pub(super) fn cloud_init(draft: &Draft<'_>, file: &str) -> bool {
    file.contains(&format!("vm-{}-cloudinit", vmid(draft)))
}

/// True if the path of the volume has a file name extension, which gives its format.
pub(super) fn extension(file: &str) -> bool {
    let Some((_, path)) = file.split_once(':') else { return false };
    path.rsplit('/').next().is_some_and(|name| name.contains('.'))
}

/// Checks that the provider can read the format of a volume from its storage, if the configuration does not have it (`asked`). A
/// disabled or unreachable storage, or a missing volume, is an obstacle for the whole guest (docs/provider.md, T18).
pub(super) fn readable(draft: &Draft<'_>, key: &str, file: &str, asked: bool) -> RowResult {
    if !asked || !file.contains(':') {
        return Ok(());
    }
    if file.starts_with('/') {
        return Err(device(draft, key, file).into());
    }
    let Some(volume) = VolumeId::parse(file) else { return Ok(()) };
    let (cluster, node) = (draft.cluster, draft.object.entry.node.as_deref().unwrap_or_default());
    let storage = volume.storage();
    if !cluster.storages.contains_key(storage) {
        // The provider tolerates the answer "storage 'x' does not exist".
        return Ok(());
    }
    let Some(storages) = cluster.node_storages(node)? else { return Ok(()) };
    let on = |name: &str| storages.get(storage).is_some_and(|row| row.get(name).and_then(Json::as_u64) == Some(1));
    let trouble = if !storages.contains_key(storage) {
        Some(("not available", format!("let {node} use it: pvesm set {storage} --nodes <nodes>")))
    } else if !on("enabled") {
        Some(("disabled", format!("pvesm set {storage} --disable 0")))
    } else if !on("active") {
        Some(("not reachable", format!("bring it back, and import again: pvesm status --storage {storage}")))
    } else {
        None
    };
    if let Some((state, remedy)) = trouble {
        let reason = format!(
            "the provider asks storage `{storage}` for the format of a disk, and it is {state} on {node} (provider rule T18)"
        );
        return Err(Obstacle::new(reason).remedy(remedy).into());
    }
    missing(draft, key, node, &volume)
}

/// Checks that the list of images has the volume, if it was read with sufficient privileges.
fn missing(draft: &Draft<'_>, key: &str, node: &str, volume: &VolumeId) -> RowResult {
    let cluster = draft.cluster;
    let storage = cluster.storages.get(volume.storage());
    if storage.and_then(|row| row.get("type")).and_then(Json::as_str) == Some("zfspool") {
        // The provider tolerates the answer "dataset does not exist".
        return Ok(());
    }
    let Some(images) = cluster.images(node, volume.storage())? else { return Ok(()) };
    let sees = cluster.permissions.allow(&format!("/vms/{}", volume.owner().unwrap_or(vmid(draft))), "VM.Config.Disk")
        || cluster.permissions.allow(&format!("/storage/{}", volume.storage()), "Datastore.Allocate");
    if !sees || images.contains(volume.as_str()) {
        return Ok(());
    }
    let (storage, vmid) = (volume.storage(), vmid(draft));
    let detach = if guest::waits(draft, key)? { "--revert" } else { "--delete" };
    let remedy = format!(
        "see what is there: pvesm list {storage} --vmid {vmid}; where it is really gone: {}",
        command(draft, &format!("{detach} {key}"))
    );
    let volume = volume.as_str();
    let reason = format!("the provider asks for the format of {key}, and `{volume}` is not there (provider rule T18)");
    Err(Obstacle::new(reason).remedy(remedy).into())
}

/// Obstacle for a device whose path the provider takes for a volume (docs/provider.md, T17). With a format it does not ask the
/// storage.
fn device(draft: &Draft<'_>, key: &str, file: &str) -> Obstacle {
    let reason = format!("the provider takes `{file}` of {key} for a volume and asks a storage that does not exist");
    let text = draft.object.text(key).unwrap_or_default();
    Obstacle::new(reason).remedy(equivalent_command(draft, key, &format!("{text},format=raw")))
}

/// Writes the EFI disk, which is in the state whenever the key is present (docs/provider.md, T21).
pub(super) fn efi_disk(draft: &mut Draft<'_>) -> RowResult {
    let Some(mut options) = draft.options("efidisk0") else { return Ok(()) };
    let named = options.has("file");
    let file = options.take_or_first("file").unwrap_or_default();
    let format = options.take("format");
    // The provider ignores the file name extension here: it asks the storage unless there is a `format=`.
    let asked = format.is_none();
    if asked && file.starts_with('/') {
        return Err(device(draft, "efidisk0", &file).into());
    }
    if !named && draft.text("efidisk0").is_some_and(|text| !text.starts_with(&file)) {
        let reason = "the provider finds the volume of efidisk0 in the first place or behind `file=` only";
        let text = draft.text("efidisk0").unwrap_or_default();
        let others: Vec<&str> = text.split(',').filter(|one| *one != file).collect();
        let remedy = equivalent_command(draft, "efidisk0", &format!("{file},{}", others.join(",")));
        return Err(Obstacle::new(reason).remedy(remedy).into());
    }
    options.take("size");
    let mut block = Block::new("efi_disk");
    block.set("datastore_id", references::storage(draft, file.split(':').next().unwrap_or_default()));
    block.set_some("type", options.take("efitype").map(|efi| efi.to_lowercase()));
    block.set_some("pre_enrolled_keys", options.flag("pre-enrolled-keys").filter(|on| *on));
    draft.explain_remaining(&options, &[("ms-cert", "the provider has no attribute for it (provider rule T21)")]);
    draft.add_block(block);
    readable(draft, "efidisk0", &file, asked)
}

/// Writes the TPM. Version 2.0 on local-lvm is not in the state of an import, and without a version the provider reads 2.0 and
/// Proxmox means 1.2: both are written and ignored, for when the guest is created again (docs/provider.md, T10, T11).
pub(super) fn tpm_state(draft: &mut Draft<'_>) {
    let Some(mut options) = draft.options("tpmstate0") else { return };
    let file = options.take_or_first("file").unwrap_or_default();
    let version = options.take("version").filter(|version| !version.is_empty());
    options.take("size");
    options.take("format");
    draft.explain_remaining(&options, &[]);
    let datastore = file.split(':').next().unwrap_or_default();
    if version.is_none() {
        const WHY: &str = "no version means 1.2 to Proxmox, and the provider reads 2.0 (provider rule T10)";
        draft.not_expressible("tpmstate0", WHY);
        draft.ignore(&["tpm_state"], WHY);
        let text = draft.object.text("tpmstate0").unwrap_or_default();
        let remedy = equivalent_command(draft, "tpmstate0", &format!("{text},version=v1.2"));
        draft.remark("its TPM has no version, which means 1.2 to Proxmox; the provider reads it as 2.0", Some(remedy));
    } else if datastore == "local-lvm" && version.as_deref() == Some("v2.0") {
        draft.ignore(&["tpm_state"], "an import does not read a TPM 2.0 on local-lvm (provider rule T11)");
    }
    let mut block = Block::new("tpm_state");
    block.set("datastore_id", references::storage(draft, datastore));
    block.set("version", Value::Text(version.unwrap_or_else(|| "v1.2".to_owned())));
    draft.add_block(block);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proxmox_mpc_model::{Answer, ApiPath, Identity};
    use serde_json::json;

    use crate::coverage::Outcome;
    use crate::{Options, Previous, generate};

    /// Obstacle for a virtual machine with one disk on a storage in this state; `None` if it becomes code.
    fn refused(kind: &str, enabled: u8, active: u8, listed: bool, rights: &[&str]) -> Option<String> {
        let volume = "data:vm-100-disk-0";
        let privileges: serde_json::Map<_, _> = rights.iter().map(|right| ((*right).to_owned(), json!(1))).collect();
        let images = if listed { json!([{"volid": volume, "vmid": 100}]) } else { json!([]) };
        let answers: BTreeMap<ApiPath, Answer> = [
            ("access/permissions", json!({"/": privileges})),
            ("nodes", json!([{"node": "pve", "status": "online"}])),
            (
                "cluster/resources",
                json!([{"type": "qemu", "vmid": 100, "node": "pve", "name": "web", "status": "stopped"}]),
            ),
            ("storage", json!([{"storage": "data", "type": kind}])),
            ("pools", json!([])),
            ("nodes/pve/storage", json!([{"storage": "data", "type": kind, "enabled": enabled, "active": active}])),
            ("nodes/pve/storage/data/content?content=images", images),
            ("nodes/pve/qemu/100/config", json!({"scsi0": format!("{volume},size=8G"), "scsihw": "virtio-scsi-pci"})),
        ]
        .into_iter()
        .map(|(path, data)| (ApiPath::parse(path), Answer::ok(data)))
        .collect();
        let generated = generate(&answers, &Options::default(), &Previous::default()).expect("answers are readable");
        match &generated.coverage.objects[&Identity::new("qemu", 100)].outcome {
            Outcome::Terraform { .. } => None,
            Outcome::NotImportable { reason, .. } | Outcome::Ansible { reason, .. } => Some(reason.clone()),
            other => panic!("{other:?}"),
        }
    }

    /// docs/provider.md, T18: what the provider tolerates, and what keeps a whole guest out.
    #[test]
    fn an_unreadable_format_is_an_obstacle() {
        let check = |refused: Option<String>, expected: Option<&str>| match (refused, expected) {
            (None, None) => {}
            (Some(reason), Some(word)) if reason.contains(word) => {}
            (refused, expected) => panic!("{refused:?} instead of {expected:?}"),
        };
        let all = ["VM.Audit", "VM.Config.Disk"];
        check(refused("lvmthin", 1, 1, true, &all), None);
        check(refused("lvmthin", 1, 1, false, &all), Some("is not there"));
        // A login that may not configure the guest sees none of its volumes: an empty list proves nothing.
        check(refused("lvmthin", 1, 1, false, &["VM.Audit"]), None);
        check(refused("zfspool", 1, 1, false, &all), None);
        check(refused("lvmthin", 0, 0, true, &all), Some("disabled"));
        check(refused("lvmthin", 1, 0, true, &all), Some("not reachable"));
    }
}
