//! What Proxmox says of one key of a kind: how its value is written, its default, and whether it is configuration.

use crate::key_names;

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
    /// Of a secret that Proxmox never shows: the key beside which it is set.
    pub beside: Option<&'static str>,
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
    /// It is, and only a creation sets it: what the object is called, of which type it is.
    Fixed,
    /// It is, and the API shows it without taking it: who wants it otherwise edits a file on the node.
    Shown,
    /// Never configuration: a measurement, a checksum, a moment, or what Proxmox sets anew
    /// (docs/proxmox.md, "What Proxmox changes by itself").
    Volatile,
}

impl Key {
    /// A configuration key without a default.
    pub const fn new(name: &'static str, form: Form) -> Self {
        Self { name, form, default: None, class: Class::Config, beside: None }
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

    /// The same, but set when the object is made and never after.
    #[must_use]
    pub const fn fixed(mut self) -> Self {
        self.class = Class::Fixed;
        self
    }

    /// The same, but shown by the API and never taken by it.
    #[must_use]
    pub const fn shown(mut self) -> Self {
        self.class = Class::Shown;
        self
    }

    /// The same, but for its owner's eyes only.
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.class = Class::Secret;
        self
    }

    /// The same secret, which Proxmox never shows, and which is set where this other key is.
    #[must_use]
    pub const fn beside(mut self, other: &'static str) -> Self {
        self.beside = Some(other);
        self
    }

    /// Whether this row speaks of the key `key`.
    pub fn matches(&self, key: &str) -> bool {
        key_names::matches(self.name, key)
    }
}
