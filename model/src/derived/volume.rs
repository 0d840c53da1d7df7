//! Derived answers about one volume of a storage, from the list of its content or from the guest's configuration that
//! names it.

use serde_json::{Value, json};

use super::deriver::{Derivation, Deriver, Row};
use crate::drive::Drive;
use crate::kinds::without_file_names;
use crate::object::text;
use crate::refusals::not_implemented;
use crate::volume::VolumeId;
use crate::{Answer, Answers, ApiPath, Unreadable};

/// The answer of `nodes/{node}/storage/{storage}/content/{volume}`; the volume may be given without its storage.
pub(super) fn derive<A: Answers>(deriver: &Deriver<A>, segments: &[&str], query: &[(String, String)]) -> Derivation {
    let (["nodes", node, "storage", storage, "content", volume], []) = (segments, query) else { return Ok(None) };
    if volume.contains(' ') {
        return Ok(Some(not_implemented(segments)));
    }
    let named = if volume.contains(':') { (*volume).to_owned() } else { format!("{storage}:{volume}") };
    let Some(volume) = VolumeId::parse(&named).filter(|volume| volume.storage() == *storage) else { return Ok(None) };
    let Some(row) = deriver.row(&ApiPath::parse("storage"), "storage", storage)? else { return Ok(None) };
    let storage = Storage(&row);
    if let Some(listed) = listed(deriver, node, &volume)? {
        return Ok(Some(Answer::ok(from_list(&storage, &volume, &listed))));
    }
    if is_proved_missing(deriver, node, &volume)? {
        return Ok(Some(Answer::refusal(500, &storage.missing(&volume))));
    }
    Ok(from_configuration(deriver, &volume)?.map(|drive| Answer::ok(from_drive(&storage, &volume, &drive))))
}

/// A row of `storage`.
struct Storage<'a>(&'a Row);

impl Storage<'_> {
    fn word(&self, key: &str) -> String {
        self.0.get(key).and_then(text).unwrap_or_default()
    }

    /// The path of the volume on the node (`PVE::Storage::path`); `None` for storages whose paths depend on the node's
    /// hardware.
    fn path(&self, volume: &VolumeId) -> Option<String> {
        let name = volume.name();
        let last = name.rsplit('/').next().unwrap_or(name);
        Some(match self.word("type").as_str() {
            "lvm" | "lvmthin" => format!("/dev/{}/{last}", self.word("vgname")),
            "zfspool" if volume.name().contains("subvol-") => {
                let (mount, pool) = (self.word("mountpoint"), self.word("pool"));
                if mount.is_empty() { format!("/{pool}/{last}") } else { format!("{mount}/{last}") }
            }
            "zfspool" => format!("/dev/zvol/{}/{last}", self.word("pool")),
            "rbd" => format!("rbd:{}/{last}", self.word("pool")),
            "pbs" => {
                let login = format!("{}@{}:{}", self.word("username"), self.word("server"), self.word("datastore"));
                let namespace = self.word("namespace");
                let namespace = if namespace.is_empty() { namespace } else { format!("?ns={namespace}") };
                format!("pbs://{login}/{}{namespace}", name.strip_prefix("backup/").unwrap_or(name))
            }
            "dir" | "nfs" | "cifs" | "cephfs" | "btrfs" | "glusterfs" => {
                format!("{}/{}", self.word("path"), place(name)?)
            }
            _ => return None,
        })
    }

    /// The refusal for a volume that does not exist.
    fn missing(&self, volume: &VolumeId) -> String {
        let name = volume.name().rsplit('/').next().unwrap_or_default();
        match self.word("type").as_str() {
            "lvm" | "lvmthin" => {
                let group = self.word("vgname");
                format!("can't get size of '/dev/{group}/{name}': Failed to find logical volume \"{group}/{name}\"")
            }
            "zfspool" => format!("zfs error: cannot open '{}/{name}': dataset does not exist", self.word("pool")),
            "rbd" => format!("rbd error: rbd: error opening image {name}: (2) No such file or directory"),
            _ => format!("volume_size_info on '{volume}' failed - no format"),
        }
    }
}

/// The path of a volume below the path of its storage (`PVE::Storage::Plugin`, `vtype_subdirs`).
fn place(name: &str) -> Option<String> {
    let (folder, rest) = name.split_once('/')?;
    Some(match folder {
        "iso" => format!("template/iso/{rest}"),
        "vztmpl" => format!("template/cache/{rest}"),
        "backup" => format!("dump/{rest}"),
        "snippets" | "import" => name.to_owned(),
        // A linked clone is named after its base: `9000/base-9000-disk-0.qcow2/103/vm-103-disk-0.qcow2`.
        _ => {
            let mut parts = name.rsplit('/');
            let (file, owner) = (parts.next()?, parts.next()?);
            format!("images/{owner}/{file}")
        }
    })
}

