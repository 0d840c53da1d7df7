//! Mount points of containers: `rootfs` and `mp0`, `mp1`, …, as they are written and kept.

use proxmox_mpc_model::property::Properties;
use proxmox_mpc_model::volume::VolumeId;

use crate::call::Refusal;
use crate::writes::guests::drives::{self, VolumeRequest};
use crate::writes::guests::keys::word;
use crate::writes::guests::stored_configuration::StoredConfiguration;

/// Source of a mount point (`classify_mountpoint` of `pve-container`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum MountKind {
    /// A volume of a storage.
    Volume,
    /// A folder of the node.
    Bind,
    /// A device of the node.
    Device,
}

impl MountKind {
    /// Proxmox's word for it in messages.
    pub(in super::super) fn word(self) -> &'static str {
        match self {
            Self::Volume => "volume",
            Self::Bind => "bind",
            Self::Device => "device",
        }
    }
}

/// A mount point.
#[derive(Clone, Debug)]
pub(in super::super) struct Mount {
    /// The volume, the folder or the device; `local-lvm:8` where a new volume is asked for.
    pub(in super::super) volume: String,
    options: Vec<(String, String)>,
}

impl Mount {
    /// Reads a value of `rootfs` or `mpN`.
    pub(in super::super) fn parse(text: &str) -> Self {
        let properties = Properties::parse(text);
        let volume = properties.get_or_bare("volume").unwrap_or_default().to_owned();
        Self { volume, options: drives::options(text) }
    }

    /// Source of the mount point.
    pub(in super::super) fn kind(&self) -> MountKind {
        match self.volume.as_str() {
            path if path.starts_with("/dev/") => MountKind::Device,
            path if path.starts_with('/') => MountKind::Bind,
            _ => MountKind::Volume,
        }
    }

    /// The storage and the size in bytes of a volume that is to be made.
    pub(in super::super) fn wish(&self) -> Option<(String, u64)> {
        match drives::wish("mp", &self.volume) {
            VolumeRequest::New(storage, Some(size)) => Some((storage, size)),
            _ => None,
        }
    }

    /// The volume that it stands on, where it is one that exists.
    pub(in super::super) fn stored(&self) -> Option<VolumeId> {
        if self.kind() == MountKind::Volume && self.wish().is_none() { VolumeId::parse(&self.volume) } else { None }
    }

    /// One of its options.
    pub(in super::super) fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Size of its volume according to its options, in bytes.
    pub(in super::super) fn size(&self) -> Option<u64> {
        drives::bytes(self.option("size")?, 1)
    }

    /// Sets the size of the volume.
    pub(in super::super) fn resize(&mut self, bytes: u64) {
        self.options.retain(|(key, _)| key != "size");
        self.options.push(("size".to_owned(), drives::written(bytes)));
    }

    /// Its text in Proxmox's order: the volume, where it is mounted, the rest by name (`print_ct_mountpoint`).
    pub(in super::super) fn text(&self, key: &str) -> String {
        let place = self.option("mp").filter(|_| key != "rootfs");
        let first = place.map_or_else(|| self.volume.clone(), |place| format!("{},mp={place}", self.volume));
        let rest: Vec<(String, String)> = self.options.iter().filter(|(key, _)| key != "mp").cloned().collect();
        drives::drive_text(&first, &rest)
    }
}

/// The mount point of a key, which must exist; an empty one has no volume, in Proxmox's words.
pub(super) fn mount_at(stored: &StoredConfiguration, key: &str) -> Result<Mount, Refusal> {
    let missing = || Refusal::failed("format error\nvolume: property is missing and it is not optional");
    Ok(Mount::parse(&word(&stored.keys, key).ok_or_else(missing)?))
}

/// Reports whether a key is a mount point: `rootfs`, `mp0`.
pub(super) fn is_mount(key: &str) -> bool {
    drives::is_disk(key) && (key == "rootfs" || key.starts_with("mp"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_point_is_printed_in_order() {
        let check = |key: &str, text: &str, expected: &str| assert_eq!(Mount::parse(text).text(key), expected);
        check("rootfs", "volume=local-lvm:vm-1-disk-0,size=8G,acl=1", "local-lvm:vm-1-disk-0,acl=1,size=8G");
        check(
            "mp0",
            "tank:subvol-1-disk-1,size=1G,backup=1,mp=/data",
            "tank:subvol-1-disk-1,mp=/data,backup=1,size=1G",
        );
        check("mp1", "/srv/x,ro=1,mp=/x", "/srv/x,mp=/x,ro=1");
    }

    #[test]
    fn what_lies_behind_is_told_by_the_text() {
        let kind = |text: &str| Mount::parse(text).kind();
        assert_eq!((kind("/srv,mp=/x"), kind("/dev/sda1,mp=/x")), (MountKind::Bind, MountKind::Device));
        assert_eq!(Mount::parse("local-lvm:1.5,mp=/x").wish(), Some(("local-lvm".to_owned(), 3 << 29)));
        assert_eq!(Mount::parse("local-lvm:vm-1-disk-0").wish(), None);
    }
}
