//! Drives of a virtual machine: disks, the CD-ROM, and drives that the provider does not treat as disks.

use proxmox_mpc_model::kinds::matches;
use proxmox_mpc_model::size::Bytes;
use proxmox_mpc_model::volume::VolumeId;

use crate::bpg;
use crate::draft::{Draft, Obstacle, PropertyOptions, RowError, RowResult};
use crate::hcl::Block;
use crate::kinds::guest::{command, rewritten};
use crate::kinds::references;

use super::volumes::{cloud_init, extension, readable};

const DROPPED: &str =
    "the provider has no attribute for this option; a later change of any disk drops it (provider rule T43)";

/// Options of a drive that the provider does not model.
const LOST: &[(&str, &str)] = &[
    ("bps", DROPPED),
    ("bps_max_length", DROPPED),
    ("bps_rd", DROPPED),
    ("bps_rd_length", DROPPED),
    ("bps_rd_max_length", DROPPED),
    ("bps_wr", DROPPED),
    ("bps_wr_length", DROPPED),
    ("bps_wr_max_length", DROPPED),
    ("cyls", DROPPED),
    ("detect_zeroes", DROPPED),
    ("heads", DROPPED),
    ("iops", DROPPED),
    ("iops_max", DROPPED),
    ("iops_max_length", DROPPED),
    ("iops_rd_length", DROPPED),
    ("iops_rd_max_length", DROPPED),
    ("iops_wr_length", DROPPED),
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

/// Limits in the block `speed`: Proxmox's option and the provider's attribute.
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

/// Maximum number of disks for the provider.
const MOST: usize = 31;

/// Writes the drives in the order in which the provider reads them: the plan matches blocks by position (docs/provider.md, V2).
pub(super) fn drives(draft: &mut Draft<'_>) -> RowResult {
    let mut blocks: Vec<Block> = Vec::new();
    let mut refused = Vec::new();
    let (mut unwritable, mut foreign) = (None, Vec::new());
    for stem in ["ide", "sata", "scsi", "virtio"] {
        for (index, text) in draft.family(stem) {
            let interface = format!("{stem}{index}");
            if interface == "ide3" {
                cd_rom(draft, &text);
            }
            match drive(draft, &interface, &text, blocks.len()) {
                Ok(Drive::Disk(block)) => blocks.push(*block),
                Ok(Drive::Other) => {}
                Ok(Drive::Foreign) => foreign.push(interface),
                Ok(Drive::WithoutVolume) => {
                    unwritable = Some(format!("the provider does not see which volume {interface} is"));
                }
                Err(RowError::Obstacle(reason)) => refused.push(reason),
                Err(stop) => return Err(stop),
            }
        }
    }
    if let Some(reason) = refused.into_iter().next() {
        return Err(reason.into());
    }
    if blocks.len() > MOST {
        unwritable = Some(format!("the provider takes {MOST} disks, and there are {}", blocks.len()));
    }
    if let Some(reason) = unwritable {
        for key in draft
            .object
            .keys
            .keys()
            .filter(|key| ["ide[n]", "sata[n]", "scsi[n]", "virtio[n]"].iter().any(|stem| matches(stem, key)))
        {
            draft.not_in_provider(key, reason.clone());
        }
        draft.ignore(&["disk"], format!("{reason}; left out, the disks stay as they are"));
        return Ok(());
    }
    for block in blocks {
        draft.add_block(block);
    }
    if !foreign.is_empty() {
        attach_by_ansible(draft, &foreign);
    }
    Ok(())
}

/// Handles disks with content that a creation would not restore, such as an ISO or an iSCSI unit. Terraform would create empty ones,
/// so it ignores all disks of the guest, and Ansible attaches these (docs/provider.md, T47).
fn attach_by_ansible(draft: &mut Draft<'_>, interfaces: &[String]) {
    for interface in interfaces {
        let reason =
            "what is in the drive is no disk of a guest, and the provider would make an empty one (provider rule T47)";
        draft.not_in_provider(interface, reason);
    }
    let names = interfaces.join(", ");
    let reason =
        format!("{names} would become an empty disk, which it is not (provider rule T47); all disks stay as they are");
    draft.ignore_blocks(&["disk"], reason);
    draft.remark(
        format!(
            "its disks ({names}) hold what is no disk of a guest: Ansible attaches them, and Terraform changes no disk of the guest \
             (provider rule T47)"
        ),
        None,
    );
}

/// Writes the CD-ROM drive. An import reads ide3 only, whatever it holds (docs/provider.md, V1).
fn cd_rom(draft: &mut Draft<'_>, text: &str) {
    let mut options = PropertyOptions::new("ide3", text);
    let file = options.take_or_first("file").unwrap_or_default();
    if file == "none" || file == "cdrom" || bpg::file_id(&file) {
        let mut block = Block::new("cdrom");
        block.set("interface", "ide3");
        block.set("file_id", references::volume(draft, &file));
        draft.add_block(block);
    } else {
        draft.ignore(&["cdrom"], "the provider refuses what is in the drive ide3");
    }
}

/// Drive as the provider treats it.
enum Drive {
    /// A disk.
    Disk(Box<Block>),
    /// A CD-ROM, a cloud-init drive or an empty one.
    Other,
    /// A disk with content that a creation would not restore.
    Foreign,
    /// A disk whose volume the provider does not see.
    WithoutVolume,
}

/// Reads one drive.
fn drive(draft: &mut Draft<'_>, interface: &str, text: &str, index: usize) -> Result<Drive, RowError> {
    if text.contains(['"', '\\']) {
        return Err(Obstacle::new(format!(
            "the provider cannot read `{interface}`: there is a quote or a backslash in it"
        ))
        .into());
    }
    let mut options = PropertyOptions::new(interface, text);
    let named = options.has("file");
    let file = options.take_or_first("file").unwrap_or_default();
    let media = options.take("media");
    let size = options.take("size");
    if cloud_init(draft, &file) {
        draft.explain_remaining(&options, &[("format", "the format of a cloud-init drive is computed")]);
        return Ok(Drive::Other);
    }
    if media.as_deref() == Some("cdrom") || file == "none" {
        if interface != "ide3" {
            draft.not_in_provider(
                interface,
                "on an import the provider looks for a CD-ROM on ide3 only; it stays as it is (provider rule T5)",
            );
        }
        return Ok(Drive::Other);
    }
    if file.is_empty() {
        return Ok(Drive::WithoutVolume);
    }
    if VolumeId::parse(&file).is_some_and(|volume| has_no_owner(&volume)) {
        return Ok(Drive::Foreign);
    }
    let format = options.take("format");
    readable(draft, interface, &file, format.is_none() && (named || !extension(&file)))?;
    let mut block = Block::new("disk");
    block.set("interface", interface);
    let (datastore, path) = file.split_once(':').unwrap_or(("", &file));
    block.set("datastore_id", references::storage(draft, datastore));
    // The provider splits the path of a passed-through device at its first colon, and needs both parts (docs/provider.md, T17).
    block.set_some("path_in_datastore", file.starts_with('/').then_some(path));
    if size.as_deref().is_some_and(|size| !bpg::disk_size(size)) {
        return Err(Obstacle::new(format!("the provider cannot read the size of `{interface}`")).into());
    }
    let gib = gibibytes(draft, interface, size.as_deref());
    block.set_some("size", (gib > 0).then_some(gib));
    tuning(draft, &mut options, &mut block, index)?;
    draft.keep_options_in_ansible(&options, LOST);
    Ok(Drive::Disk(Box::new(block)))
}

/// Size in whole GiB. The provider has no fractions (docs/provider.md, T13).
pub(in crate::kinds) fn gibibytes(draft: &mut Draft<'_>, key: &str, size: Option<&str>) -> i64 {
    let Some(size) = size.and_then(Bytes::parse) else { return 0 };
    if !size.is_whole_gib() {
        const WHY: &str = "the provider counts whole GiB: created again, the disk has another size (provider rule T13)";
        draft.not_expressible(&format!("{key}.size"), WHY);
    }
    i64::try_from(size.gib_floor()).unwrap_or(i64::MAX)
}

/// True for a volume that Proxmox did not create for a guest: it has no VMID in its name.
fn has_no_owner(volume: &VolumeId) -> bool {
    let folder = volume.name().split('/').next().unwrap_or_default();
    volume.owner().is_none() && folder.parse::<u32>().is_err()
}

/// Writes cache, limits and similar options of a disk if they differ from the provider's defaults.
fn tuning(draft: &mut Draft<'_>, options: &mut PropertyOptions, block: &mut Block, index: usize) -> RowResult {
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
        if let Some(value) = options.flag(option).filter(|value| *value != default) {
            block.set(option, value);
        }
    }
    match options.take("serial") {
        Some(serial) if serial.len() > 20 => refuse(draft, options, index, "serial"),
        serial => block.set_some("serial", serial),
    }
    match whole(draft, options, "queues")? {
        Some(queues) if queues >= 2 => block.set("queues", queues),
        Some(0) | None => {}
        Some(_) => refuse(draft, options, index, "queues"),
    }
    let mut speed = Block::new("speed");
    let mut limited = false;
    for (option, attribute) in LIMITS {
        let Some(number) = whole(draft, options, option)? else { continue };
        limited = true;
        speed.set_some(attribute, (number != 0).then_some(number));
    }
    if limited {
        block.add_block(speed);
    }
    Ok(())
}

