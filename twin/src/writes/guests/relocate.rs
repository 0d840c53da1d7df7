//! Relocation of a guest to another node: its configuration, its pending changes, its snapshots, its firewall and its
//! volumes.

use std::collections::BTreeMap;

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::drive::Drive;
use proxmox_mpc_model::volume::VolumeId;
use serde_json::{Value, json};

use super::drives;
use super::guest::{Guest, resources};
use super::keys::word;
use super::stored_configuration::StoredConfiguration;
use super::volumes;
use super::volumes::Storage;
use crate::call::Refusal;
use crate::state::{Row, Transaction};

/// Volumes by the identifier that they had, and the one that they have now.
pub(super) type MovedVolumes = BTreeMap<String, String>;

/// Refuses a node that the cluster does not have (`check_node_exists`).
pub(super) fn known_node(transaction: &Transaction, node: &str) -> Result<(), Refusal> {
    let nodes = transaction.rows(&ApiPath::parse("nodes"))?;
    if nodes.iter().any(|row| word(row, "node").as_deref() == Some(node)) {
        return Ok(());
    }
    Err(Refusal::failed(format!("no such cluster node '{node}'")))
}

/// Moves a guest to another node without its volumes, which are there already.
pub(super) fn configuration(
    transaction: &mut Transaction,
    from: &Guest,
    to: &Guest,
    moved: &MovedVolumes,
) -> Result<(), Refusal> {
    let mut stored = StoredConfiguration::read(transaction, from)?;
    rename(&mut stored.keys, moved);
    stored.pending.iter_mut().for_each(|(key, value)| rename_value(key, value, moved));
    snapshots(transaction, from, to, moved)?;
    copy_firewall(transaction, from, to)?;
    transaction.hide_below(&from.path(&[]));
    if let Some(mut row) = from.resource(transaction)? {
        row.insert("node".to_owned(), json!(to.node));
        transaction.put_row(&resources(), "id", row)?;
    }
    stored.write(transaction, to)
}

fn snapshots(transaction: &mut Transaction, from: &Guest, to: &Guest, moved: &MovedVolumes) -> Result<(), Refusal> {
    let rows = transaction.rows(&from.path(&["snapshot"]))?;
    if rows.is_empty() {
        return Ok(());
    }
    for name in rows.iter().filter_map(|row| word(row, "name")).filter(|name| name != "current") {
        let mut keys = transaction.object(&from.path(&["snapshot", &name, "config"]))?;
        rename(&mut keys, moved);
        transaction.set(&to.path(&["snapshot", &name, "config"]), keys);
    }
    transaction.set_rows(&to.path(&["snapshot"]), rows);
    Ok(())
}

/// Gives a guest the firewall of another, or of itself on another node.
pub(super) fn copy_firewall(transaction: &mut Transaction, from: &Guest, to: &Guest) -> Result<(), Refusal> {
    for list in ["rules", "aliases", "ipset"] {
        let rows = transaction.rows(&from.path(&["firewall", list]))?;
        for name in rows.iter().filter(|_| list == "ipset").filter_map(|row| word(row, "name")) {
            let entries = transaction.rows(&from.path(&["firewall", "ipset", &name]))?;
            transaction.set_rows(&to.path(&["firewall", "ipset", &name]), entries);
        }
        transaction.set_rows(&to.path(&["firewall", list]), rows);
    }
    let options = transaction.object(&from.path(&["firewall", "options"]))?;
    transaction.set(&to.path(&["firewall", "options"]), options);
    Ok(())
}

fn rename(keys: &mut Row, moved: &MovedVolumes) {
    keys.iter_mut().for_each(|(key, value)| rename_value(key, value, moved));
}

/// A disk's value with the identifier that its volume has now.
fn rename_value(key: &str, value: &mut Value, moved: &MovedVolumes) {
    let Some(text) = value.as_str().filter(|_| drives::is_disk(key) || key == "vmstate") else { return };
    let Some(volume) = Drive::parse(text).stored().cloned() else { return };
    if let Some(now) = moved.get(volume.as_str()) {
        *value = json!(text.replacen(volume.as_str(), now, 1));
    }
}

