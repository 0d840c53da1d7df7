//! Drives: disks, and what is no disk to the provider.

use proxmox_mpc_model::kinds::matches;
use proxmox_mpc_model::size::Bytes;

use crate::bpg;
use crate::draft::{Draft, Options, SetAside, Step, Stop};
use crate::hcl::Block;
use crate::kinds::stands;

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

/// Every drive, in the order in which the provider reads them: the plan matches blocks by position (docs/provider.md, V2).
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
    for block in blocks {
        draft.nest(block);
    }
    Ok(())
}

/// The CD-ROM drive: on an import the provider looks at ide3 only, whatever is there (docs/provider.md, V1).
fn cd_rom(draft: &mut Draft<'_>, text: &str) {
    let mut options = Options::new("ide3", text);
    let file = options.take_or_first("file").unwrap_or_default();
    if file == "none" || file == "cdrom" || bpg::file_id(&file) {
        let mut block = Block::new("cdrom");
        block.set("interface", "ide3");
        block.set("file_id", stands::volume(draft, &file));
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
    block.set("datastore_id", stands::storage(draft, datastore));
    // A passed-through device is cut at its first colon, and both pieces must stand (docs/provider.md, T17).
    block.set_some("path_in_datastore", file.starts_with('/').then_some(path));
    let gib = size.as_deref().and_then(Bytes::parse).map_or(0, |size| size.gib_floor());
    if size.as_deref().is_some_and(|size| !bpg::disk_size(size)) {
        return Err(SetAside::new(format!("the provider cannot read the size of `{interface}`")).into());
    }
    block.set_some("size", (gib > 0).then_some(i64::try_from(gib).unwrap_or(i64::MAX)));
    tuning(draft, &mut options, &mut block, index)?;
    draft.merge(&options, LOST);
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
        if let Some(value) = options.flag(option).filter(|value| *value != default) {
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
