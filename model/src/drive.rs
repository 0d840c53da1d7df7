//! Drives of a virtual machine, and root file systems and mount points of a container: a volume and its options.

use std::fmt;

use crate::property::Properties;
use crate::size::Bytes;
use crate::volume::{Volume, VolumeId};

/// The value of `ide2`, `scsi0`, `efidisk0`, `rootfs`, `mp0`, `unused0`, …: `local:100/vm-100-disk-1.qcow2,size=32G`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drive {
    /// The volume, device or folder that it stands on.
    pub volume: Volume,
    /// All its properties, the volume included.
    pub properties: Properties,
}

impl Drive {
    /// Reads any text; it prints back unchanged. The volume may be named `file` or, as in containers, `volume`.
    pub fn parse(text: &str) -> Self {
        let properties = Properties::parse(text);
        let volume = properties.get("file").or_else(|| properties.get_or_bare("volume")).unwrap_or_default();
        Self { volume: Volume::parse(volume), properties }
    }

    /// The volume on a storage; `None` for an empty CD drive and for a device or folder of the host.
    pub fn stored(&self) -> Option<&VolumeId> {
        self.volume.stored()
    }

    /// The size that the configuration remembers; `None` where it has none.
    pub fn size(&self) -> Option<Bytes> {
        Bytes::parse(self.properties.get("size")?)
    }

    /// The image format, as written down (`format=qcow2`) or by the file name; `None` where only the storage knows.
    pub fn format(&self) -> Option<&str> {
        self.properties.get("format").or_else(|| self.stored()?.format())
    }

    /// Reports whether the guest sees a CD drive.
    pub fn is_cdrom(&self) -> bool {
        self.properties.get("media") == Some("cdrom") || self.volume == Volume::HostDrive
    }

    /// Reports whether it holds the cloud-init data of the guest.
    pub fn is_cloudinit(&self) -> bool {
        self.stored().is_some_and(VolumeId::is_cloudinit)
    }
}

impl fmt::Display for Drive {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.properties.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_drives_are_distinguished() {
        let check = |text: &str, volume: &str, gibibytes: Option<u64>, format: Option<&str>, is: [bool; 2]| {
            let drive = Drive::parse(text);
            assert_eq!(drive.volume.to_string(), volume, "{text}");
            assert_eq!(drive.size().map(|size| size.gib_floor()), gibibytes, "{text}");
            assert_eq!(drive.format(), format, "{text}");
            assert_eq!([drive.is_cdrom(), drive.is_cloudinit()], is, "{text}");
            assert_eq!(drive.to_string(), text);
        };
        let disk = [false, false];
        let cdrom = [true, false];
        let cloudinit = [true, true];
        check("local-lvm:vm-110-disk-0,discard=on,size=40G,ssd=1", "local-lvm:vm-110-disk-0", Some(40), None, disk);
        check("local:100/vm-100-disk-5.qcow2,size=1G", "local:100/vm-100-disk-5.qcow2", Some(1), Some("qcow2"), disk);
        check("file=san:vm-100-disk-0,format=raw,size=528K", "san:vm-100-disk-0", Some(0), Some("raw"), disk);
        check(
            "/dev/disk/by-id/ata-Samsung_SSD_870_S6P,size=500G",
            "/dev/disk/by-id/ata-Samsung_SSD_870_S6P",
            Some(500),
            None,
            disk,
        );
        check("none,media=cdrom", "none", None, None, cdrom);
        check("cdrom", "cdrom", None, None, cdrom);
        check("local:iso/debian-12.iso,media=cdrom,size=4K", "local:iso/debian-12.iso", Some(0), None, cdrom);
        check("local-lvm:vm-9000-cloudinit,media=cdrom", "local-lvm:vm-9000-cloudinit", None, None, cloudinit);
        check("local-lvm:vm-203-disk-1,mp=/data,backup=1,size=32G", "local-lvm:vm-203-disk-1", Some(32), None, disk);
        check("/mnt/pve/nas/media,mp=/media,ro=1", "/mnt/pve/nas/media", None, None, disk);
        check("volume=tank:subvol-203-disk-0,size=1G", "tank:subvol-203-disk-0", Some(1), None, disk);
        check("", "", None, None, disk);
    }
}
