//! Common parts of the kinds of virtual machines and containers: one list, one configuration each.

use serde_json::{Map, Value};

use super::source::Reading;
use super::write::{Create, Write};
use crate::drive::Drive;
use crate::guest::{Guest, GuestType};
use crate::overview::RESOURCES;
use crate::{ApiPath, Cluster, Entry, Identity, Listing, NotRead, Object, Reasons, Unreadable, VmId, address};

/// Reports whether Proxmox is still creating the guest, or did not finish: it cannot be started, and no option of it
/// can be written. Such a guest has the lock of a creation or of a clone, or is a container without a root file system.
pub fn is_half_made(prefix: &str, keys: &Map<String, Value>) -> bool {
    let is_locked = matches!(keys.get("lock").and_then(Value::as_str), Some("create" | "clone"));
    is_locked || (prefix == GuestType::Lxc.word() && !keys.contains_key("rootfs"))
}

/// A path below a guest: `nodes/pve1/qemu/100/config`.
pub(super) fn path(guest: &Guest, what: &str) -> ApiPath {
    ApiPath::new(["nodes", &guest.node, guest.guest_type.word(), &guest.vmid.to_string(), what])
}

/// The guests of one type.
pub(super) fn of_type<'c>(cluster: &'c Cluster<'_>, guest_type: GuestType) -> impl Iterator<Item = &'c Guest> {
    cluster.guests.values().filter(move |guest| guest.guest_type == guest_type)
}

/// The requests for the configuration and the pending changes of each guest; then, for those that run and have no
/// address in their configuration, for the addresses themselves. A node that is known to be offline is not asked.
pub(super) fn requests(cluster: &Cluster<'_>, guest_type: GuestType) -> Result<Vec<ApiPath>, Unreadable> {
    let mut wanted = Vec::new();
    for guest in of_type(cluster, guest_type).filter(|guest| cluster.nodes.get(&guest.node) != Some(&false)) {
        wanted.extend([path(guest, "config"), path(guest, "pending")]);
        if cluster.ask_guests && guest.running {
            let answer = cluster.get(&path(guest, "config"))?;
            let keys = answer.as_ref().and_then(|answer| answer.data()?.as_object());
            wanted.extend(keys.and_then(|keys| address::asked(guest, keys)));
        }
    }
    if !wanted.is_empty() {
        wanted.push(address::leases());
    }
    // The lists of the nodes are compared with the list of everything.
    let online = cluster.nodes.iter().filter(|(_, online)| **online);
    wanted.extend(online.map(|(node, _)| ApiPath::new(["nodes", node, guest_type.word()])));
    Ok(wanted)
}

/// The guests of one type; the list shows only those that the login may audit.
pub(super) fn list(cluster: &Cluster<'_>, guest_type: GuestType) -> Result<Listing, Unreadable> {
    let entry = |guest: &Guest| Entry {
        identity: Identity::new(guest_type.word(), guest.vmid),
        name: guest.name.clone(),
        node: Some(guest.node.clone()),
        pool: guest.pool.clone(),
        tags: guest.tags.clone(),
    };
    let complete = cluster.permissions.allow_all("/vms", "VM.Audit");
    let hidden = (!complete).then(|| NotRead::hidden("guests", "/vms", "VM.Audit"));
    let incomplete = match hidden {
        Some(hidden) => Some(hidden),
        None => cluster.guests_problem()?,
    };
    Ok(Listing {
        entries: of_type(cluster, guest_type).map(entry).collect(),
        incomplete: incomplete.map(Reasons::from),
    })
}

/// A guest's configuration as it is written down, pending changes included.
pub(super) fn read(cluster: &Cluster<'_>, entry: &Entry) -> Result<Reading, Unreadable> {
    let Some(guest) = VmId::parse(entry.identity.id()).and_then(|vmid| cluster.guests.get(&vmid)) else {
        return Ok(Err(NotRead::NotListed { request: ApiPath::parse(RESOURCES) }));
    };
    if cluster.nodes.get(&guest.node) == Some(&false) {
        return Ok(Err(NotRead::Offline { node: guest.node.clone() }));
    }
    let request = path(guest, "config");
    let Some(answer) = cluster.get(&request)? else { return Ok(Err(NotRead::NotOnRecord { request })) };
    Ok(match answer.data().and_then(Value::as_object) {
        // A guest without any option still has a digest.
        Some(keys) if keys.is_empty() => {
            Err(NotRead::Unusable { request, complaint: "its configuration is empty".to_owned() })
        }
        Some(keys) => Ok(Object { entry: entry.clone(), keys: keys.clone() }),
        None => Err(answer.not_read(&request)),
    })
}

