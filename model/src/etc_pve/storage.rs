//! Answers about storages (`storage.cfg`).

use serde_json::{Value, json};

use super::section::{self, Dialect};
use super::sheet::{Row, Sheet, row, rows, with};
use super::tree::{File, Tree, file};
use super::words::sorted;
use crate::storage_types::Type;

/// Dialect of the file. The keys are those of the kind `storage`.
const STORAGES: Dialect = Dialect {
    types: "dir nfs cifs btrfs zfspool zfs lvm lvmthin iscsi iscsidirect rbd cephfs pbs glusterfs esxi",
    bare: false,
    own: &[],
    keys: "authsupported base blocksize bwlimit comstar_hg comstar_tg content content-dirs create-base-path:b \
        create-subdirs:b data-pool datastore disable:b domain encryption-key export fingerprint format fs-name fuse:b \
        is_mountpoint iscsiprovider keyring krbd:b lio_tpg master-pubkey max-protected-backups:i maxfiles:i mkdir:b \
        monhost mountpoint namespace nocow:b nodes nowritecache:b options path pool port:i portal preallocation \
        prune-backups saferemove:b saferemove-stepsize:i saferemove_throughput server server2 share shared:b \
        skip-cert-verification:b smbversion snapshot-as-volume-chain:b sparse:b subdir tagged_only:b target thinpool \
        transport username vgname volume zfs-base-path",
};

/// Types of storages that are always shared.
const SHARED: &[&str] = &["iscsi", "nfs", "cifs", "rbd", "cephfs", "iscsidirect", "zfs", "pbs", "glusterfs"];

/// The contents that a storage may have, and its default contents (`plugindata` of each plugin).
fn content(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "dir" | "btrfs" => ("images rootdir vztmpl iso backup snippets none import", "images,rootdir"),
        "lvmthin" | "zfspool" => ("images rootdir", "images,rootdir"),
        "lvm" | "rbd" => ("images rootdir", "images"),
        "iscsi" | "iscsidirect" => ("images none", "images"),
        "cephfs" => ("vztmpl iso backup snippets import", "backup"),
        "pbs" => ("backup none", "backup"),
        "esxi" => ("import", "import"),
        // `nfs`, `cifs` and similar types.
        _ => ("images rootdir vztmpl iso backup snippets import", "images"),
    }
}

/// The storages as `storage` lists them.
pub(super) fn read(tree: &Tree, sheet: &mut Sheet) -> Vec<Row> {
    let File { text, sha1: digest, .. } = file(tree, "storage.cfg");
    let mut storages = Vec::new();
    for section in section::parse("storage.cfg", text, STORAGES, sheet) {
        let (id, kind) = (section.id, section.kind);
        if !sheet.before_nine && Type::named(&kind).is_none() {
            sheet.warnings.push(format!("storage.cfg: `{id}` is left out, since Proxmox VE 9 has no type `{kind}`"));
            continue;
        }
        let (options, others) = section.keys.into_iter().partition(|(key, _)| takes(&kind, key, sheet.before_nine));
        for key in Row::keys(&others) {
            sheet
                .warnings
                .push(format!("storage.cfg: `{key}` of `{id}` is left out, since type `{kind}` does not have it"));
        }
        let mut keys = with(with(options, "storage", id), "type", kind.clone());
        let (valid, default) = content(&kind);
        let written = keys.get("content").and_then(Value::as_str).map(sorted);
        let contents = written.map(|written| {
            let contents: Vec<&str> =
                written.split(',').filter(|word| valid.split(' ').any(|known| known == *word)).collect();
            if contents.is_empty() { "none".to_owned() } else { contents.join(",") }
        });
        keys.insert("content".to_owned(), json!(contents.as_deref().unwrap_or(default)));
        if SHARED.contains(&kind.as_str()) {
            keys.insert("shared".to_owned(), json!(1));
        }
        if let Some(nodes) = keys.get_mut("nodes") {
            *nodes = json!(sorted(nodes.as_str().unwrap_or_default()));
        }
        storages.push(keys);
    }
    force_local(&mut storages);
    storages.into_iter().map(|keys| with(keys, "digest", digest.as_str())).collect()
}

/// Reports whether a storage of this type has this option. Releases before 9 had `maxfiles`, and `glusterfs`.
fn takes(kind: &str, key: &str, before_nine: bool) -> bool {
    match Type::named(kind) {
        Some(own) => own.takes(key) || before_nine && key == "maxfiles" && own.takes("prune-backups"),
        None => true,
    }
}

