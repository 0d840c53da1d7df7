//! Drives: disks, CD-ROMs, the EFI disk and the TPM.

use proxmox_mpc_model::kinds::matches;
use proxmox_mpc_model::size::Bytes;
use proxmox_mpc_model::volume::VolumeId;

use crate::bpg;
use crate::draft::{Draft, Options, SetAside, Step, Stop};
use crate::hcl::{Block, Value};
use crate::kinds::guest::{command, vmid};

const DROPPED: &str =
    "the provider has no attribute for this option; a later change of any disk drops it (provider rule T43)";

/// Options of a drive that the provider does not model.
const LOST: &[(&str, &str)] = &[
    ("bps", DROPPED),
    ("bps_max_length", DROPPED),
    ("bps_rd", DROPPED),
    ("bps_rd_max_length", DROPPED),
    ("bps_wr", DROPPED),
    ("bps_wr_max_length", DROPPED),
    ("cyls", DROPPED),
    ("detect_zeroes", DROPPED),
    ("heads", DROPPED),
    ("iops", DROPPED),
    ("iops_max", DROPPED),
    ("iops_max_length", DROPPED),
    ("iops_rd_max_length", DROPPED),
    ("iops_wr_max_length", DROPPED),
    ("mbps", DROPPED),
    ("mbps_max", DROPPED),
    ("model", DROPPED),
    ("product", DROPPED),
    ("rerror", DROPPED),
    ("ro", DROPPED),
    ("scsiblock", DROPPED),
    ("secs", DROPPED),
    ("shared", DROPPED),
    ("snapshot", DROPPED),
    ("trans", DROPPED),
    ("vendor", DROPPED),
    ("werror", DROPPED),
    ("wwn", DROPPED),
];

/// The limits of `speed`: Proxmox's option and the provider's attribute.
const LIMITS: &[(&str, &str)] = &[
    ("iops_rd", "iops_read"),
    ("iops_rd_max", "iops_read_burstable"),
    ("iops_wr", "iops_write"),
    ("iops_wr_max", "iops_write_burstable"),
    ("mbps_rd", "read"),
    ("mbps_rd_max", "read_burstable"),
    ("mbps_wr", "write"),
    ("mbps_wr_max", "write_burstable"),
];

/// The provider takes this many disks.
const MOST: usize = 31;

/// Every drive, in the order in which the provider reads them: the plan matches blocks by position
/// (docs/provider.md, V2).
pub(super) fn drives(draft: &mut Draft<'_>) -> Step {
    let mut blocks: Vec<Block> = Vec::new();
    let mut refused = Vec::new();
    let mut unsaid = None;
    for stem in ["ide", "sata", "scsi", "virtio"] {
        for (index, text) in draft.family(stem) {
            let interface = format!("{stem}{index}");
            if interface == "ide3" {
                cd_rom(draft, &text);
            }
            match drive(draft, &interface, &text, blocks.len()) {
                Ok(Drive::Disk(block)) => blocks.push(block),
                Ok(Drive::Other) => {}
                Ok(Drive::Unsaid) => unsaid = Some(format!("the provider does not see which volume {interface} is")),
                Err(Stop::SetAside(reason)) => refused.push(reason),
                Err(stop) => return Err(stop),
            }
        }
    }
    if let Some(reason) = refused.into_iter().next() {
        return Err(reason.into());
    }
    if blocks.len() > MOST {
        unsaid = Some(format!("the provider takes {MOST} disks, and there are {}", blocks.len()));
    }
    if let Some(reason) = unsaid {
        for key in draft
            .object
            .keys
            .keys()
            .filter(|key| ["ide[n]", "sata[n]", "scsi[n]", "virtio[n]"].iter().any(|stem| matches(stem, key)))
        {
            draft.lost(key, reason.clone());
        }
        draft.ignore(&["disk"], format!("{reason}; left out, the disks stay as they are"));
        return Ok(());
    }
    draft.nest_all(blocks, "A change of any disk rewrites every drive of the guest with what stands here.");
    Ok(())
}

/// The CD-ROM drive: on an import the provider looks at ide3 only, whatever is there (docs/provider.md, V1).
fn cd_rom(draft: &mut Draft<'_>, text: &str) {
    let mut options = Options::new("ide3", text);
    let file = options.take_or_first("file").unwrap_or_default();
    if file == "none" || file == "cdrom" || bpg::file_id(&file) {
        let mut block = Block::new("cdrom");
        block.set("interface", "ide3");
        block.set("file_id", file);
        draft.nest(block);
    } else {
        draft.ignore(&["cdrom"], "the provider refuses what is in the drive ide3");
    }
}

/// What a drive is to the provider.
enum Drive {
    /// A disk.
    Disk(Block),
    /// A CD-ROM, a cloud-init drive or an empty one.
    Other,
    /// A disk whose volume the provider does not see.
    Unsaid,
}