/// The options of a guest are changed where they are read. A virtual machine can be created from them, with new disks;
/// a container also needs a template, which is not on record.
pub(super) fn write(cluster: &Cluster<'_>, object: &Object) -> Option<Write> {
    let vmid = VmId::parse(object.entry.identity.id())?;
    let guest = cluster.guests.get(&vmid).filter(|_| !is_half_made(object.entry.identity.prefix(), &object.keys))?;
    let write = Write::at(path(guest, "config"));
    if guest.guest_type == GuestType::Lxc {
        return Some(write);
    }
    let list = ApiPath::new(["nodes", &guest.node, guest.guest_type.word()]);
    let create = Some(Create { path: list, values: vec![("vmid".to_owned(), vmid.to_string())] });
    let new = |(key, value): (&String, &Value)| Some((key.clone(), new_drive(key, value.as_str()?)?));
    Some(Write { create, instead: object.keys.iter().filter_map(new).collect(), ..write })
}

/// The value that creates a drive anew: its storage with the size in GiB, and its options. Cloud-init takes no size,
/// the disks of the firmware and the TPM take any. `None` for a drive that is not a volume of the guest's own.
fn new_drive(key: &str, value: &str) -> Option<String> {
    let is_drive = ["ide[n]", "sata[n]", "scsi[n]", "virtio[n]", "efidisk0", "tpmstate0"];
    let drive = is_drive.iter().any(|pattern| crate::key_names::matches(pattern, key)).then(|| Drive::parse(value))?;
    let volume = drive.stored().filter(|volume| volume.owner().is_some())?;
    let what = match key {
        _ if drive.is_cloudinit() => "cloudinit".to_owned(),
        "efidisk0" | "tpmstate0" => "1".to_owned(),
        _ => drive.size()?.gib(),
    };
    let mut words = vec![format!("{}:{what}", volume.storage())];
    // The format of a file is in its name; a TPM has no choice.
    let format = volume.format().filter(|_| key != "tpmstate0" && drive.properties.get("format").is_none());
    words.extend(format.map(|format| format!("format={format}")));
    let options = drive.properties.iter().filter_map(|(name, value)| Some((name?, value)));
    let options = options.filter(|(name, _)| !matches!(*name, "file" | "volume" | "size"));
    words.extend(options.map(|(name, value)| format!("{name}={value}")));
    Some(words.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drive_is_made_anew_by_its_size() {
        let check = |key: &str, value: &str, expected: Option<&str>| {
            assert_eq!(new_drive(key, value).as_deref(), expected, "{key}: {value}");
        };
        check(
            "scsi0",
            "local:100/vm-100-disk-1.qcow2,discard=on,size=32G,ssd=1",
            Some("local:32,format=qcow2,discard=on,ssd=1"),
        );
        check("virtio0", "local:100/vm-100-disk-5.qcow2,format=qcow2,size=1073741824", Some("local:1,format=qcow2"));
        check("sata0", "local-lvm:vm-102-disk-1,size=1536M", Some("local-lvm:1.5"));
        check("efidisk0", "local-lvm:vm-102-disk-0,efitype=4m,size=4M", Some("local-lvm:1,efitype=4m"));
        check("tpmstate0", "local:100/vm-100-disk-3.raw,size=4M,version=v2.0", Some("local:1,version=v2.0"));
        check("ide2", "local-lvm:vm-110-cloudinit,media=cdrom", Some("local-lvm:cloudinit,media=cdrom"));
        check("ide2", "local:iso/debian-12.iso,media=cdrom,size=4K", None);
        check("scsi3", "/dev/disk/by-id/ata-Samsung,size=500G", None);
        check("ide2", "none,media=cdrom", None);
        check("net0", "virtio=BC:24:11:00:00:01,bridge=vmbr0", None);
    }
}