/// Adds `local`, which is always a folder, and always on every node (`PVE::Storage::Plugin::parse_config`).
fn force_local(storages: &mut Vec<Row>) {
    let is_local = |keys: &Row| keys.get("storage") == Some(&json!("local"));
    let is_good = |keys: &Row| {
        keys.get("type") == Some(&json!("dir")) && keys.get("path").is_none_or(|path| *path == json!("/var/lib/vz"))
    };
    if let Some(local) = storages.iter_mut().find(|keys| is_local(keys) && is_good(keys)) {
        local.insert("path".to_owned(), json!("/var/lib/vz"));
        local.remove("nodes");
        return;
    }
    storages.retain(|keys| !is_local(keys));
    let local: [(&str, Value); 6] = [
        ("storage", json!("local")),
        ("type", json!("dir")),
        ("priority", json!(0)),
        ("path", json!("/var/lib/vz")),
        ("prune-backups", json!("keep-all=1")),
        ("content", json!("backup,images,iso,rootdir,snippets,vztmpl")),
    ];
    storages.insert(0, row(local));
}

/// Answers `storage`.
pub(super) fn answer(storages: &[Row], sheet: &mut Sheet) {
    sheet.put("storage", rows(storages.to_vec()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storages_have_the_options_of_their_type() {
        let check = |text: &str, id: &str, expected: Value| {
            let tree = Tree::from([("storage.cfg".to_owned(), File::of(text))]);
            let mut storages = read(&tree, &mut Sheet::default());
            storages.retain(|keys| keys["storage"] == json!(id));
            assert_eq!(rows(storages), expected, "{text:?}");
        };
        let local = json!([{
            "storage": "local", "type": "dir", "priority": 0, "path": "/var/lib/vz", "prune-backups": "keep-all=1",
            "content": "backup,images,iso,rootdir,snippets,vztmpl", "digest": "",
        }]);
        check("", "local", local.clone());
        check("zfspool: local\n\tpool x\n", "local", local);
        check(
            "dir: local\n\tcontent iso;backup\n\tnodes a,b\n",
            "local",
            json!([{"storage": "local", "type": "dir", "path": "/var/lib/vz", "content": "backup,iso", "digest": ""}]),
        );
        check(
            "nfs: nas\n\tserver 1.2.3.4\n\texport /x\n\tshared 0\n\tis_mountpoint 1\n\tnodes b a\n",
            "nas",
            json!([{
                "storage": "nas", "type": "nfs", "server": "1.2.3.4", "export": "/x", "shared": 1,
                "nodes": "a,b", "content": "images", "digest": "",
            }]),
        );
        check(
            "PBS: p\n\tcontent iso,backup\n\nlvm: l\n\tcontent iso\n\tvgname v\n",
            "p",
            json!([{"storage": "p", "type": "pbs", "content": "backup", "shared": 1, "digest": ""}]),
        );
        check("drbd: x\n\tredundancy 2\n", "x", json!([]));
        // An option of another type, after a storage without an empty line behind it.
        check(
            "lvmthin: l\n\tthinpool t\n\tvgname v\n\tcontent images\nzfspool: z\n\tpool p\n\tcontent rootdir\n",
            "l",
            json!([{"storage": "l", "type": "lvmthin", "thinpool": "t", "vgname": "v", "content": "images", "digest": ""}]),
        );
        check("glusterfs: g\n\tserver s\n\tvolume v\n", "g", json!([]));
    }

    #[test]
    fn dropped_keys_are_read_in_files_of_release_8() {
        let text = "glusterfs: g\n\tserver s\n\tvolume v\n\ndir: d\n\tpath /d\n\tmaxfiles 3\n";
        let tree = Tree::from([("storage.cfg".to_owned(), File::of(text))]);
        let listed = |before_nine| {
            let mut sheet = Sheet::of_release(before_nine);
            let storages = read(&tree, &mut sheet);
            let named: Vec<String> =
                storages.iter().map(|keys| word(keys, "storage") + " " + &word(keys, "maxfiles")).collect();
            (named.join(","), sheet.warnings.len())
        };
        assert_eq!(listed(true), ("local ,g ,d 3".to_owned(), 0));
        assert_eq!(listed(false), ("local ,d ".to_owned(), 2));
    }

    fn word(keys: &Row, key: &str) -> String {
        keys.get(key).and_then(crate::object::text).unwrap_or_default()
    }
}
