//! Volumes on storages: their names, their rows, and how they are made and removed.

use proxmox_mpc_model::features::{self, Feature};
use proxmox_mpc_model::volume::VolumeId;
use proxmox_mpc_model::{ApiPath, list};
use serde_json::{Value, json};

use super::keys::{is_on, word};
use crate::call::{Call, Refusal};
use crate::state::tasks::TaskLog;
use crate::state::{Row, Transaction};

/// A storage as it is configured.
#[derive(Clone, Debug)]
pub(super) struct Storage {
    name: String,
    row: Row,
}

impl Storage {
    /// Reads a storage that must exist and hold a type of content.
    pub(super) fn holding(transaction: &Transaction, name: &str, content: &str) -> Result<Self, Refusal> {
        let row = transaction.row(&ApiPath::parse("storage"), "storage", name)?;
        let row = row.ok_or_else(|| Refusal::failed(format!("storage '{name}' does not exist")))?;
        let contents = word(&row, "content").unwrap_or_default();
        if list::items(&contents).any(|own| own == content) {
            return Ok(Self { name: name.to_owned(), row });
        }
        // Recorded of both (flow 018, `ct_create_missing_vol`): the content is refused before the template or the volume
        // is looked for.
        let what = if content == "images" { "vm images" } else { "container directories" };
        Err(Refusal::parameter("storage", format!("storage '{name}' does not support {what}")))
    }

    /// Reads a storage that must exist, be enabled, and be for this node (`storage_check_enabled`).
    pub(super) fn enabled(transaction: &Transaction, name: &str, node: &str) -> Result<Self, Refusal> {
        let storage = Self::named(transaction, name)?;
        storage.usable(node)?;
        Ok(storage)
    }

    /// Reads a storage that must exist (`storage_config`).
    pub(super) fn named(transaction: &Transaction, name: &str) -> Result<Self, Refusal> {
        let row = transaction.row(&ApiPath::parse("storage"), "storage", name)?;
        let row = row.ok_or_else(|| Refusal::failed(format!("storage '{name}' does not exist")))?;
        Ok(Self { name: name.to_owned(), row })
    }

    /// A storage by its row of the list.
    pub(super) fn read(row: Row) -> Option<Self> {
        Some(Self { name: word(&row, "storage")?, row })
    }

    /// Name of the storage.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Configuration of the storage.
    pub(super) fn row(&self) -> &Row {
        &self.row
    }

    /// Reports whether it holds a kind of content: `rootdir`.
    pub(super) fn holds(&self, content: &str) -> bool {
        list::items(&word(&self.row, "content").unwrap_or_default()).any(|own| own == content)
    }

    /// Reports whether every node sees the same volumes on it.
    pub(super) fn is_shared(&self) -> bool {
        is_on(&self.row, "shared")
            || matches!(self.kind().as_str(), "nfs" | "cifs" | "cephfs" | "rbd" | "iscsi" | "pbs")
    }

    /// Refuses a storage that is disabled, or not for this node.
    pub(super) fn usable(&self, node: &str) -> Result<(), Refusal> {
        // A disabled storage is refused for that, whichever nodes it is for (`storage_check_enabled`).
        if is_on(&self.row, "disable") {
            return Err(Refusal::failed(format!("storage '{}' is disabled", self.name)));
        }
        let nodes = word(&self.row, "nodes").unwrap_or_default();
        if nodes.is_empty() || list::items(&nodes).any(|own| own == node) {
            return Ok(());
        }
        Err(Refusal::failed(format!("storage '{}' is not available on node '{node}'", self.name)))
    }

    /// The storage of a volume, whatever it holds.
    pub(super) fn of(transaction: &Transaction, volume: &VolumeId) -> Result<Self, Refusal> {
        Self::named(transaction, volume.storage())
    }

