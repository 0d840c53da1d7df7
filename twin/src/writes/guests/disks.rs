//! Disks of guests: what is asked for becomes volumes; what is taken off stays as `unused0`, `unused1`, ….

use proxmox_mpc_model::drive::Drive;
use proxmox_mpc_model::property::Properties;
use proxmox_mpc_model::volume::VolumeId;
use proxmox_mpc_model::{Answers as _, ApiPath};
use serde_json::{Value, json};

use super::guest::{Guest, Type, unlocked};
use super::keys::word;
use super::store::Stored;
use super::volumes::{New, Storage};
use super::{snapshots, volumes};
use crate::call::{Call, Refusal};
use crate::state::tasks::Log;
use crate::state::{Row, Transaction};

const KIBIBYTE: u64 = 1 << 10;
const MEBIBYTE: u64 = 1 << 20;
const GIBIBYTE: u64 = 1 << 30;

/// The names of the keys that hold disks; a number follows.
const BUSES: [&str; 9] = ["ide", "sata", "scsi", "virtio", "efidisk", "tpmstate", "unused", "mp", "rootfs"];

/// Whether a key holds a disk.
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

/// What `qemu-img` says of a copy.
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

/// What a value asks for.
#[derive(Debug)]
pub(super) enum Wish {
    /// A new volume on a storage; `None` is the size of its kind.
    New(String, Option<u64>),
    /// A drive for cloud-init data.
    CloudInit(String),
    /// What is there already, or nothing.
    There,
}

/// Reads what a disk's value asks for.
pub(super) fn wish(key: &str, value: &str) -> Wish {
    let drive = Properties::parse(value);
    let volume = drive.get("file").or_else(|| drive.get_or_bare("volume")).unwrap_or_default();
    let Some((storage, what)) = volume.split_once(':').filter(|(storage, _)| !storage.contains('/')) else {
        return Wish::There;
    };
    if what == "cloudinit" {
        return Wish::CloudInit(storage.to_owned());
    }
    let is_number = what.chars().all(|letter| letter.is_ascii_digit() || letter == '.') && !what.is_empty();
    let size = if is_number { bytes(what, GIBIBYTE) } else { None };
    match size {
        Some(_) if key.starts_with("efidisk") => Wish::New(storage.to_owned(), Some(528 * KIBIBYTE)),
        Some(_) if key.starts_with("tpmstate") => Wish::New(storage.to_owned(), Some(4 * MEBIBYTE)),
        Some(size) => Wish::New(storage.to_owned(), Some(size)),
        None => Wish::There,
    }
}

/// Refuses storages that cannot hold what is asked of them, before anything is made.
pub(super) fn check(transaction: &Transaction, guest: &Guest, given: &Row) -> Result<(), Refusal> {
    let content = content(guest);
    for (key, value) in given.iter().filter(|(key, _)| is_disk(key)) {
        let value = value.as_str().unwrap_or_default();
        if let Wish::New(storage, _) | Wish::CloudInit(storage) = wish(key, value) {
            Storage::holding(transaction, &storage, content)?;
        }
    }
    Ok(())
}

fn content(guest: &Guest) -> &'static str {
    if guest.kind == Type::Machine { "images" } else { "rootdir" }
}

