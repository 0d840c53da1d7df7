//! Storages as the provider's seven resources, by their type.

use proxmox_mpc_model::Object;

use super::{Destination, Namespace, Translation};
use crate::ansible::Role;
use crate::bpg;
use crate::draft::{Draft, Obstacle, Variable, VariableDefault};
use crate::hcl::{Block, Value};
use crate::row::Row;

/// Translation of storages.
pub(super) static TRANSLATION: Translation = Translation {
    kind: "storage",
    file: "storages.tf",
    word: "storage",
    data: true,
    namespace: Namespace::Own("storage"),
    destination: |object, _| Ok(Destination::Resource(resource_type(object)?, object.entry.identity.id().to_owned())),
    name: |entry| entry.name.clone(),
    rows: &[
        Row::custom(&["storage", "type"], identity),
        Row::custom(&["content", "nodes"], sets),
        Row::custom(TEXTS, texts),
        Row::custom(FLAGS, flags),
        Row::custom(&["password"], password),
        Row::custom(&["prune-backups", "max-protected-backups", "maxfiles"], backups),
        Row::volatile(&["digest", "priority"]),
        Row::not_expressible(&["encryption-key"], "Proxmox shows the key's fingerprint only; left out, the key stays"),
        Row::ansible(
            &[
                "base",
                "bwlimit",
                "content-dirs",
                "format",
                "is_mountpoint",
                "keyring",
                "master-pubkey",
                "mkdir",
                "mountpoint",
                "nocow",
                "port",
                "saferemove-stepsize",
                "saferemove_throughput",
                "smbversion",
                "tagged_only",
            ],
            "the provider has no attribute for it (provider rule K3)",
        ),
    ],
    role: Some(|_| Role::cluster("storages")),
};

/// Keys whose values are texts; each type of storage has some of them.
const TEXTS: &[&str] = &[
    "path",
    "vgname",
    "thinpool",
    "server",
    "export",
    "share",
    "username",
    "datastore",
    "pool",
    "domain",
    "subdir",
    "options",
    "preallocation",
    "namespace",
    "fingerprint",
    "blocksize",
];

/// Keys whose values are switches.
const FLAGS: &[&str] =
    &["disable", "shared", "saferemove", "sparse", "create-base-path", "create-subdirs", "snapshot-as-volume-chain"];

/// A type of storage with a resource of the provider's. Its texts are pairs of Proxmox's key and the attribute.
struct StorageType {
    name: &'static str,
    resource: &'static str,
    texts: &'static [(&'static str, &'static str)],
    flags: &'static [StorageFlag],
}

/// A switch of a storage resource. The attributes distinguish null and false (docs/provider.md, S1): a switch is written if the
/// value that the provider reads differs from the default of its schema.
struct StorageFlag {
    key: &'static str,
    attribute: &'static str,
    written: FlagRule,
}

enum FlagRule {
    /// The provider reads `absent` for an absent key: written if the value differs from the schema's default.
    Differing { absent: bool, default: bool },
    /// The provider reads null for an absent key: written if the key is present.
    Present,
}

const fn differing(key: &'static str, attribute: &'static str, absent: bool, default: bool) -> StorageFlag {
    StorageFlag { key, attribute, written: FlagRule::Differing { absent, default } }
}

const DISABLE: StorageFlag = differing("disable", "disable", false, false);
const BASE_PATH: StorageFlag = differing("create-base-path", "create_base_path", true, true);
const SUBDIRS: StorageFlag = differing("create-subdirs", "create_subdirs", true, true);
const CHAIN: StorageFlag =
    StorageFlag { key: "snapshot-as-volume-chain", attribute: "snapshot_as_volume_chain", written: FlagRule::Present };