    /// Makes a linked clone of a base volume, which names its base where the storage keeps that in mind: LVM does not
    /// (`volume_is_base_and_used` of `pve-storage`).
    pub(super) fn link(
        &self,
        transaction: &mut Transaction,
        base: &VolumeId,
        new: &NewVolume<'_>,
        log: &mut TaskLog,
    ) -> Result<String, Refusal> {
        let made = self.allocate(transaction, new, &mut TaskLog::new())?;
        let own = made.split_once(':').map_or(made.as_str(), |(_, own)| own);
        let name = base.name();
        let parent = match self.kind().as_str() {
            "zfspool" | "rbd" => format!("{name}@__base__"),
            _ if self.has_files() => format!("../{name}"),
            _ => {
                log.extend(self.output(new, own));
                return Ok(made);
            }
        };
        if self.has_files() {
            log.extend(self.output_of_link(base, new, own));
        }
        let list = self.content(new.node);
        let linked = format!("{base}/{own}");
        let mut row = transaction.row(&list, "volid", &made)?.unwrap_or_default();
        transaction.remove_row(&list, "volid", &made)?;
        row.insert("volid".to_owned(), json!(linked));
        row.insert("parent".to_owned(), json!(parent));
        transaction.put_row(&list, "volid", row)?;
        Ok(linked)
    }

    /// Lines of the log for a new file that is made over a base.
    fn output_of_link(&self, base: &VolumeId, new: &NewVolume<'_>, own: &str) -> [String; 2] {
        let file = own.rsplit('/').next().unwrap_or_default();
        let (name, vmid, bytes) = (base.name(), new.vmid, new.bytes);
        let folder = word(&self.row, "path").unwrap_or_default();
        let backing = base.format().unwrap_or("raw");
        [
            format!("clone {name}: images, {file}, {vmid} to {file} (base=../{name})"),
            format!(
                "Formatting '{folder}/images/{vmid}/{file}', fmt=qcow2 cluster_size=131072 extended_l2=on \
                 preallocation=metadata compression_type=zlib size={bytes} backing_file=../{name} backing_fmt={backing} \
                 lazy_refcounts=off refcount_bits=16"
            ),
        ]
    }

    /// One of its options.
    pub(super) fn option(&self, key: &str) -> Option<String> {
        word(&self.row, key)
    }

    pub(super) fn kind(&self) -> String {
        word(&self.row, "type").unwrap_or_default()
    }

    /// Reports whether a volume can be kept as it is now.
    pub(super) fn snapshots(&self, volume: &VolumeId) -> bool {
        features::has(&self.kind(), Feature::Snapshot, volume)
    }

    /// The folder of a storage of files; nothing of others.
    pub(super) fn folder(&self) -> String {
        word(&self.row, "path").unwrap_or_default()
    }

    /// Reports whether its volumes are files in a folder for each guest.
    pub(super) fn has_files(&self) -> bool {
        matches!(self.kind().as_str(), "dir" | "nfs" | "cifs" | "glusterfs" | "btrfs")
    }

    /// The path of its volumes of a node.
    pub(super) fn content(&self, node: &str) -> ApiPath {
        ApiPath::new(["nodes", node, "storage", &self.name, "content"])
    }

    /// The format of a volume: the one that was asked for, where the storage has a choice.
    pub(super) fn format(&self, asked: Option<&str>) -> String {
        if self.has_files() { asked.unwrap_or("raw").to_owned() } else { "raw".to_owned() }
    }

    /// The identifier of a volume of a guest by its bare name: `vm-100-disk-0`.
    fn volume(&self, vmid: &str, name: &str, format: &str) -> String {
        if self.has_files() {
            return format!("{}:{vmid}/{name}.{format}", self.name);
        }
        format!("{}:{name}", self.name)
    }

    /// Makes a volume of `bytes` for a guest, with the first free number where it has no name.
    pub(super) fn allocate(
        &self,
        transaction: &mut Transaction,
        new: &NewVolume<'_>,
        log: &mut TaskLog,
    ) -> Result<String, Refusal> {
        self.usable(new.node)?;
        let path = self.content(new.node);
        let rows = transaction.rows(&path)?;
        let name = match new.name {
            Some(name) => name.to_owned(),
            None => free_name(&rows, new.vmid, new.format),
        };
        let volume = self.volume(new.vmid, &name, new.format);
        if rows.iter().any(|row| word(row, "volid").as_ref() == Some(&volume)) {
            return Err(Refusal::failed(format!("disk image '{volume}' already exists")));
        }
        if new.bytes == 0 && matches!(self.kind().as_str(), "lvm" | "lvmthin") {
            // The words of `lvcreate`, behind those of `PVE::Storage::LVMPlugin`.
            let group = word(&self.row, "vgname").unwrap_or_default();
            let why = "Unable to create new logical volume with no extents.";
            return Err(Refusal::failed(format!("lvcreate '{group}/{name}' error:   {why}")));
        }
        log.extend(self.output(new, &name));
        let mut row = Row::new();
        row.insert("volid".to_owned(), json!(volume));
        row.insert("vmid".to_owned(), json!(new.vmid.parse::<u64>().unwrap_or_default()));
        row.insert("content".to_owned(), json!(new.content));
        row.insert("format".to_owned(), json!(new.format));
        row.insert("size".to_owned(), json!(new.bytes));
        row.insert("ctime".to_owned(), json!(transaction.now()));
        transaction.put_row(&path, "volid", row)?;
        Ok(volume)
    }

