//! Disks of guests: new volumes for the values of drives, and `unused0`, `unused1`, … for drives that are taken off.

use proxmox_mpc_model::drive::Drive;
use proxmox_mpc_model::volume::VolumeId;
use proxmox_mpc_model::{Answers as _, ApiPath};
use serde_json::{Value, json};

use super::drives::{VolumeRequest, bytes, drive_text, is_disk, is_own, names, options, transferred, wish, written};
use super::guest::{Guest, GuestKind, unlocked};
use super::keys::word;
use super::stored_configuration::{StoredConfiguration, same_version};
use super::volumes::{NewVolume, Storage};
use super::{cloud_init, snapshots, volumes};
use crate::call::{Call, Refusal};
use crate::state::tasks::TaskLog;
use crate::state::{Row, Transaction};

/// The size of a drive for cloud-init data.
const CLOUD_INIT_BYTES: u64 = 4 << 20;

/// Refuses storages that cannot hold the new volumes, before anything is made.
pub(super) fn check(transaction: &Transaction, guest: &Guest, given: &Row) -> Result<(), Refusal> {
    let content = content(guest);
    for (key, value) in given.iter().filter(|(key, _)| is_disk(key)) {
        let value = value.as_str().unwrap_or_default();
        if let VolumeRequest::New(storage, _) | VolumeRequest::CloudInit(storage) = wish(key, value) {
            Storage::holding(transaction, &storage, content)?;
        }
    }
    Ok(())
}

fn content(guest: &Guest) -> &'static str {
    if guest.kind == GuestKind::VirtualMachine { "images" } else { "rootdir" }
}

/// Makes the volume that a drive's value asks for, and returns the value that is kept.
pub(super) fn make(
    transaction: &mut Transaction,
    guest: &Guest,
    (key, value): (&str, &str),
    log: &mut TaskLog,
) -> Result<String, Refusal> {
    let mut rest = options(value);
    let (storage, size) = match wish(key, value) {
        VolumeRequest::New(storage, size) => (storage, size.unwrap_or_default()),
        VolumeRequest::CloudInit(storage) => return make_cloud_init(transaction, guest, &storage, rest, log),
        VolumeRequest::There => return attach(transaction, guest, value),
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
    let new = NewVolume {
        node: &guest.node,
        vmid: &guest.vmid,
        name: None,
        format: &format,
        content: content(guest),
        bytes: size,
    };
    let volume = storage.allocate(transaction, &new, log)?;
    if key.starts_with("efidisk") || source.is_some() {
        log.extend(transferred(size));
    }
    rest.push(("size".to_owned(), written(size)));
    let made = drive_text(&volume, &rest);
    if guest.kind == GuestKind::VirtualMachine {
        log.push(format!("{key}: successfully created disk '{made}'"));
    }
    Ok(made)
}

/// The size of an imported disk: of the volume where a client has asked for it, else of the list, in whole blocks. The
/// list has the length of a file, and a disk in one may be larger: a client that asks for the volume gets it with the
/// next call.
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
    log: &mut TaskLog,
) -> Result<String, Refusal> {
    let storage = Storage::holding(transaction, storage, "images")?;
    let format =
        storage.format(Some(rest.iter().find(|(key, _)| key == "format").map_or("qcow2", |(_, value)| value.as_str())));
    let name = format!("vm-{}-cloudinit", guest.vmid);
    let new = NewVolume {
        node: &guest.node,
        vmid: &guest.vmid,
        name: Some(&name),
        format: &format,
        content: "images",
        bytes: CLOUD_INIT_BYTES,
    };
    let volume = storage.allocate(transaction, &new, log)?;
    rest.retain(|(key, _)| key != "format" && key != "media");
    rest.push(("media".to_owned(), "cdrom".to_owned()));
    Ok(drive_text(&volume, &rest))
}

/// The value of a drive whose volume exists: its size is looked up.
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
        cloud_init::written(transaction, guest);
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

/// `PUT resize`: a task, which makes all the checks.
pub(super) fn resize(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let guest = Guest::of(call);
    let (key, size) = (call.required("disk")?, call.required("size")?);
    // Only the version is checked before the task: unknown disks and smaller sizes get a UPID (flows 150 and 154).
    let mut stored = StoredConfiguration::read(transaction, &guest)?;
    same_version(call, &stored)?;
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