/// The types that the provider has a resource for.
static TYPES: &[StorageType] = &[
    StorageType {
        name: "dir",
        resource: "proxmox_storage_directory",
        texts: &[("path", "path"), ("preallocation", "preallocation")],
        flags: &[DISABLE, differing("shared", "shared", false, true), BASE_PATH, SUBDIRS],
    },
    StorageType {
        name: "lvm",
        resource: "proxmox_storage_lvm",
        texts: &[("vgname", "volume_group")],
        flags: &[
            DISABLE,
            differing("shared", "shared", false, false),
            StorageFlag { key: "saferemove", attribute: "wipe_removed_volumes", written: FlagRule::Present },
        ],
    },
    StorageType {
        name: "lvmthin",
        resource: "proxmox_storage_lvmthin",
        texts: &[("vgname", "volume_group"), ("thinpool", "thin_pool")],
        flags: &[DISABLE],
    },
    StorageType {
        name: "nfs",
        resource: "proxmox_storage_nfs",
        texts: &[
            ("server", "server"),
            ("export", "export"),
            ("options", "options"),
            ("preallocation", "preallocation"),
        ],
        flags: &[DISABLE, BASE_PATH, SUBDIRS, CHAIN],
    },
    StorageType {
        name: "cifs",
        resource: "proxmox_storage_cifs",
        texts: &[
            ("server", "server"),
            ("share", "share"),
            ("username", "username"),
            ("domain", "domain"),
            ("subdir", "subdirectory"),
            ("options", "options"),
            ("preallocation", "preallocation"),
        ],
        flags: &[DISABLE, BASE_PATH, SUBDIRS, CHAIN],
    },
    StorageType {
        name: "pbs",
        resource: "proxmox_storage_pbs",
        texts: &[
            ("server", "server"),
            ("datastore", "datastore"),
            ("namespace", "namespace"),
            ("username", "username"),
            ("fingerprint", "fingerprint"),
        ],
        flags: &[DISABLE],
    },
    StorageType {
        name: "zfspool",
        resource: "proxmox_storage_zfspool",
        texts: &[("pool", "zfs_pool"), ("blocksize", "blocksize")],
        flags: &[DISABLE, StorageFlag { key: "sparse", attribute: "thin_provision", written: FlagRule::Present }],
    },
];

fn type_of(object: &Object) -> Option<&'static StorageType> {
    let name = object.text("type")?;
    TYPES.iter().find(|one| one.name == name)
}

fn resource_type(object: &Object) -> Result<&'static str, Obstacle> {
    let Some(known) = type_of(object) else {
        let name = object.text("type").unwrap_or_default();
        return Err(Obstacle::new(format!(
            "the provider has no resource for storages of type `{name}` (provider rule K4)"
        )));
    };
    if known.name == "lvm" && !object.keys.contains_key("saferemove") {
        // Null against a schema default, which no form of ignore_changes hides (docs/provider.md, S1).
        return Err(Obstacle::new(
            "without `saferemove` the plan always changes `wipe_removed_volumes` to its default",
        )
        .remedy(format!("pvesm set {} --saferemove 0", object.entry.identity.id())));
    }
    Ok(known.resource)
}

fn identity(draft: &mut Draft<'_>) {
    draft.take("type");
    let id = draft.text("storage").unwrap_or_default();
    draft.set("id", id);
}

/// Writes contents and nodes, sorted: they are sets, and Proxmox prints them in any order.
fn sets(draft: &mut Draft<'_>) {
    for (key, attribute) in [("content", "content"), ("nodes", "nodes")] {
        let Some(text) = draft.text(key) else { continue };
        let mut words: Vec<&str> = text.split([',', ' ', ';']).filter(|word| !word.is_empty()).collect();
        words.sort_unstable();
        words.dedup();
        if key == "content" && !words.iter().all(|word| bpg::CONTENTS.contains(word)) {
            draft.not_in_provider(
                "content",
                "the provider refuses one of these contents; left out, they stay (`none` is one)",
            );
        } else if !words.is_empty() {
            draft.set(attribute, Value::List(words.into_iter().map(Value::from).collect()));
        }
    }
}

