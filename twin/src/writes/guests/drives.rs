//! Drives and mount points as their keys and values say: which keys hold one, sizes, options, and what a value asks
//! for.

use proxmox_mpc_model::drive::Drive;
use proxmox_mpc_model::property::Properties;
use proxmox_mpc_model::volume::VolumeId;

use super::guest::Guest;

const KIBIBYTE: u64 = 1 << 10;
const MEBIBYTE: u64 = 1 << 20;
const GIBIBYTE: u64 = 1 << 30;

/// The names of the keys that hold disks; a number follows.
const BUSES: [&str; 9] = ["ide", "sata", "scsi", "virtio", "efidisk", "tpmstate", "unused", "mp", "rootfs"];

/// Reports whether a key holds a disk.
pub(super) fn is_disk(key: &str) -> bool {
    let bus = key.trim_end_matches(|letter: char| letter.is_ascii_digit());
    BUSES.contains(&bus) && (bus == "rootfs" || bus != key)
}

/// A size as Proxmox writes it (`32G`, `528K`), in bytes; a bare number counts `unit`.
pub(super) fn bytes(text: &str, unit: u64) -> Option<u64> {
    let (digits, unit) = match text.chars().last()? {
        'K' => (&text[..text.len() - 1], KIBIBYTE),
        'M' => (&text[..text.len() - 1], MEBIBYTE),
        'G' => (&text[..text.len() - 1], GIBIBYTE),
        'T' => (&text[..text.len() - 1], GIBIBYTE << 10),
        _ => (text, unit),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let mut total = whole.parse::<u64>().ok()?.checked_mul(unit)?;
    if !part.is_empty() {
        let scale = 10u64.checked_pow(u32::try_from(part.len()).ok()?)?;
        total += unit / KIBIBYTE * part.parse::<u64>().ok()? * KIBIBYTE / scale;
    }
    Some(total)
}

/// The shortest way to write a size (`format_size` of `PVE::JSONSchema`).
pub(super) fn written(bytes: u64) -> String {
    let units = [("T", GIBIBYTE << 10), ("G", GIBIBYTE), ("M", MEBIBYTE), ("K", KIBIBYTE)];
    let found = units.into_iter().find(|(_, unit)| bytes >= *unit && bytes.is_multiple_of(*unit));
    found.map_or_else(|| bytes.to_string(), |(name, unit)| format!("{}{name}", bytes / unit))
}

/// Output of `qemu-img` for a copy.
pub(super) fn transferred(bytes: u64) -> [String; 2] {
    let mut whole = (bytes, "B");
    for unit in ["KiB", "MiB", "GiB", "TiB"] {
        if whole.0 >= KIBIBYTE && whole.0.is_multiple_of(KIBIBYTE) {
            whole = (whole.0 / KIBIBYTE, unit);
        }
    }
    let whole = format!("{}.0 {}", whole.0, whole.1);
    [format!("transferred 0.0 B of {whole} (0.00%)"), format!("transferred {whole} of {whole} (100.00%)")]
}

/// A disk's text with these options in Proxmox's order: the volume, then the rest by name.
pub(super) fn drive_text(volume: &str, options: &[(String, String)]) -> String {
    let mut options = options.to_vec();
    options.sort();
    let options = options.iter().map(|(key, value)| format!(",{key}={value}"));
    format!("{volume}{}", options.collect::<String>())
}

/// The options of a disk without its volume.
pub(super) fn options(text: &str) -> Vec<(String, String)> {
    let properties = Properties::parse(text);
    let named = properties.iter().filter_map(|(key, value)| Some((key?.to_owned(), value.to_owned())));
    named.filter(|(key, _)| key != "file" && key != "volume").collect()
}

/// Volume that the value of a drive asks for.
#[derive(Debug)]
pub(super) enum VolumeRequest {
    /// A new volume on a storage; `None` is the size of its kind.
    New(String, Option<u64>),
    /// A drive for cloud-init data.
    CloudInit(String),
    /// A volume that is there already, or none.
    There,
}

/// Reads what a disk's value asks for.
pub(super) fn wish(key: &str, value: &str) -> VolumeRequest {
    let drive = Properties::parse(value);
    let volume = drive.get("file").or_else(|| drive.get_or_bare("volume")).unwrap_or_default();
    let Some((storage, what)) = volume.split_once(':').filter(|(storage, _)| !storage.contains('/')) else {
        return VolumeRequest::There;
    };
    if what == "cloudinit" {
        return VolumeRequest::CloudInit(storage.to_owned());
    }
    let is_number = what.chars().all(|letter| letter.is_ascii_digit() || letter == '.') && !what.is_empty();
    let size = if is_number { bytes(what, GIBIBYTE) } else { None };
    match size {
        Some(_) if key.starts_with("efidisk") => VolumeRequest::New(storage.to_owned(), Some(528 * KIBIBYTE)),
        Some(_) if key.starts_with("tpmstate") => VolumeRequest::New(storage.to_owned(), Some(4 * MEBIBYTE)),
        Some(size) => VolumeRequest::New(storage.to_owned(), Some(size)),
        None => VolumeRequest::There,
    }
}

/// Reports whether a disk's value stands on this volume.
pub(super) fn names(value: &str, volume: &VolumeId) -> bool {
    Drive::parse(value).stored() == Some(volume)
}

/// Reports whether a volume belongs to a guest.
pub(super) fn is_own(guest: &Guest, volume: &VolumeId) -> bool {
    volume.owner().is_some_and(|owner| owner.to_string() == guest.vmid)
}
