//! Keys of a kind: how their values are written, their defaults, and whether they are configuration.

use crate::key_names;

/// Key of a kind, as Proxmox describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The key as Proxmox spells it; `net[n]` stands for `net0`, `net1`, …
    pub name: &'static str,
    /// The form of its value.
    pub form: Form,
    /// The value that Proxmox assumes where the key is absent, as it would be written; `None` where there is no
    /// default.
    pub default: Option<&'static str>,
    /// Its class: whether it is configuration.
    pub class: Class,
    /// Of a secret that Proxmox never shows: the key beside which it is set.
    pub beside: Option<&'static str>,
}

/// Form in which the value of a key is written.
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
    /// A property string, `value,key=value,…`, with the name of the key whose value may stand first without it, where
    /// there is one.
    Properties(Option<&'static str>),
    /// Words in an order without meaning, separated by this character.
    Set(char),
    /// Anything else that JSON can hold.
    Structure,
}

/// Class of a key: configuration or not, and who may set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Configuration.
    Config,
    /// Configuration that nobody else may see.
    Secret,
    /// Configuration that is set when the object is created, and never later: its name, its type.
    Fixed,
    /// Configuration that the API shows but does not accept: to change it, somebody edits a file on the node.
    Shown,
    /// Not configuration: a measurement, a checksum, a time, or a value that Proxmox sets anew
    /// (docs/proxmox.md, "What Proxmox changes by itself").
    Volatile,
}

impl Key {
    /// A configuration key without a default.
    pub const fn new(name: &'static str, form: Form) -> Self {
        Self { name, form, default: None, class: Class::Config, beside: None }
    }

    /// The key with Proxmox's default.
    #[must_use]
    pub const fn default(mut self, value: &'static str) -> Self {
        self.default = Some(value);
        self
    }

    /// The key as one that is not configuration.
    #[must_use]
    pub const fn volatile(mut self) -> Self {
        self.class = Class::Volatile;
        self
    }

    /// The key as one that is set when the object is created, and never later.
    #[must_use]
    pub const fn fixed(mut self) -> Self {
        self.class = Class::Fixed;
        self
    }

    /// The key as one that the API shows but does not accept.
    #[must_use]
    pub const fn shown(mut self) -> Self {
        self.class = Class::Shown;
        self
    }

    /// The key as a secret.
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.class = Class::Secret;
        self
    }

    /// The secret as one that Proxmox never shows, and that is set where this other key is.
    #[must_use]
    pub const fn beside(mut self, other: &'static str) -> Self {
        self.beside = Some(other);
        self
    }

    /// Reports whether this is the entry of the key `key`.
    pub fn matches(&self, key: &str) -> bool {
        key_names::matches(self.name, key)
    }
}
