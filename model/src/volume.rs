//! Volumes on storages: `local-lvm:vm-100-disk-0`, `local:iso/debian-12.iso`.

use std::fmt;

use crate::VmId;

/// Volume, device or folder of a drive, a root file system or a mount point: the bare value of its property string.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volume {
    /// `none`: a CD drive without a disc.
    Empty,
    /// `cdrom`: the CD drive of the host.
    HostDrive,
    /// A path on the host, which may hold a colon (`/dev/disk/by-path/pci-0000:00:1f.2-ata-1`), and any other text
    /// that does not name a volume.
    Path(String),
    /// A volume on a storage.
    Stored(VolumeId),
}

impl Volume {
    /// Reads any text; it prints back unchanged.
    pub fn parse(text: &str) -> Self {
        match text {
            "none" => Self::Empty,
            "cdrom" => Self::HostDrive,
            _ => VolumeId::parse(text).map_or_else(|| Self::Path(text.to_owned()), Self::Stored),
        }
    }

    /// The volume, where it lies on a storage.
    pub fn stored(&self) -> Option<&VolumeId> {
        match self {
            Self::Stored(volume) => Some(volume),
            Self::Empty | Self::HostDrive | Self::Path(_) => None,
        }
    }
}

impl fmt::Display for Volume {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => formatter.write_str("none"),
            Self::HostDrive => formatter.write_str("cdrom"),
            Self::Path(path) => formatter.write_str(path),
            Self::Stored(volume) => volume.fmt(formatter),
        }
    }
}

/// A volume by its storage and its name there: `local` and `9000/base-9000-disk-0.qcow2/103/vm-103-disk-0.qcow2`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VolumeId {
    text: String,
    /// The position of the colon in `text`.
    colon: usize,
}

impl VolumeId {
    /// Splits at the first colon (`PVE::Storage::parse_volume_id`); `None` where the text before it is not a storage
    /// id, or there is none after it.
    pub fn parse(text: &str) -> Option<Self> {
        let colon = text.find(':')?;
        let (storage, name) = (&text[..colon], &text[colon + 1..]);
        (is_storage_id(storage) && !name.is_empty()).then(|| Self { text: text.to_owned(), colon })
    }

    /// The whole id: `local:iso/debian-12.iso`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The storage: `local`.
    pub fn storage(&self) -> &str {
        &self.text[..self.colon]
    }

    /// The name on the storage: `iso/debian-12.iso`, `vm-100-disk-0`, `100/vm-100-disk-1.qcow2`.
    pub fn name(&self) -> &str {
        &self.text[self.colon + 1..]
    }

    /// The guest whose disk it is, by the folder of a file (`100/…`) or by the name of a block device (`vm-100-disk-0`,
    /// `base-9000-disk-0/vm-103-disk-0`, `subvol-203-disk-0`); `None` for images of no guest, such as `iso/…` and the
    /// LUNs of iSCSI.
    pub fn owner(&self) -> Option<VmId> {
        let (folder, last) = self.folder_and_last();
        if folder.split('/').next().and_then(VmId::parse).is_some() {
            return folder.rsplit('/').next().and_then(VmId::parse);
        }
        if !(folder.is_empty() || folder.starts_with("base-") || folder.starts_with("basevol-")) {
            return None;
        }
        let mut words = last.split('-');
        let known = matches!(words.next()?, "vm" | "base" | "subvol" | "basevol");
        let owner = VmId::parse(words.next()?)?;
        (known && words.next().is_some()).then_some(owner)
    }

    /// The image format by its file name: `raw`, `qcow2`, `vmdk` or `subvol`; `None` for a block device, whose format
    /// only its storage knows.
    pub fn format(&self) -> Option<&str> {
        let (_, extension) = self.folder_and_last().1.rsplit_once('.')?;
        matches!(extension, "raw" | "qcow2" | "vmdk" | "subvol").then_some(extension)
    }

