//! Families of parameters, which the schema writes as one: `net[n]` is `net0` to `net31`.

use crate::key_names::{index, natural};

/// The families and the number of their members (`qemu-server`, `pve-container`, `pve-cluster`, `pve-manager`).
const FAMILIES: &[(&str, u32)] = &[
    ("acmedomain", 6),
    ("dev", 256),
    ("hostpci", 16),
    ("ide", 4),
    ("ipconfig", 32),
    ("link", 8),
    ("mp", 256),
    ("net", 32),
    ("numa", 8),
    ("parallel", 3),
    ("sata", 6),
    ("scsi", 31),
    ("serial", 4),
    ("unused", 256),
    ("usb", 14),
    ("virtio", 16),
    ("virtiofs", 10),
];

/// The family that a parameter is of: `net[n]` of `net3`; `None` for one beyond the end of the family.
pub(super) fn of(name: &str) -> Option<String> {
    let (stem, _) = natural(name);
    let number = index(stem, name)?;
    let (_, size) = FAMILIES.iter().find(|(family, _)| *family == stem)?;
    (number < *size).then(|| format!("{stem}[n]"))
}