    /// The name of a volume of a guest on this storage.
    pub(super) fn named_volume(&self, vmid: &str, name: &str, format: &str) -> String {
        let whole = self.volume(vmid, name, format);
        whole.split_once(':').map_or(whole.clone(), |(_, name)| name.to_owned())
    }

    /// The identifier of a guest's next volume, with the first free number.
    pub(super) fn free_volume(
        &self,
        transaction: &Transaction,
        (node, vmid): (&str, &str),
        format: &str,
    ) -> Result<String, Refusal> {
        let rows = transaction.rows(&self.content(node))?;
        Ok(self.volume(vmid, &free_name(&rows, vmid, format), format))
    }

    /// Gives a volume to another guest, under its first free number; returns its new identifier.
    pub(super) fn reassign(
        &self,
        transaction: &mut Transaction,
        node: &str,
        volume: &VolumeId,
        vmid: &str,
    ) -> Result<String, Refusal> {
        let row = row(transaction, node, volume)?.unwrap_or_default();
        let text = |key: &str| word(&row, key).unwrap_or_default();
        let bytes = row.get("size").and_then(Value::as_u64).unwrap_or_default();
        let (format, content) = (text("format"), text("content"));
        let new = NewVolume { node, vmid, name: None, format: &format, content: &content, bytes };
        let made = self.allocate(transaction, &new, &mut TaskLog::new())?;
        free(transaction, node, volume)?;
        Ok(made)
    }

    /// Output of the tools behind the storage for a new volume.
    fn output(&self, new: &NewVolume<'_>, name: &str) -> Option<String> {
        let (bytes, format, vmid) = (new.bytes, new.format, new.vmid);
        if self.has_files() {
            let folder = word(&self.row, "path").unwrap_or_default();
            let file = format!("{folder}/images/{vmid}/{name}.{format}");
            let options = match format {
                "qcow2" => format!(
                    "cluster_size=65536 extended_l2=off preallocation=metadata compression_type=zlib size={bytes} \
                     lazy_refcounts=off refcount_bits=16"
                ),
                _ => format!("size={bytes} preallocation=off"),
            };
            return Some(format!("Formatting '{file}', fmt={format} {options}"));
        }
        self.kind().starts_with("lvm").then(|| format!("  Logical volume \"{name}\" created."))
    }
}

/// A volume to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewVolume<'n> {
    pub(super) node: &'n str,
    pub(super) vmid: &'n str,
    /// Its bare name, where it is not numbered: `vm-100-cloudinit`.
    pub(super) name: Option<&'n str>,
    pub(super) format: &'n str,
    /// `images` or `rootdir`.
    pub(super) content: &'n str,
    pub(super) bytes: u64,
}

/// The first name of a guest's volumes that none of these has.
fn free_name(rows: &[Row], vmid: &str, format: &str) -> String {
    let taken = |name: &str| rows.iter().filter_map(|row| word(row, "volid")).any(|volume| is_called(&volume, name));
    let free = |number: &u32| !taken(&format!("vm-{vmid}-disk-{number}"));
    let prefix = if format == "subvol" { "subvol" } else { "vm" };
    format!("{prefix}-{vmid}-disk-{}", (0..u32::MAX).find(free).unwrap_or_default())
}

/// Reports whether a volume has this bare name, whatever its folder and format, and whether it is a template's or a
/// container's.
fn is_called(volume: &str, name: &str) -> bool {
    let last = volume.rsplit(['/', ':']).next().unwrap_or_default();
    let bare = last.split_once('.').map_or(last, |(bare, _)| bare);
    bare == name || ["base-", "subvol-", "basevol-"].iter().any(|prefix| bare.replacen(prefix, "vm-", 1) == name)
}

/// The volume's row in the list of its storage on a node.
pub(super) fn row(transaction: &Transaction, node: &str, volume: &VolumeId) -> Result<Option<Row>, Refusal> {
    let list = ApiPath::new(["nodes", node, "storage", volume.storage(), "content"]);
    transaction.row(&list, "volid", volume.as_str())
}

