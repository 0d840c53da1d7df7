//! What the schema does not say of storages and of ACME plugins (`PVE::Storage::Plugin`, `PVE::API2::ACMEPlugin`).

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proxmox_mpc_model::list;
use proxmox_mpc_model::object::text;

use crate::state::{Row, Transaction};
use crate::writes::{Call, Refusal};

/// What each type of storage cannot do without, and what it holds where nobody says.
const TYPES: &[(&str, &[&str], &str)] = &[
    ("btrfs", &["path"], "images,rootdir"),
    ("cephfs", &[], "backup"),
    ("cifs", &["server", "share"], "images"),
    ("dir", &["path"], "images,rootdir"),
    ("esxi", &["server", "username"], "import"),
    ("iscsi", &["portal", "target"], "images"),
    ("lvm", &["vgname"], "images,rootdir"),
    ("lvmthin", &["thinpool", "vgname"], "images,rootdir"),
    ("nfs", &["server", "export"], "images"),
    ("pbs", &["server", "datastore"], "backup"),
    ("rbd", &[], "images"),
    ("zfspool", &["pool"], "images,rootdir"),
];

/// Options that only these types take.
const ONLY: &[(&str, &[&str])] = &[
    ("datastore", &["pbs"]),
    ("export", &["nfs"]),
    ("path", &["dir", "btrfs", "nfs", "cifs", "cephfs"]),
    ("share", &["cifs"]),
    ("sparse", &["zfspool", "zfs"]),
    ("thinpool", &["lvmthin"]),
    ("vgname", &["lvm", "lvmthin"]),
];

/// A storage has what its type needs and takes nothing else; its lists are sorted.
pub(super) fn settle(_: &Transaction, _: &Call, row: &mut Row, before: Option<&Row>) -> Result<(), Refusal> {
    let of = |row: &Row, key: &str| row.get(key).and_then(text).unwrap_or_default();
    let kind = of(row, "type");
    let wrong = ONLY.iter().find(|(key, types)| row.contains_key(*key) && !types.contains(&kind.as_str()));
    if let Some((key, _)) = wrong {
        return Err(Refusal::failed(format!("unexpected property '{key}'")));
    }
    if before.is_none()
        && let Some((_, required, content)) = TYPES.iter().find(|(name, _, _)| *name == kind)
    {
        if let Some(missing) = required.iter().find(|key| !row.contains_key(**key)) {
            return Err(Refusal::failed(format!("missing value for required option '{missing}'")));
        }
        let id = of(row, "storage");
        row.entry("content").or_insert_with(|| (*content).into());
        if kind == "nfs" || kind == "cifs" {
            row.entry("path").or_insert_with(|| format!("/mnt/pve/{id}").into());
        }
    }
    for key in ["content", "nodes"] {
        if row.contains_key(key) {
            let words: BTreeSet<String> = list::items(&of(row, key)).map(str::to_owned).collect();
            row.insert(key.to_owned(), words.into_iter().collect::<Vec<_>>().join(",").into());
        }
    }
    row.retain(|key, value| !(key == "nodes" && value == ""));
    Ok(())
}

/// The data of a plugin is sent in base 64 and read as text.
pub(super) fn settle_acme_plugin(
    _: &Transaction,
    call: &Call,
    row: &mut Row,
    before: Option<&Row>,
) -> Result<(), Refusal> {
    if let Some(data) = call.text("data") {
        let broken = |_| Refusal::beyond_the_twin("ACME plugin data that is no base 64");
        let bytes = STANDARD.decode(data.trim()).map_err(broken)?;
        row.insert("data".to_owned(), String::from_utf8_lossy(&bytes).into_owned().into());
    }
    if before.is_none() {
        row.entry("validation-delay").or_insert_with(|| 30.into());
    }
    Ok(())
}