/// Makes the volume that a disk's value asks for; the value that is kept.
pub(super) fn make(
    transaction: &mut Transaction,
    guest: &Guest,
    (key, value): (&str, &str),
    log: &mut Log,
) -> Result<String, Refusal> {
    let mut rest = options(value);
    let (storage, size) = match wish(key, value) {
        Wish::New(storage, size) => (storage, size.unwrap_or_default()),
        Wish::CloudInit(storage) => return make_cloud_init(transaction, guest, &storage, rest, log),
        Wish::There => return attach(transaction, guest, value),
    };
    let source = rest.iter().position(|(key, _)| key == "import-from").map(|at| rest.remove(at).1);
    let size = match &source {
        Some(source) => imported(transaction, guest, source)?,
        None => size,
    };
    let storage = Storage::holding(transaction, &storage, content(guest))?;
    let asked = rest.iter().find(|(key, _)| key == "format").map(|(_, value)| value.clone());
    let format = storage.format(asked.as_deref());
    rest.retain(|(key, _)| key != "format" && key != "size");
    let new =
        New { node: &guest.node, vmid: &guest.vmid, name: None, format: &format, content: content(guest), bytes: size };
    let volume = storage.allocate(transaction, &new, log)?;
    if key.starts_with("efidisk") || source.is_some() {
        log.extend(transferred(size));
    }
    rest.push(("size".to_owned(), written(size)));
    let made = drive_text(&volume, &rest);
    if guest.kind == Type::Machine {
        log.push(format!("{key}: successfully created disk '{made}'"));
    }
    Ok(made)
}

/// The size of a disk that is imported: of the volume where that was asked for by itself, else as long as the list says, in
/// whole blocks of the disk. The list tells the length of a file, and a disk in one may be larger: a client that asks for a
/// size gets it with the next call.
fn imported(transaction: &Transaction, guest: &Guest, source: &str) -> Result<u64, Refusal> {
    let beyond = || Refusal::beyond_the_twin("import a disk that is on no storage");
    let Some(volume) = VolumeId::parse(source) else { return Err(beyond()) };
    if let Some(row) = volumes::row(transaction, &guest.node, &volume)? {
        let single = ApiPath::new(["nodes", &guest.node, "storage", volume.storage(), "content", volume.as_str()]);
        let single = transaction.get(&single)?;
        let whole = single.as_ref().and_then(|answer| answer.data()?.get("size")?.as_u64());
        let listed = row.get("size").and_then(Value::as_u64);
        return whole.or(listed).map(|size| size.next_multiple_of(512)).ok_or_else(beyond);
    }
    let row = transaction.row(&ApiPath::parse("storage"), "storage", volume.storage())?;
    let folder = row.and_then(|row| word(&row, "path"));
    Err(match (folder, volume.name().strip_prefix("import/")) {
        (Some(folder), Some(file)) => Refusal::failed(format!("failed to stat '{folder}/import/{file}'")),
        _ => Refusal::failed(format!("volume '{volume}' does not exist")),
    })
}

fn make_cloud_init(
    transaction: &mut Transaction,
    guest: &Guest,
    storage: &str,
    mut rest: Vec<(String, String)>,
    log: &mut Log,
) -> Result<String, Refusal> {
    let storage = Storage::holding(transaction, storage, "images")?;
    let format =
        storage.format(Some(rest.iter().find(|(key, _)| key == "format").map_or("qcow2", |(_, value)| value.as_str())));
    let name = format!("vm-{}-cloudinit", guest.vmid);
    let new = New {
        node: &guest.node,
        vmid: &guest.vmid,
        name: Some(&name),
        format: &format,
        content: "images",
        bytes: 4 * MEBIBYTE,
    };
    let volume = storage.allocate(transaction, &new, log)?;
    rest.retain(|(key, _)| key != "format" && key != "media");
    rest.push(("media".to_owned(), "cdrom".to_owned()));
    Ok(drive_text(&volume, &rest))
}

/// A volume that is there already: its size is looked up.
fn attach(transaction: &Transaction, guest: &Guest, value: &str) -> Result<String, Refusal> {
    let drive = Drive::parse(value);
    let mut rest = options(value);
    let Some(volume) = drive.stored() else {
        let first = drive.properties.get("file").or_else(|| drive.properties.get_or_bare("volume"));
        return Ok(drive_text(first.unwrap_or_default(), &rest));
    };
    let Some(row) = volumes::row(transaction, &guest.node, volume)? else {
        return Err(Refusal::failed(format!("volume '{volume}' does not exist")));
    };
    if let Some(size) = row.get("size").and_then(Value::as_u64) {
        rest.retain(|(key, _)| key != "size");
        // A file that is no image is read as a raw one, in whole blocks.
        let size = if volume.name().starts_with("iso/") { size.next_multiple_of(512) } else { size };
        rest.push(("size".to_owned(), written(size)));
    }
    Ok(drive_text(volume.as_str(), &rest))
}