/// Copies a volume to another node and a storage there; returns its new identifier.
///
/// It keeps its name where that is free (`storage_migrate` of `pve-storage`).
pub(super) fn volume(
    transaction: &mut Transaction,
    (from, to): (&Guest, &Guest),
    volume: &VolumeId,
    target: &str,
) -> Result<String, Refusal> {
    let (source, place) = (Storage::of(transaction, volume)?, Storage::enabled(transaction, target, &to.node)?);
    let mut row = volumes::row(transaction, &from.node, volume)?.unwrap_or_default();
    let last = volume.name().rsplit('/').next().unwrap_or_default();
    let (bare, ending) = last.split_once('.').unwrap_or((last, ""));
    let same = source.kind() == place.kind();
    let format = match word(&row, "format") {
        Some(format) => format,
        None if ending.is_empty() => "raw".to_owned(),
        None => ending.to_owned(),
    };
    if !same {
        transferable(&source, &place, &format)?;
    }
    let name = if same { volume.name().to_owned() } else { place.named_volume(&to.vmid, bare, &format) };
    let mut made = format!("{target}:{name}");
    let content = ApiPath::new(["nodes", &to.node, "storage", target, "content"]);
    if transaction.row(&content, "volid", &made)?.is_some() {
        made = place.free_volume(transaction, (&to.node, &to.vmid), &format)?;
    }
    row.insert("volid".to_owned(), json!(made));
    row.insert("format".to_owned(), json!(format));
    row.entry("vmid").or_insert_with(|| json!(to.vmid.parse::<u64>().unwrap_or_default()));
    transaction.put_row(&content, "volid", row)?;
    volumes::free(transaction, &from.node, volume)?;
    Ok(made)
}

/// Refuses a volume that two storages have no common format of transfer for (`volume_transfer_formats`).
fn transferable(source: &Storage, place: &Storage, format: &str) -> Result<(), Refusal> {
    let (from, to) = (source.kind(), place.kind());
    if !place.has_files() && !matches!((to.as_str(), format), ("zfspool", "raw" | "subvol") | (_, "raw")) {
        return Err(Refusal::failed(format!("unsupported format '{format}' for storage type {to}")));
    }
    // ZFS sends and takes nothing but its own streams, and directories of containers travel as archives.
    let streams = |kind: &str| match (kind, format) {
        ("zfspool", _) => ["zfs", ""],
        (_, "subvol") => ["tar", ""],
        ("lvm" | "lvmthin" | "rbd", _) => ["raw", ""],
        _ => ["raw", "qcow2"],
    };
    let common = streams(&from).iter().any(|stream| !stream.is_empty() && streams(&to).contains(stream));
    if common { Ok(()) } else { Err(Refusal::failed(format!("cannot migrate from storage type '{from}' to '{to}'"))) }
}

/// Line of a task's log with the time before it, as migrations write them.
pub(super) fn line(now: i64, text: &str) -> String {
    format!("{} {text}", moment(now))
}

/// The same for an error.
pub(super) fn error(now: i64, text: &str) -> String {
    format!("{} ERROR: {text}", moment(now))
}

/// `2026-11-24 18:04:01`; the twin's time zone is UTC.
fn moment(now: i64) -> String {
    let (days, seconds) = (now.div_euclid(86_400), now.rem_euclid(86_400));
    let (year, month, day) = date(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// The date of a day since 1970, by counting years from March, so that the leap day comes last.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_a_date() {
        let check = |now: i64, expected: &str| assert_eq!(moment(now), expected);
        check(0, "1970-01-01 00:00:00");
        check(951_782_399, "2000-02-28 23:59:59");
        check(951_782_400, "2000-02-29 00:00:00");
        check(1_795_395_090, "2026-11-23 00:51:30");
    }

    #[test]
    fn a_disk_is_called_anew_and_keeps_its_options() {
        let moved = MovedVolumes::from([("local:1/vm-1-disk-0.raw".to_owned(), "local-lvm:vm-1-disk-0".to_owned())]);
        let check = |key: &str, text: &str, expected: &str| {
            let mut value = json!(text);
            rename_value(key, &mut value, &moved);
            assert_eq!(value, expected);
        };
        check("scsi0", "local:1/vm-1-disk-0.raw,size=1G", "local-lvm:vm-1-disk-0,size=1G");
        check("rootfs", "volume=local:1/vm-1-disk-0.raw,size=1G", "volume=local-lvm:vm-1-disk-0,size=1G");
        check("scsi1", "local:1/vm-1-disk-1.raw", "local:1/vm-1-disk-1.raw");
        check("description", "local:1/vm-1-disk-0.raw", "local:1/vm-1-disk-0.raw");
    }
}
