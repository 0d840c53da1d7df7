//! Features of volumes by the type of their storage (`volume_has_feature` of `pve-storage`'s plugins).

use crate::volume::VolumeId;

/// Operation on a volume that some types of storage support.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Keeping the volume as it is now.
    Snapshot,
    /// Making a volume that shares its blocks.
    Clone,
    /// Making a volume that shares its blocks, for a container.
    ContainerClone,
    /// Making a volume with the same contents.
    Copy,
    /// Making a base of the volume.
    Template,
    /// Sending the changes since the last time.
    Replicate,
    /// Giving the volume to another guest.
    Rename,
}

/// Reports whether a storage of this type supports the feature for a volume as it is now.
pub fn has(storage_type: &str, feature: Feature, volume: &VolumeId) -> bool {
    let (format, base) = (format(storage_type, volume), is_base(volume));
    let shares_blocks = matches!(storage_type, "btrfs" | "lvmthin" | "rbd" | "zfspool");
    let is_image = shares_blocks || format != "subvol";
    match feature {
        Feature::Replicate => storage_type == "zfspool",
        Feature::Clone => is_clonable(storage_type, format, base),
        // A clone of an image in a file is a qcow2 file, which no container can use.
        Feature::ContainerClone => shares_blocks && is_clonable(storage_type, format, base),
        Feature::Copy => is_image,
        Feature::Snapshot => !base && (shares_blocks || format == "qcow2"),
        Feature::Template => !base && storage_type != "lvm",
        Feature::Rename => !base && (storage_type == "zfspool" || format != "subvol"),
    }
}

fn is_clonable(storage_type: &str, format: &str, base: bool) -> bool {
    match storage_type {
        "lvm" => false,
        "btrfs" => base || format == "raw",
        _ => base && (format != "subvol" || storage_type == "zfspool"),
    }
}

/// The format of a volume by its identifier.
pub fn format<'v>(storage_type: &str, volume: &'v VolumeId) -> &'v str {
    let last = volume.name().rsplit('/').next().unwrap_or_default();
    match last.rsplit_once('.') {
        Some((_, ending)) => ending,
        None if storage_type == "zfspool" && (last.starts_with("subvol-") || last.starts_with("basevol-")) => "subvol",
        None => "raw",
    }
}

/// Reports whether a volume belongs to a template.
pub fn is_base(volume: &VolumeId) -> bool {
    let last = volume.name().rsplit('/').next().unwrap_or_default();
    last.starts_with("base-") || last.starts_with("basevol-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_those_of_the_plugins() {
        let check = |storage: &str, feature: Feature, volume: &str, expected: bool| {
            let volume = VolumeId::parse(volume).unwrap();
            assert_eq!(has(storage, feature, &volume), expected, "{storage} {feature:?} {volume}");
        };
        check("dir", Feature::ContainerClone, "local:202/base-202-disk-0.raw", false);
        check("dir", Feature::Clone, "local:9000/base-9000-disk-0.qcow2", true);
        check("lvmthin", Feature::ContainerClone, "local-lvm:base-202-disk-0", true);
        check("lvmthin", Feature::ContainerClone, "local-lvm:vm-200-disk-0", false);
        check("zfspool", Feature::Replicate, "tank:subvol-200-disk-0", true);
        check("lvmthin", Feature::Replicate, "local-lvm:vm-110-disk-0", false);
        check("dir", Feature::Snapshot, "local:200/vm-200-disk-0.raw", false);
        check("dir", Feature::Snapshot, "local:100/vm-100-disk-0.qcow2", true);
        check("dir", Feature::Template, "local:200/vm-200-disk-0.raw", true);
        check("lvm", Feature::Clone, "san:base-200-disk-0", false);
    }
}