/// Takes a disk off a guest: a volume of its own stays as unused, unless it is forced away or was unused.
pub(super) fn detach(
    transaction: &mut Transaction,
    guest: &Guest,
    keys: &mut Row,
    (key, forced): (&str, bool),
) -> Result<(), Refusal> {
    let Some(value) = keys.remove(key).and_then(|value| value.as_str().map(str::to_owned)) else { return Ok(()) };
    let Some(volume) = Drive::parse(&value).stored().filter(|volume| is_own(guest, volume)).cloned() else {
        return Ok(());
    };
    let still = |keys: &Row| keys.values().filter_map(Value::as_str).any(|text| names(text, &volume));
    if volume.is_cloudinit() {
        super::cloud_init::written(transaction, guest);
    }
    if forced || key.starts_with("unused") || volume.is_cloudinit() {
        if snapshots::hold(transaction, guest, &volume)? {
            let text = format!("unable to delete '{volume}' - volume is still in use (snapshot?)");
            return Err(Refusal::failed(text));
        }
        if !still(keys) {
            volumes::free(transaction, &guest.node, &volume)?;
        }
        return Ok(());
    }
    if !still(keys) {
        let free = (0..256).map(|number| format!("unused{number}")).find(|key| !keys.contains_key(key));
        keys.insert(free.unwrap_or_default(), json!(volume.as_str()));
    }
    Ok(())
}

/// Whether a disk's value stands on this volume.
fn names(value: &str, volume: &VolumeId) -> bool {
    Drive::parse(value).stored() == Some(volume)
}

/// Whether a volume belongs to a guest.
pub(super) fn is_own(guest: &Guest, volume: &VolumeId) -> bool {
    volume.owner().is_some_and(|owner| owner.to_string() == guest.vmid)
}

/// `PUT resize`: a task, in which everything is refused that is.
pub(super) fn resize(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let guest = Guest::of(call);
    let (key, size) = (call.required("disk")?, call.required("size")?);
    let mut stored = Stored::read(transaction, &guest)?;
    crate::writes::guests::store::same_version(call, &stored)?;
    let node = guest.node.clone();
    transaction.task(call, &node, "resize", &guest.vmid, |transaction, log| {
        unlocked(&guest, &stored.keys)?;
        let value = word(&stored.keys, &key).ok_or_else(|| Refusal::failed(format!("disk '{key}' does not exist")))?;
        let drive = Drive::parse(&value);
        let Some(volume) = drive.stored() else {
            return Err(Refusal::failed(format!("disk '{key}' has no associated volume")));
        };
        if drive.is_cdrom() {
            return Err(Refusal::failed("you can't resize a cdrom"));
        }
        let before = drive.size().map_or(0, |size| size.count());
        let asked = bytes(size.trim_start_matches('+'), 1).unwrap_or_default();
        let after = if size.starts_with('+') { before + asked } else { asked };
        if after < before {
            return Err(Refusal::failed("shrinking disks is not supported"));
        }
        if after == before {
            return Ok(());
        }
        let resized = format!("update VM {}: resize --disk {key} --size {size}", guest.vmid);
        transaction.note(call, &guest.node, &resized);
        volumes::stretch(transaction, &guest.node, volume, after)?;
        let mut rest = options(&value);
        rest.retain(|(key, _)| key != "size");
        rest.push(("size".to_owned(), written(after)));
        stored.keys.insert(key.clone(), json!(drive_text(volume.as_str(), &rest)));
        log.push("Image resized.".to_owned());
        stored.write(transaction, &guest)
    })
}