/// Reads one drive.
fn drive(draft: &mut Draft<'_>, interface: &str, text: &str, index: usize) -> Result<Drive, Stop> {
    if text.contains(['"', '\\']) {
        return Err(SetAside::new(format!(
            "the provider cannot read `{interface}`: there is a quote or a backslash in it"
        ))
        .into());
    }
    let mut options = Options::new(interface, text);
    let named = options.has("file");
    let file = options.take_or_first("file").unwrap_or_default();
    let media = options.take("media");
    let size = options.take("size");
    if cloud_init(draft, &file) {
        draft.leftover(&options, &[("format", "the format of a cloud-init drive is computed")]);
        return Ok(Drive::Other);
    }
    if media.as_deref() == Some("cdrom") || file == "none" {
        if interface != "ide3" {
            draft.lost(
                interface,
                "on an import the provider looks for a CD-ROM on ide3 only; it stays as it is (provider rule T5)",
            );
        }
        return Ok(Drive::Other);
    }
    if file.is_empty() {
        return Ok(Drive::Unsaid);
    }
    let format = options.take("format");
    readable(draft, interface, &file, format.is_none() && (named || !extension(&file)))?;
    let mut block = Block::new("disk");
    block.set("interface", interface);
    let (datastore, path) = file.split_once(':').unwrap_or(("", &file));
    block.set("datastore_id", datastore);
    // A passed-through device is cut at its first colon, and both pieces must stand (docs/provider.md, T17).
    block.set_some("path_in_datastore", file.starts_with('/').then_some(path));
    let gib = size.as_deref().and_then(Bytes::parse).map_or(0, |size| size.gib_floor());
    if size.as_deref().is_some_and(|size| !bpg::disk_size(size)) {
        return Err(SetAside::new(format!("the provider cannot read the size of `{interface}`")).into());
    }
    block.set_some("size", (gib > 0).then_some(i64::try_from(gib).unwrap_or(i64::MAX)));
    tuning(draft, &mut options, &mut block, index)?;
    draft.leftover(&options, LOST);
    Ok(Drive::Disk(block))
}

/// What makes a disk fast or safe: written where it differs from the provider's default.
fn tuning(draft: &mut Draft<'_>, options: &mut Options, block: &mut Block, index: usize) -> Step {
    for (option, default, known) in
        [("aio", "io_uring", Some(bpg::AIO)), ("cache", "none", Some(bpg::CACHES)), ("discard", "ignore", None)]
    {
        let Some(value) = options.take(option).filter(|value| value != default) else { continue };
        if known.is_none_or(|known| known.contains(&value.as_str())) {
            block.set(option, value);
        } else {
            refuse(draft, options, index, option);
        }
    }
    for (option, default) in [("backup", true), ("iothread", false), ("replicate", true), ("ssd", false)] {
        if let Some(value) = switch(draft, options, option).filter(|value| *value != default) {
            block.set(option, value);
        }
    }
    match options.take("serial") {
        Some(serial) if serial.len() > 20 => refuse(draft, options, index, "serial"),
        serial => block.set_some("serial", serial),
    }
    match whole(options, "queues")? {
        Some(queues) if queues >= 2 => block.set("queues", queues),
        Some(0) | None => {}
        Some(_) => refuse(draft, options, index, "queues"),
    }
    let mut speed = Block::new("speed");
    let mut limited = false;
    for (option, attribute) in LIMITS {
        let Some(number) = whole(options, option)? else { continue };
        limited = true;
        speed.set_some(attribute, (number != 0).then_some(number));
    }
    if limited {
        block.nest(speed);
    }
    Ok(())
}

fn refuse(draft: &mut Draft<'_>, options: &Options, index: usize, option: &str) {
    draft.lost(&format!("{}.{option}", options.key()), "the provider's validator refuses this value");
    draft.ignore(&[&format!("disk[{index}].{option}")], "the provider refuses a value that Proxmox takes");
}

/// A switch of a drive. The provider reads every word but `1` as false (docs/provider.md, T16).
fn switch(draft: &mut Draft<'_>, options: &mut Options, option: &str) -> Option<bool> {
    let word = options.take(option)?;
    if word != "1" && proxmox_mpc_model::boolean::parse(&word) == Some(true) {
        let key = format!("{}.{option}", options.key());
        draft.lost(&key, "the provider reads only `1` as on (provider rule T16)");
        draft.remark(format!("{key} is on, but written as `{word}`: the provider reads it as off"), None);
    }
    Some(word == "1")
}

/// A number that the provider decodes as a whole one; a fraction ends its Read (docs/provider.md, T15).
fn whole(options: &mut Options, option: &str) -> Result<Option<i64>, Stop> {
    let Some(text) = options.take(option) else { return Ok(None) };
    let key = options.key();
    text.parse().map(Some).map_err(|_| {
        SetAside::new(format!(
            "the provider cannot read `{option}={text}` of {key}: it takes whole numbers (provider rule T15)"
        ))
        .remedy(format!(
            "give {key} a whole number, for example {option}={}",
            text.split('.').next().unwrap_or_default()
        ))
        .into()
    })
}

/// Whether the volume is this guest's cloud-init drive, as the provider recognises it.
pub(super) fn cloud_init(draft: &Draft<'_>, file: &str) -> bool {
    file.contains(&format!("vm-{}-cloudinit", vmid(draft)))
}