fn texts(draft: &mut Draft<'_>) {
    let Some(known) = type_of(draft.object) else { return };
    for (key, attribute) in known.texts {
        let text = draft.text(key);
        draft.set_some(attribute, text);
    }
    if known.name == "cifs" && !draft.object.keys.contains_key("username") {
        draft.set("username", "guest");
        draft.ignore(&["username"], "the provider wants a user, and the share is used as guest");
    }
    // Proxmox derives the mount point of a network share from the storage's id; only other types have a path of their own.
    let made_up = matches!(known.name, "nfs" | "cifs")
        && draft.object.text("path") == Some(format!("/mnt/pve/{}", draft.object.entry.identity.id()));
    if made_up {
        draft.set_default("path");
    }
    keep_foreign_keys(draft, TEXTS, known);
}

/// Gives keys without an attribute on this type of storage to Ansible.
fn keep_foreign_keys(draft: &mut Draft<'_>, keys: &[&str], known: &StorageType) {
    for key in keys {
        if draft.object.keys.contains_key(*key) && !draft.fates.contains_key(*key) {
            let reason =
                format!("the provider has no attribute for it on storages of type {} (provider rule K3)", known.name);
            draft.not_in_provider(key, reason);
        }
    }
}

fn flags(draft: &mut Draft<'_>) {
    let Some(known) = type_of(draft.object) else { return };
    for flag in known.flags {
        let present = draft.object.keys.contains_key(flag.key);
        let value = draft.flag(flag.key);
        match flag.written {
            FlagRule::Present if present => draft.set(flag.attribute, value),
            FlagRule::Present => {}
            FlagRule::Differing { absent, default } => {
                let read = if present { value } else { absent };
                if read == default {
                    draft.set_default(flag.key);
                } else {
                    draft.set(flag.attribute, read);
                }
            }
        }
    }
    // For types that are always or never shared, the key has its default.
    if !draft.fates.contains_key("shared") {
        draft.set_default("shared");
    }
    keep_foreign_keys(draft, FLAGS, known);
}

/// Writes a variable for the password, which the provider requires and Proxmox never shows. The attribute is ignored: otherwise
/// the plan would replace the storage (docs/provider.md, S2).
fn password(draft: &mut Draft<'_>) {
    if !matches!(type_of(draft.object).map(|known| known.name), Some("cifs" | "pbs")) {
        return;
    }
    let description =
        format!("Password of storage {}; used only when the storage is created anew", draft.object.entry.identity.id());
    let name = format!("{}_storage_password", draft.label());
    let value =
        draft.variable(name, Variable { description, default: VariableDefault::Text(String::new()), sensitive: true });
    draft.set("password", value);
    draft.ignore_without_comment(&["password"]);
}

/// Writes the retention of backups, ignored: an import does not read it (docs/provider.md, S2).
fn backups(draft: &mut Draft<'_>) {
    if draft.object.keys.contains_key("maxfiles") {
        draft.not_expressible("maxfiles", "the old form of retention, which the provider does not know");
    }
    let retention = draft.options("prune-backups");
    let protected = draft.integer("max-protected-backups");
    if retention.is_none() && protected.is_none() {
        return;
    }
    if !matches!(type_of(draft.object).map(|known| known.name), Some("dir" | "nfs" | "cifs" | "pbs")) {
        for key in ["prune-backups", "max-protected-backups"] {
            draft.not_in_provider(key, "the provider has no attribute for it on storages that keep no backups");
        }
        return;
    }
    let mut block = Block::new("backups");
    block.set_some("max_protected_backups", protected);
    if let Some(mut options) = retention {
        block.set_some("keep_all", options.flag("keep-all").filter(|on| *on));
        for option in ["keep-last", "keep-hourly", "keep-daily", "keep-weekly", "keep-monthly", "keep-yearly"] {
            block.set_some(&option.replace('-', "_"), options.integer(option));
        }
        draft.explain_remaining(&options, &[]);
    }
    draft.add_block(block);
    draft.ignore_without_comment(&["backups"]);
}
