//! Storages (`storage.cfg`), Proxmox's half.

use super::key::{Class, Form, Key};
use super::kind::Kind;
use super::source::{Reading, Source};
use super::write::{Create, Write, Writing};
use crate::object::text;
use crate::{ApiPath, Cluster, Entry, Identity, Listing, NotRead, Object, Reasons};

/// A storage of the cluster. Read from the list: `storage/{id}` wants Datastore.Allocate, the list only
/// Datastore.Audit, and both hold the same keys.
pub(super) static KIND: Kind = Kind {
    id: "storage",
    prefix: "storage",
    title: "storage",
    keys: KEYS,
    source: Source::Own {
        requests: |_| Ok(Vec::new()),
        list: |cluster| Ok(list(cluster)),
        read: |cluster, entry| Ok(read(cluster, entry)),
    },
    writing: Writing::Own(|_, object| Some(write(object))),
};

/// The options of every storage type; `maxfiles`, `server2`, `transport` and `volume` are of releases before 9. A
/// password never shows; of an encryption key the fingerprint does. Switches without a default in the schema are off
/// where absent, but for `shared`, which depends on the type.
const KEYS: &[Key] = &[
    Key::new("authsupported", Form::Text).fixed(),
    Key::new("base", Form::Text).fixed(),
    Key::new("blocksize", Form::Text),
    Key::new("bwlimit", Form::Properties(None)),
    Key::new("comstar_hg", Form::Text),
    Key::new("comstar_tg", Form::Text),
    Key::new("content", Form::Set(',')),
    Key::new("content-dirs", Form::Properties(None)),
    Key::new("create-base-path", Form::Boolean).default("1"),
    Key::new("create-subdirs", Form::Boolean).default("1"),
    Key::new("data-pool", Form::Text),
    Key::new("datastore", Form::Text).fixed(),
    Key::new("digest", Form::Text).volatile(),
    Key::new("disable", Form::Boolean).default("0"),
    Key::new("domain", Form::Text),
    Key::new("encryption-key", Form::Text).secret(),
    Key::new("export", Form::Text).fixed(),
    Key::new("fingerprint", Form::Text),
    Key::new("format", Form::Text),
    Key::new("fs-name", Form::Text),
    Key::new("fuse", Form::Boolean).default("0"),
    Key::new("is_mountpoint", Form::Text).default("no"),
    Key::new("iscsiprovider", Form::Text).fixed(),
    Key::new("keyring", Form::Text).secret(),
    Key::new("krbd", Form::Boolean).default("0"),
    Key::new("lio_tpg", Form::Text),
    Key::new("master-pubkey", Form::Text),
    Key::new("max-protected-backups", Form::Integer),
    Key::new("maxfiles", Form::Integer),
    Key::new("mkdir", Form::Boolean).default("1"),
    Key::new("monhost", Form::Text),
    Key::new("mountpoint", Form::Text),
    Key::new("namespace", Form::Text),
    Key::new("nocow", Form::Boolean).default("0"),
    Key::new("nodes", Form::Set(',')),
    Key::new("nowritecache", Form::Boolean).default("0"),
    Key::new("options", Form::Text),
    Key::new("password", Form::Text).secret(),
    Key::new("path", Form::Text).fixed(),
    Key::new("pool", Form::Text),
    Key::new("port", Form::Integer),
    Key::new("portal", Form::Text).fixed(),
    Key::new("preallocation", Form::Text).default("metadata"),
    // Proxmox adds it to `local` where `storage.cfg` does not have that storage.
    Key::new("priority", Form::Integer).volatile(),
    Key::new("prune-backups", Form::Properties(None)),
    Key::new("saferemove", Form::Boolean).default("0"),
    Key::new("saferemove-stepsize", Form::Integer).default("32"),
    Key::new("saferemove_throughput", Form::Text),
    Key::new("server", Form::Text),
    Key::new("server2", Form::Text),
    Key::new("share", Form::Text).fixed(),
    Key::new("shared", Form::Boolean),
    Key::new("skip-cert-verification", Form::Boolean).default("0"),
    Key::new("smbversion", Form::Text).default("default"),
    Key::new("snapshot-as-volume-chain", Form::Boolean).default("0"),
    Key::new("sparse", Form::Boolean).default("0"),
    Key::new("storage", Form::Text).fixed(),
    Key::new("subdir", Form::Text),
    Key::new("tagged_only", Form::Boolean).default("0"),
    Key::new("target", Form::Text).fixed(),
    Key::new("thinpool", Form::Text).fixed(),
    Key::new("transport", Form::Text),
    Key::new("type", Form::Text).fixed(),
    Key::new("username", Form::Text),
    Key::new("vgname", Form::Text).fixed(),
    Key::new("volume", Form::Text).fixed(),
    Key::new("zfs-base-path", Form::Text),
];

fn list(cluster: &Cluster<'_>) -> Listing {
    let complete = cluster.permissions.allow_all("/storage", "Datastore.Audit");
    let entry = |id: &String| Entry {
        identity: Identity::new("storage", id),
        name: Some(id.clone()),
        node: None,
        pool: None,
        tags: Vec::new(),
    };
    Listing {
        entries: cluster.storages.keys().map(entry).collect(),
        incomplete: (!complete)
            .then(|| NotRead::hidden("storages", "/storage", "Datastore.Audit"))
            .or_else(|| cluster.problem("storage").cloned())
            .map(Reasons::from),
    }
}

fn read(cluster: &Cluster<'_>, entry: &Entry) -> Reading {
    match cluster.storages.get(entry.identity.id()) {
        Some(keys) if keys.get("type").and_then(text).is_some() => {
            Ok(Object { entry: entry.clone(), keys: keys.clone() })
        }
        Some(_) => {
            Err(NotRead::Unusable { request: ApiPath::parse("storage"), complaint: "its row has no `type`".to_owned() })
        }
        None => Err(NotRead::NotListed { request: ApiPath::parse("storage") }),
    }
}

/// Reports whether a storage of this type keeps the value that it was created with, where other types can change it
/// (`fixed` in the storage plugins' options).
fn stays(of_type: &str, key: &str) -> bool {
    match key {
        "server" => matches!(of_type, "nfs" | "cifs" | "pbs"),
        "pool" => matches!(of_type, "zfspool" | "zfs"),
        "blocksize" => of_type == "zfs",
        _ => false,
    }
}

/// The creation of a storage takes its type and the place of its data, which Proxmox refuses to change later.
fn write(object: &Object) -> Write {
    let id = object.entry.identity.id();
    let of_type = object.text("type");
    let fixed = KEYS
        .iter()
        .filter(|key| key.class == Class::Fixed || of_type.as_deref().is_some_and(|of_type| stays(of_type, key.name)));
    let values = fixed.filter_map(|key| Some((key.name.to_owned(), object.text(key.name)?))).collect();
    let create = Some(Create { path: ApiPath::new(["storage"]), values });
    Write { create, ..Write::at(ApiPath::new(["storage", id])) }
}
