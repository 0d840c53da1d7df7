//! Root file system, mount points and passed-through devices of a container.

use proxmox_mpc_model::boolean;
use proxmox_mpc_model::volume::VolumeId;

use crate::bpg;
use crate::draft::{Draft, Obstacle, PropertyOptions, RowError, RowResult};
use crate::hcl::{Block, Value};
use crate::kinds::vm::disks::gibibytes;
use crate::kinds::{guest, references};

const DROPPED: &str = "the provider has no attribute for this option of a volume (provider rule K2)";

/// Writes the root file system, which is always in the state. Without a size the provider reads 0, and its default is 4
/// (docs/provider.md, C9).
pub(super) fn root(draft: &mut Draft<'_>) -> RowResult {
    let Some(mut options) = draft.options("rootfs") else { return Ok(()) };
    let volume = options.take_or_first("volume").unwrap_or_default();
    let size = options.take("size");
    if size.as_deref().is_some_and(|size| !bpg::disk_size(size)) {
        return Err(Obstacle::new("the provider cannot read the size of rootfs").into());
    }
    let gib = gibibytes(draft, "rootfs", size.as_deref());
    let mut block = Block::new("disk");
    block.set("datastore_id", references::storage(draft, volume.split(':').next().unwrap_or_default()));
    block.set("size", gib);
    if size.is_none() {
        block.comment("No size is set in Proxmox, which the provider reads as 0.");
    }
    for option in ["acl", "quota"] {
        block.set_some(option, options.flag(option));
    }
    // The provider never turns it off (docs/provider.md, C27).
    if options.get("replicate").and_then(boolean::parse) != Some(false) {
        block.set_some("replicate", options.flag("replicate"));
    }
    block.set_some("mount_options", mount_options(draft, &mut options));
    let off = "the provider never writes that it is off; a later change of the disk turns it on (provider rule C27)";
    draft.keep_options_in_ansible(
        &options,
        &[("ro", DROPPED), ("shared", DROPPED), ("idmap", DROPPED), ("replicate", off)],
    );
    draft.add_block(block);
    Ok(())
}

/// Writes the mount points in order. The size is the exact text: anything else replaces the container (docs/provider.md, C6).
pub(super) fn mount_points(draft: &mut Draft<'_>) -> RowResult {
    let mut blocks = Vec::new();
    let points = draft.family("mp");
    for (index, text) in &points {
        let mut options = decoded(&format!("mp{index}"), text)?;
        let mut block = Block::new("mount_point");
        let Some(volume) = options.first() else {
            for index in points.keys() {
                draft.not_in_provider(
                    &format!("mp{index}"),
                    "the provider does not see which volume one of them is; left out, they stay",
                );
            }
            draft.ignore(&["mount_point"], format!("the provider does not see which volume mp{index} is"));
            return Ok(());
        };
        let own = VolumeId::parse(&volume).filter(|volume| volume.owner().is_some());
        if own.is_some() {
            let path = format!("mount_point[{}].volume", blocks.len());
            draft.ignore_without_comment(&[&path]);
        }
        let volume = match &own {
            Some(own) => references::storage(draft, own.storage()),
            None => references::volume(draft, &volume),
        };
        block.set("volume", volume);
        block.set("path", options.take("mp").unwrap_or_default());
        match options.take("size") {
            Some(size) if !bpg::disk_size(&size) => {
                return Err(Obstacle::new(format!("the provider cannot read the size of mp{index}")).into());
            }
            size => block.set_some("size", size),
        }
        for (option, attribute) in
            [("acl", "acl"), ("backup", "backup"), ("quota", "quota"), ("ro", "read_only"), ("shared", "shared")]
        {
            block.set_some(attribute, options.flag(option).filter(|on| *on));
        }
        block.set_some("replicate", options.flag("replicate").filter(|on| !*on));
        block.set_some("mount_options", mount_options(draft, &mut options));
        draft.keep_options_in_ansible(&options, &[("idmap", DROPPED), ("keepattrs", DROPPED)]);
        blocks.push(block);
    }
    for block in blocks {
        draft.add_block(block);
    }
    Ok(())
}

fn mount_options(draft: &mut Draft<'_>, options: &mut PropertyOptions) -> Option<Value> {
    let text = options.take("mountoptions").filter(|text| !text.is_empty())?;
    let key = options.key().to_owned();
    if text.split(';').any(str::is_empty) {
        draft.not_in_provider(&format!("{key}.mountoptions"), "the provider refuses an empty option");
        draft.ignore(
            &[if key == "rootfs" { "disk[0].mount_options" } else { "mount_point" }],
            "the provider refuses an empty mount option",
        );
        return None;
    }
    Some(Value::List(text.split(';').map(Value::from).collect()))
}

/// Writes passed-through devices in order.
pub(super) fn devices(draft: &mut Draft<'_>) -> RowResult {
    for (index, text) in draft.family("dev") {
        let key = format!("dev{index}");
        let mut options = decoded(&key, &text)?;
        let Some(path) = options.take_or_first("path").filter(|path| !path.is_empty()) else {
            let reason = format!("{key} names no device, which the provider refuses and with which no start succeeds");
            return Err(Obstacle::new(reason).remedy(guest::command(draft, &format!("--delete {key}"))).into());
        };
        let mut block = Block::new("device_passthrough");
        block.set("path", path);
        block.set_some("mode", options.take("mode").filter(|mode| mode != "0660"));
        for option in ["uid", "gid"] {
            let Some(text) = options.take(option) else { continue };
            let id: i64 = text
                .parse()
                .map_err(|_| Obstacle::new(format!("the provider cannot read `{option}={text}` of {key}")))?;
            block.set_some(option, (id != 0).then_some(id));
        }
        block.set_some("deny_write", options.flag("deny-write").filter(|on| *on));
        draft.explain_remaining(&options, &[]);
        draft.add_block(block);
    }
    Ok(())
}

/// Parses a value that the provider puts between quotes and decodes as JSON: it fails on a quote or a backslash.
pub(super) fn decoded(key: &str, text: &str) -> Result<PropertyOptions, RowError> {
    if text.contains(['"', '\\']) || text.chars().any(|c| c < ' ') {
        return Err(
            Obstacle::new(format!("the provider cannot read `{key}`: there is a quote or a backslash in it")).into()
        );
    }
    Ok(PropertyOptions::new(key, text))
}