/// The volume's row in a recorded list of the storage's content.
fn listed<A: Answers>(deriver: &Deriver<A>, node: &str, volume: &VolumeId) -> Result<Option<Row>, Unreadable> {
    for list in lists(node, volume.storage()) {
        if let Some(row) = deriver.row(&list, "volid", volume.as_str())? {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

/// The list of everything, and the lists of one kind of content each.
fn lists(node: &str, storage: &str) -> impl Iterator<Item = ApiPath> {
    let all = ApiPath::new(["nodes", node, "storage", storage, "content"]);
    let kinds = ["images", "rootdir", "iso", "vztmpl", "backup", "snippets", "import"];
    let filtered = kinds.map(|kind| all.clone().with_query("content", kind));
    std::iter::once(all).chain(filtered)
}

/// Reports whether a list that would show the volume was recorded with the right to see it, and does not have it. A
/// login sees a guest's volumes with Datastore.Allocate on the storage or VM.Config.Disk on the guest; others are left
/// out without a word (docs/proxmox.md, "Auditor").
fn is_proved_missing<A: Answers>(deriver: &Deriver<A>, node: &str, volume: &VolumeId) -> Result<bool, Unreadable> {
    let Some(owner) = volume.owner() else { return Ok(false) };
    let permissions = deriver.permissions()?;
    let sees = permissions.allow(&format!("/storage/{}", volume.storage()), "Datastore.Allocate")
        || permissions.allow(&format!("/vms/{owner}"), "VM.Config.Disk");
    if !sees {
        return Ok(false);
    }
    let all = ApiPath::new(["nodes", node, "storage", volume.storage(), "content"]);
    if deriver.rows(&all, "volid")?.is_some() {
        return Ok(true);
    }
    // The volumes of containers are in another list (`rootdir`).
    let guest = deriver.row(&ApiPath::parse("cluster/resources"), "vmid", &owner.to_string())?;
    let is_machine = guest.is_some_and(|row| row.get("type") == Some(&json!("qemu")));
    Ok(is_machine && deriver.rows(&all.with_query("content", "images"), "volid")?.is_some())
}

/// The single answer of a listed volume. Files that are not images are read as raw ones, in whole blocks of 512 bytes.
fn from_list(storage: &Storage<'_>, volume: &VolumeId, row: &Row) -> Value {
    let content = row.get("content").and_then(text).unwrap_or_default();
    let is_file = storage.word("type") != "pbs" && matches!(content.as_str(), "iso" | "vztmpl" | "backup" | "snippets");
    let size = row.get("size").and_then(Value::as_u64).unwrap_or_default();
    let mut single = json!({
        "format": if is_file { json!("raw") } else { row.get("format").cloned().unwrap_or_default() },
        "size": if is_file { size.next_multiple_of(512) } else { size },
        "used": row.get("used").cloned().unwrap_or(json!(0)),
    });
    if let Some(path) = storage.path(volume) {
        single["path"] = json!(path);
    }
    if is_file && content == "backup" {
        single["notes"] = row.get("notes").cloned().unwrap_or(json!(""));
        single["protected"] = row.get("protected").cloned().unwrap_or(json!(0));
    }
    single
}

/// The drive of a guest that names the volume: its owner's, or that of another guest which shares it.
fn from_configuration<A: Answers>(deriver: &Deriver<A>, volume: &VolumeId) -> Result<Option<Drive>, Unreadable> {
    let Some(guests) = deriver.rows(&ApiPath::parse("cluster/resources"), "vmid")? else { return Ok(None) };
    let owner = volume.owner().map(|owner| owner.to_string()).and_then(|owner| guests.get_key_value(&owner));
    for (vmid, guest) in owner.into_iter().chain(guests.iter()) {
        let word = |key: &str| guest.get(key).and_then(text).unwrap_or_default();
        let path = ApiPath::new(["nodes", &word("node"), &word("type"), vmid, "config"]);
        let configuration = deriver.data(&path)?;
        let keys = configuration.as_ref().and_then(Value::as_object);
        let drives = keys.into_iter().flatten().filter_map(|(_, value)| Some(Drive::parse(value.as_str()?)));
        if let Some(drive) = drives.into_iter().find(|drive| drive.stored() == Some(volume)) {
            return Ok(Some(drive));
        }
    }
    Ok(None)
}

/// The single answer of a volume that only a configuration names. A size that the configuration lacks is left out.
fn from_drive(storage: &Storage<'_>, volume: &VolumeId, drive: &Drive) -> Value {
    let block = without_file_names(&storage.word("type"));
    let format = match drive.format() {
        _ if block && volume.name().contains("subvol-") => "subvol",
        Some(format) if !block => format,
        _ => "raw",
    };
    let mut single = json!({ "format": format, "used": 0 });
    if let Some(size) = drive.size() {
        single["size"] = json!(size.count());
    }
    if let Some(path) = storage.path(volume) {
        single["path"] = json!(path);
    }
    single
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// A guest may have a volume with the VMID of another guest, or of one that no longer exists.
    #[test]
    fn a_volume_is_found_with_any_guest_that_names_it() {
        let answers = BTreeMap::from([
            ("storage", json!([{"storage": "local", "type": "dir", "path": "/srv"}])),
            ("cluster/resources", json!([{"type": "qemu", "vmid": 101, "node": "pve"}])),
            ("nodes/pve/qemu/101/config", json!({"efidisk0": "local:100/vm-100-disk-0.qcow2,size=528K"})),
        ]);
        let answers: BTreeMap<ApiPath, Answer> =
            answers.into_iter().map(|(path, data)| (ApiPath::parse(path), Answer::ok(data))).collect();
        let deriver = Deriver::new(answers);
        let check = |volume: &str, expected: Option<&str>| {
            let answer =
                deriver.derive(&ApiPath::new(["nodes", "pve", "storage", "local", "content", volume])).unwrap();
            let format = answer.and_then(|answer| text(answer.data()?.get("format")?));
            assert_eq!(format.as_deref(), expected, "{volume}");
        };
        check("local:100/vm-100-disk-0.qcow2", Some("qcow2"));
        check("local:100/vm-100-disk-1.qcow2", None);
    }
}