/// Changes the size of a volume.
pub(super) fn stretch(transaction: &mut Transaction, node: &str, volume: &VolumeId, bytes: u64) -> Result<(), Refusal> {
    let Some(mut own) = row(transaction, node, volume)? else { return Ok(()) };
    own.insert("size".to_owned(), json!(bytes));
    let list = ApiPath::new(["nodes", node, "storage", volume.storage(), "content"]);
    transaction.put_row(&list, "volid", own)
}

/// Removes a volume, if it exists.
pub(super) fn free(transaction: &mut Transaction, node: &str, volume: &VolumeId) -> Result<(), Refusal> {
    let list = ApiPath::new(["nodes", node, "storage", volume.storage(), "content"]);
    if row(transaction, node, volume)?.is_some() {
        transaction.remove_row(&list, "volid", volume.as_str())?;
    }
    transaction.hide(&ApiPath::new(["nodes", node, "storage", volume.storage(), "content", volume.as_str()]));
    Ok(())
}

/// `POST content`: a volume with a name that the client chose.
pub(super) fn allocate(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (node, vmid, file) = (call.node(), call.required("vmid")?, call.required("filename")?);
    let storage = Storage::holding(transaction, &call.required("storage")?, "images")?;
    let size = call.required("size")?;
    let bytes = super::drives::bytes(&size, 1 << 10)
        .ok_or_else(|| Refusal::parameter("size", "value does not match the regex pattern"))?;
    let (name, ending) = match file.rsplit_once('.') {
        Some((name, ending)) if storage.has_files() => (name.to_owned(), Some(ending.to_owned())),
        _ => (file, None),
    };
    let format = storage.format(call.text("format").or(ending).as_deref());
    let new = NewVolume { node: &node, vmid: &vmid, name: Some(&name), format: &format, content: "images", bytes };
    storage.allocate(transaction, &new, &mut TaskLog::new()).map(Value::from)
}

/// `DELETE content/{volume}`: a task that removes the volume.
pub(super) fn remove(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (node, storage, named) = (call.node(), call.required("storage")?, call.required("volume")?);
    let named = if named.contains(':') { named } else { format!("{storage}:{named}") };
    let volume =
        VolumeId::parse(&named).ok_or_else(|| Refusal::failed(format!("unable to parse volume ID '{named}'")))?;
    let id = match volume.owner() {
        Some(vmid) => format!("{vmid}@{storage}"),
        None => storage.clone(),
    };
    // All refusals are the task's: also a volume that does not exist gets a UPID, and its task ends well (flows 248-251).
    let protected = row(transaction, &node, &volume)?.is_some_and(|row| is_on(&row, "protected"));
    transaction.task(call, &node, "imgdel", &id, |transaction, log| {
        if protected {
            return Err(Refusal::failed(format!("cannot remove protected volume '{volume}' on '{node}'")));
        }
        if let (None, Some(storage)) = (row(transaction, &node, &volume)?, folder(transaction, &volume)?) {
            log.push(format!("disk image '{storage}' does not exist"));
        }
        free(transaction, &node, &volume)?;
        log.push(format!("Removed volume '{volume}'"));
        Ok(())
    })
}

/// Folder of an ISO image or a container template.
fn folder(transaction: &Transaction, volume: &VolumeId) -> Result<Option<String>, Refusal> {
    let row = transaction.row(&ApiPath::parse("storage"), "storage", volume.storage())?;
    let Some(path) = row.and_then(|row| word(&row, "path")) else { return Ok(None) };
    let Some((kind, file)) = volume.name().split_once('/') else { return Ok(None) };
    Ok(match kind {
        "iso" => Some(format!("{path}/template/iso/{file}")),
        "vztmpl" => Some(format!("{path}/template/cache/{file}")),
        _ => None,
    })
}

/// Gives a volume another identifier.
pub(super) fn rename(transaction: &mut Transaction, node: &str, from: &VolumeId, to: &str) -> Result<(), Refusal> {
    let Some(mut own) = row(transaction, node, from)? else { return Ok(()) };
    let list = ApiPath::new(["nodes", node, "storage", from.storage(), "content"]);
    free(transaction, node, from)?;
    own.insert("volid".to_owned(), json!(to));
    transaction.put_row(&list, "volid", own)
}