/// Whether the path of the volume has a file name extension, which tells its format.
fn extension(file: &str) -> bool {
    let Some((_, path)) = file.split_once(':') else { return false };
    path.rsplit('/').next().is_some_and(|name| name.contains('.'))
}

/// Whether the provider can ask for the format of a volume that does not show it. A disabled or unreachable storage,
/// or a missing file, keeps the whole guest out (docs/provider.md, T18).
fn readable(draft: &Draft<'_>, key: &str, file: &str, asked: bool) -> Step {
    if !asked || !file.contains(':') {
        return Ok(());
    }
    if file.starts_with('/') {
        let reason = format!("the provider takes `{file}` of {key} for a volume and asks a storage that there is not");
        let remedy = "name the device by a path without a colon, for example below /dev/disk/by-id/";
        return Err(SetAside::new(reason).remedy(remedy).into());
    }
    let Some(volume) = VolumeId::parse(file) else { return Ok(()) };
    let (cluster, node) = (draft.cluster, draft.object.entry.node.as_deref().unwrap_or_default());
    let storage = volume.storage();
    if !cluster.storages.contains_key(storage) {
        // "storage 'x' does not exist" is an answer that the provider tolerates.
        return Ok(());
    }
    let Some(storages) = cluster.node_storages(node)? else { return Ok(()) };
    let on = |name: &str| {
        storages.get(storage).is_some_and(|row| row.get(name).and_then(serde_json::Value::as_u64) == Some(1))
    };
    let state = if !storages.contains_key(storage) {
        Some("not available")
    } else if !on("enabled") {
        Some("disabled")
    } else if !on("active") {
        Some("not reachable")
    } else {
        None
    };
    if let Some(state) = state {
        let reason = format!(
            "the provider asks storage `{storage}` for the format of {key}, and it is {state} on {node} (provider rule T18)"
        );
        let remedy = format!(
            "enable the storage, or give the disk its format: {}",
            command(draft, &format!("--{key} {file},format=raw,…"))
        );
        return Err(SetAside::new(reason).remedy(remedy).into());
    }
    missing(draft, key, node, &volume)
}

/// Whether the list of images, read with sufficient privilege, lacks the volume.
fn missing(draft: &Draft<'_>, key: &str, node: &str, volume: &VolumeId) -> Step {
    let cluster = draft.cluster;
    let Some(images) = cluster.images(node, volume.storage())? else { return Ok(()) };
    let sees = cluster.permissions.allow(&format!("/vms/{}", volume.owner().unwrap_or(vmid(draft))), "VM.Config.Disk")
        || cluster.permissions.allow(&format!("/storage/{}", volume.storage()), "Datastore.Allocate");
    if sees && !images.contains_key(volume.as_str()) {
        let reason = format!(
            "the provider asks for the format of {key}, and `{}` is not there (provider rule T18)",
            volume.as_str()
        );
        return Err(SetAside::new(reason).remedy(command(draft, &format!("--delete {key}"))).into());
    }
    Ok(())
}

/// The EFI disk, in the state whenever the key is there (docs/provider.md, T21).
pub(super) fn efi_disk(draft: &mut Draft<'_>) -> Step {
    let Some(mut options) = draft.options("efidisk0") else { return Ok(()) };
    let named = options.has("file");
    let file = options.take_or_first("file").unwrap_or_default();
    let format = options.take("format");
    options.take("size");
    let mut block = Block::new("efi_disk");
    block.set("datastore_id", file.split(':').next().unwrap_or_default());
    block.set_some("type", options.take("efitype").map(|efi| efi.to_lowercase()));
    block.set_some("pre_enrolled_keys", (options.take("pre-enrolled-keys").as_deref() == Some("1")).then_some(true));
    draft.leftover(&options, &[("ms-cert", "the provider has no attribute for it (provider rule T21)")]);
    draft.nest(block);
    readable(draft, "efidisk0", &file, format.is_none() && (named || !extension(&file)))
}

/// The TPM. Version 2.0 on local-lvm is the provider's default and must stay out (docs/provider.md, T10, T11).
pub(super) fn tpm_state(draft: &mut Draft<'_>) {
    let Some(mut options) = draft.options("tpmstate0") else { return };
    let file = options.take_or_first("file").unwrap_or_default();
    let version = options.take("version").filter(|version| !version.is_empty());
    options.take("size");
    options.take("format");
    if version.is_none() {
        draft.remark("its TPM has no version, which means 1.2 to Proxmox; the provider reads it as 2.0", None);
    }
    let version = version.unwrap_or_else(|| "v2.0".to_owned());
    draft.leftover(&options, &[]);
    let datastore = file.split(':').next().unwrap_or_default();
    if datastore == "local-lvm" && version == "v2.0" {
        draft.default("tpmstate0");
        return;
    }
    let mut block = Block::new("tpm_state");
    block.set("datastore_id", datastore);
    block.set("version", Value::Text(version));
    draft.nest(block);
}