    /// Reports whether Proxmox writes the cloud-init data of a guest to it: `vm-110-cloudinit`,
    /// `110/vm-110-cloudinit.qcow2` (`qemu-server`: `drive_is_cloudinit`).
    pub fn is_cloudinit(&self) -> bool {
        let last = self.folder_and_last().1;
        let stem = match last.split_once('.') {
            None => last,
            Some((stem, "raw" | "cow" | "qcow" | "qcow2" | "qed" | "vmdk" | "cloop")) => stem,
            Some(_) => return false,
        };
        let named = stem.strip_prefix("vm-").and_then(|rest| rest.strip_suffix("-cloudinit"));
        stem == "cloudinit" || named.is_some_and(|owner| VmId::parse(owner).is_some())
    }

    /// The name's folder (empty where there is none) and its last component.
    fn folder_and_last(&self) -> (&str, &str) {
        self.name().rsplit_once('/').unwrap_or(("", self.name()))
    }
}

/// Reports whether a text matches `[a-z][a-z0-9-_.]*[a-z0-9]` in any letter case (`pve-storage-id`).
fn is_storage_id(text: &str) -> bool {
    let bytes = text.as_bytes();
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    match bytes {
        [first, middle @ .., last] => {
            first.is_ascii_alphabetic() && middle.iter().all(inner) && last.is_ascii_alphanumeric()
        }
        _ => false,
    }
}

impl fmt::Display for VolumeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_of_guests() {
        let check = |text: &str, storage: &str, owner: Option<u32>, format: Option<&str>, cloudinit: bool| {
            let volume = VolumeId::parse(text).unwrap();
            assert_eq!(volume.storage(), storage, "{text}");
            assert_eq!(volume.owner().map(VmId::number), owner, "{text}");
            assert_eq!(volume.format(), format, "{text}");
            assert_eq!(volume.is_cloudinit(), cloudinit, "{text}");
        };
        check("local-lvm:vm-100-disk-0", "local-lvm", Some(100), None, false);
        check("local-lvm:base-9000-disk-0", "local-lvm", Some(9000), None, false);
        check("local:100/vm-100-disk-1.qcow2", "local", Some(100), Some("qcow2"), false);
        check("local:9000/base-9000-disk-0.qcow2/103/vm-103-disk-0.qcow2", "local", Some(103), Some("qcow2"), false);
        check("tank:base-9000-disk-0/vm-103-disk-0", "tank", Some(103), None, false);
        check("tank:subvol-203-disk-0", "tank", Some(203), None, false);
        check("dir:200/subvol-200-disk-0.subvol", "dir", Some(200), Some("subvol"), false);
        check("local:100/my.disk.raw", "local", Some(100), Some("raw"), false);
        check("san:vm-100-disk-0.qcow2", "san", Some(100), Some("qcow2"), false);
        check("local-lvm:vm-110-cloudinit", "local-lvm", Some(110), None, true);
        check("local:110/vm-110-cloudinit.qcow2", "local", Some(110), Some("qcow2"), true);
        check("local:cloudinit", "local", None, None, true);
        check("local:iso/debian-12.iso", "local", None, None, false);
        check("local:iso/vm-1-x.iso", "local", None, None, false);
        check("local:iso/vm-110-cloudinit.iso", "local", None, None, false);
        check("local:iso/my-cloudinit.iso", "local", None, None, false);
        check("local:import/disk.qcow2", "local", None, Some("qcow2"), false);
        check("target:0.0.1.scsi-36001405", "target", None, None, false);
        check("pbs:backup/vm/100/2026-01-01T00:00:00Z", "pbs", None, None, false);
    }

    #[test]
    fn other_texts_are_not_volumes() {
        let check = |text: &str, expected: Volume| assert_eq!(Volume::parse(text), expected, "{text}");
        let path = |text: &str| Volume::Path(text.to_owned());
        check("none", Volume::Empty);
        check("cdrom", Volume::HostDrive);
        for text in ["/dev/disk/by-path/pci-0000:00:1f.2-ata-1", "/mnt/bulk", "", "local:", ":x", "a:x", "lö:x", "disk"]
        {
            check(text, path(text));
        }
        assert!(Volume::parse("local:100/vm-100-disk-0.raw").stored().is_some());
    }
}
