//! The table of kinds, Proxmox's half: what there is in a cluster, where it is read, and what its keys mean.
//!
//! Adding a kind is one file here, one in the generators, and one line in each table.

use crate::{ApiPath, Cluster, Entry, Identity, Listing, Object, Unread, Unreadable};

mod container;
mod guest;
mod pool;
mod pool_membership;
mod storage;
mod vm;

pub use vm::without_file_names;

/// Every kind, in the order in which people read about them.
pub static KINDS: &[&Kind] = &[&vm::KIND, &container::KIND, &storage::KIND, &pool::KIND, &pool_membership::KIND];

/// The kind of an identity: `qemu/101` is a virtual machine.
pub fn of(identity: &Identity) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|kind| kind.prefix == identity.prefix())
}

/// Proxmox's half of a kind of object. The importer and the twin read it; where the object goes is the generators'.
pub struct Kind {
    /// The word of filters and reports: `vm`, `container`, `storage`.
    pub id: &'static str,
    /// The first part of its identities: `qemu` of `qemu/101`.
    pub prefix: &'static str,
    /// How people call one of them: `virtual machine`.
    pub title: &'static str,
    /// Every key that Proxmox may show of it.
    pub keys: &'static [Key],
    /// What must be asked, given what is known so far, so that `list` and `read` can answer. Asked again after
    /// each round of answers until nothing new is wanted; what was asked once is never asked again.
    pub requests: fn(&Cluster<'_>) -> Result<Vec<ApiPath>, Unreadable>,
    /// The objects that the lists show.
    pub list: fn(&Cluster<'_>) -> Result<Listing, Unreadable>,
    /// One object with its keys, or why it could not be read.
    pub read: fn(&Cluster<'_>, &Entry) -> Result<Reading, Unreadable>,
}

/// An object with its keys, or why it could not be read although the answers themselves can.
pub type Reading = Result<Object, Unread>;

/// What Proxmox says of one key of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The key as Proxmox spells it; `net[n]` stands for `net0`, `net1`, …
    pub name: &'static str,
    /// How its value is written.
    pub form: Form,
    /// What Proxmox does where the key is absent, as it would be written; `None` where there is no default.
    pub default: Option<&'static str>,
    /// Whether it is configuration.
    pub class: Class,
}

/// How the value of a key is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Free text.
    Text,
    /// `0` or `1`.
    Boolean,
    /// A whole number.
    Integer,
    /// A number with a fraction, which Proxmox often sends as text.
    Number,
    /// `value,key=value,…`; the name of the key whose value may stand first without it, where there is one.
    Properties(Option<&'static str>),
    /// Words in an order that means nothing, separated by this character.
    Set(char),
    /// Anything else that JSON can hold.
    Structure,
}

/// Whether a key is configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It is.
    Config,
    /// It is, and nobody else may see it.
    Secret,
    /// A measurement, a checksum or a moment: never configuration.
    Volatile,
}

impl Key {
    /// A configuration key without a default.
    pub const fn new(name: &'static str, form: Form) -> Self {
        Self { name, form, default: None, class: Class::Config }
    }

    /// The same with Proxmox's default.
    #[must_use]
    pub const fn default(mut self, value: &'static str) -> Self {
        self.default = Some(value);
        self
    }

    /// The same, but never configuration.
    #[must_use]
    pub const fn volatile(mut self) -> Self {
        self.class = Class::Volatile;
        self
    }

    /// The same, but for its owner's eyes only.
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.class = Class::Secret;
        self
    }

    /// Whether this row speaks of the key `key`.
    pub fn matches(&self, key: &str) -> bool {
        matches(self.name, key)
    }
}

/// Whether the pattern (`net[n]`, or a key as it is) stands for this key. An index has no leading zero.
pub fn matches(pattern: &str, key: &str) -> bool {
    let Some(stem) = pattern.strip_suffix("[n]") else { return pattern == key };
    key.strip_prefix(stem).is_some_and(|index| {
        index == "0"
            || (!index.is_empty() && !index.starts_with('0') && index.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

/// The index of a key of a family: 3 of `net3`.
pub fn index(stem: &str, key: &str) -> Option<u32> {
    key.strip_prefix(stem)?.parse().ok()
}

impl Kind {
    /// What Proxmox says of this key, `None` for a key that nobody has written down.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.matches(name))
    }
}
