//! Types of storages, as the plugins of `PVE::Storage` describe them.

/// Type of storage.
#[derive(Debug)]
pub struct Type {
    /// The name in `storage.cfg`.
    pub name: &'static str,
    /// The required options.
    pub required: &'static [&'static str],
    /// The options that cannot be changed later.
    pub fixed: &'static [&'static str],
    /// Its other options, besides those of every type ([`COMMON`]).
    pub options: &'static [&'static str],
    /// The kinds of content that it can hold.
    pub contents: &'static [&'static str],
    /// The kinds of content that it holds by default.
    pub content: &'static str,
    /// True if every node sees the same volumes, whatever the configuration says (`@SHARED_STORAGE`).
    pub shared: bool,
    /// The way in which Proxmox tests a new one.
    pub contact: Contact,
}

/// Connection that Proxmox tests before it accepts a new storage that is enabled (`check_connection`,
/// `activate_storage`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contact {
    /// None: the storage is on the node.
    Local,
    /// The server that this option names.
    Answers(&'static str),
    /// A backup server, which is asked for its datastores.
    Datastores,
}

/// The options of every type.
pub const COMMON: &[&str] = &["content", "disable", "nodes", "storage", "type"];

/// Kinds of content of a storage of files.
const FILES: &[&str] = &["backup", "images", "import", "iso", "rootdir", "snippets", "vztmpl"];
const FILES_OR_NONE: &[&str] = &["backup", "images", "import", "iso", "none", "rootdir", "snippets", "vztmpl"];
const GUESTS: &[&str] = &["images", "rootdir"];
const IMAGES_OR_NONE: &[&str] = &["images", "none"];

const fn local(name: &'static str, required: &'static [&'static str], options: &'static [&'static str]) -> Type {
    Type {
        name,
        required,
        fixed: required,
        options,
        contents: GUESTS,
        content: "images,rootdir",
        shared: false,
        contact: Contact::Local,
    }
}

const fn remote(
    name: &'static str,
    required: &'static [&'static str],
    options: &'static [&'static str],
    contact: Contact,
) -> Type {
    Type { contents: FILES, content: "images", shared: true, contact, ..local(name, required, options) }
}

/// The types of Proxmox VE 9.
pub static TYPES: &[Type] = &[
    Type {
        contents: FILES_OR_NONE,
        ..local(
            "btrfs",
            &["path"],
            &[
                "create-base-path",
                "create-subdirs",
                "format",
                "is_mountpoint",
                "max-protected-backups",
                "mkdir",
                "nocow",
                "preallocation",
                "prune-backups",
                "shared",
            ],
        )
    },
    Type {
        contents: &["backup", "import", "iso", "snippets", "vztmpl"],
        content: "backup",
        fixed: &["path"],
        ..remote(
            "cephfs",
            &[],
            &[
                "bwlimit",
                "content-dirs",
                "create-base-path",
                "create-subdirs",
                "format",
                "fs-name",
                "fuse",
                "keyring",
                "max-protected-backups",
                "mkdir",
                "monhost",
                "options",
                "path",
                "prune-backups",
                "subdir",
                "username",
            ],
            Contact::Local,
        )
    },
    Type {
        fixed: &["path", "server", "share", "snapshot-as-volume-chain"],
        ..remote(
            "cifs",
            &["server", "share"],
            &[
                "bwlimit",
                "content-dirs",
                "create-base-path",
                "create-subdirs",
                "domain",
                "format",
                "max-protected-backups",
                "mkdir",
                "options",
                "password",
                "path",
                "preallocation",
                "prune-backups",
                "smbversion",
                "snapshot-as-volume-chain",
                "subdir",
                "username",
            ],
            Contact::Answers("server"),
        )
    },
    Type {
        contents: FILES_OR_NONE,
        fixed: &["path", "snapshot-as-volume-chain"],
        ..local(
            "dir",
            &["path"],
            &[
                "bwlimit",
                "content-dirs",
                "create-base-path",
                "create-subdirs",
                "format",
                "is_mountpoint",
                "max-protected-backups",
                "mkdir",
                "preallocation",
                "prune-backups",
                "shared",
                "snapshot-as-volume-chain",
            ],
        )
    },
    Type {
        contents: &["import"],
        content: "import",
        fixed: &[],
        shared: false,
        ..remote(
            "esxi",
            &["server", "username"],
            &["password", "port", "shared", "skip-cert-verification"],
            Contact::Answers("server"),
        )
    },
    Type {
        contents: IMAGES_OR_NONE,
        ..remote("iscsi", &["portal", "target"], &["bwlimit"], Contact::Answers("portal"))
    },
    Type { contents: IMAGES_OR_NONE, ..remote("iscsidirect", &["portal", "target"], &["bwlimit"], Contact::Local) },
    Type {
        content: "images",
        fixed: &["base", "vgname"],
        ..local(
            "lvm",
            &["vgname"],
            &[
                "base",
                "bwlimit",
                "saferemove",
                "saferemove-stepsize",
                "saferemove_throughput",
                "shared",
                "snapshot-as-volume-chain",
                "tagged_only",
            ],
        )
    },
    local("lvmthin", &["thinpool", "vgname"], &["bwlimit"]),
    Type {
        fixed: &["export", "path", "server", "snapshot-as-volume-chain"],
        ..remote(
            "nfs",
            &["server", "export"],
            &[
                "bwlimit",
                "content-dirs",
                "create-base-path",
                "create-subdirs",
                "format",
                "max-protected-backups",
                "mkdir",
                "options",
                "path",
                "preallocation",
                "prune-backups",
                "snapshot-as-volume-chain",
            ],
            Contact::Answers("server"),
        )
    },
    Type {
        contents: &["backup", "none"],
        content: "backup",
        ..remote(
            "pbs",
            &["server", "datastore"],
            &[
                "encryption-key",
                "fingerprint",
                "master-pubkey",
                "max-protected-backups",
                "namespace",
                "password",
                "port",
                "prune-backups",
                "username",
            ],
            Contact::Datastores,
        )
    },
    Type {
        contents: GUESTS,
        ..remote(
            "rbd",
            &[],
            &["bwlimit", "data-pool", "keyring", "krbd", "monhost", "namespace", "pool", "username"],
            Contact::Local,
        )
    },
    Type {
        contents: &["images"],
        ..remote(
            "zfs",
            &["portal", "target", "pool", "blocksize", "iscsiprovider"],
            &["bwlimit", "comstar_hg", "comstar_tg", "lio_tpg", "nowritecache", "sparse", "zfs-base-path"],
            Contact::Local,
        )
    },
    Type { fixed: &["pool"], ..local("zfspool", &["pool"], &["blocksize", "bwlimit", "mountpoint", "sparse"]) },
];

impl Type {
    /// The type of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TYPES.iter().find(|own| own.name == name)
    }

    /// Reports whether a storage of this type has this option.
    pub fn takes(&self, option: &str) -> bool {
        [COMMON, self.required, self.options].iter().any(|options| options.contains(&option))
    }
}
