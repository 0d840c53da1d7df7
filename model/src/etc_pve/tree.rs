//! A copy of `/etc/pve`: its files by their paths.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Files by their paths below `/etc/pve`: `nodes/pve1/qemu-server/100.conf`. A node that has no file is named by its
/// folder, `nodes/pve1/`, and `local` holds the name of the node that was asked, where that is known.
pub type Tree = BTreeMap<String, File>;

/// File of the tree.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// Its text.
    pub text: String,
    /// The SHA-1 of its bytes in hexadecimal digits, which Proxmox calls its digest.
    pub sha1: String,
    /// Their SHA-256, which the notifications use.
    pub sha256: String,
}

/// Stand-in for a missing file: Proxmox takes it for an empty one, and the digests are those of an empty text.
static NOTHING: LazyLock<File> = LazyLock::new(|| File {
    text: String::new(),
    sha1: "da39a3ee5e6b4b0d3255bfef95601890afd80709".to_owned(),
    sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".to_owned(),
});

/// A file of the tree, or an empty one.
pub(super) fn file<'t>(tree: &'t Tree, name: &str) -> &'t File {
    tree.get(name).unwrap_or(&NOTHING)
}

impl File {
    /// A file with this text and no checksums.
    pub fn of(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }
}