/// Command that rounds a limit up to a whole number. Rounded down, half a MB would be no limit at all.
fn whole_limit(draft: &Draft<'_>, key: &str, value: &str, option: &str, text: &str) -> String {
    let whole = text.split('.').next().and_then(|whole| whole.parse::<u64>().ok()).unwrap_or_default() + 1;
    let value = rewritten(value, |name, _| (name == Some(option)).then(|| whole.to_string()));
    command(draft, &format!("--{key} '{value}'  # a limit of {whole} instead of {text}; then import again"))
}

fn refuse(draft: &mut Draft<'_>, options: &PropertyOptions, index: usize, option: &str) {
    draft.not_in_provider(&format!("{}.{option}", options.key()), "the provider's validator refuses this value");
    draft.ignore(&[&format!("disk[{index}].{option}")], "the provider refuses a value that Proxmox takes");
}

/// Takes a number that the provider decodes as a whole number; it fails on a fraction (docs/provider.md, T15).
fn whole(draft: &Draft<'_>, options: &mut PropertyOptions, option: &str) -> Result<Option<i64>, RowError> {
    let Some(text) = options.take(option) else { return Ok(None) };
    let key = options.key();
    let value = draft.object.text(key).unwrap_or_default();
    text.parse().map(Some).map_err(|_| {
        Obstacle::new(format!(
            "the provider cannot read `{option}={text}` of {key}: it takes whole numbers (provider rule T15)"
        ))
        .remedy(whole_limit(draft, key, &value, option, &text))
        .into()
    })
}
