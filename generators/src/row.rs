//! Row of a translation: the Proxmox keys that it claims, and where they go.

use proxmox_mpc_model::kinds::matches;

use crate::coverage::Fate;
use crate::draft::{Draft, RowResult};
use crate::hcl::Value;

/// A row. Keys that no row claims are not covered.
pub struct Row {
    /// Proxmox keys; a family of keys as `net[n]`.
    pub claims: &'static [&'static str],
    /// The target of the keys.
    pub target: Target,
}

/// Target of a row's keys.
pub enum Target {
    /// A text attribute, written if the key holds a text that is not blank.
    Text(&'static str),
    /// A switch, written if it differs from the provider's default.
    Flag {
        /// The attribute.
        attribute: &'static str,
        /// The provider's default.
        default: bool,
    },
    /// A switch that is always written, because the provider's default would change the guest.
    AlwaysFlag(&'static str),
    /// A function that writes them.
    Custom(fn(&mut Draft<'_>)),
    /// A function that may find that the provider cannot read the object at all.
    Checked(fn(&mut Draft<'_>) -> RowResult),
    /// No configuration: a measurement, a checksum, a time, or something that Proxmox changes by itself.
    Volatile,
    /// Configuration without an attribute of the provider, for the given reason; Ansible keeps it.
    Ansible(&'static str),
    /// Configuration that no code can express, for the given reason.
    NotExpressible(&'static str),
}

impl Row {
    /// A row for a text attribute.
    pub const fn text(claims: &'static [&'static str], attribute: &'static str) -> Self {
        Self { claims, target: Target::Text(attribute) }
    }

    /// A row for a switch with the provider's default.
    pub const fn flag(claims: &'static [&'static str], attribute: &'static str, default: bool) -> Self {
        Self { claims, target: Target::Flag { attribute, default } }
    }

    /// A row for a switch that is always written.
    pub const fn always(claims: &'static [&'static str], attribute: &'static str) -> Self {
        Self { claims, target: Target::AlwaysFlag(attribute) }
    }

    /// A row that calls a function.
    pub const fn custom(claims: &'static [&'static str], emit: fn(&mut Draft<'_>)) -> Self {
        Self { claims, target: Target::Custom(emit) }
    }

    /// A row that calls a function which may find an obstacle.
    pub const fn checked(claims: &'static [&'static str], emit: fn(&mut Draft<'_>) -> RowResult) -> Self {
        Self { claims, target: Target::Checked(emit) }
    }

    /// A row for keys that are no configuration.
    pub const fn volatile(claims: &'static [&'static str]) -> Self {
        Self { claims, target: Target::Volatile }
    }

    /// A row for keys that the provider cannot express and Ansible can.
    pub const fn ansible(claims: &'static [&'static str], reason: &'static str) -> Self {
        Self { claims, target: Target::Ansible(reason) }
    }

    /// A row for keys that no code can express.
    pub const fn not_expressible(claims: &'static [&'static str], reason: &'static str) -> Self {
        Self { claims, target: Target::NotExpressible(reason) }
    }

    /// True if the row claims the key.
    pub fn claims(&self, key: &str) -> bool {
        self.claims.iter().any(|pattern| matches(pattern, key))
    }

    /// Applies the row to the object of a draft.
    pub fn apply(&self, draft: &mut Draft<'_>) -> RowResult {
        match self.target {
            Target::Text(attribute) => {
                let text = self.claims.iter().find_map(|key| draft.text(key));
                match text.filter(|text| !text.trim().is_empty()) {
                    Some(text) => draft.set(attribute, text),
                    None => self.claims.iter().for_each(|key| draft.set_default(key)),
                }
            }
            Target::Flag { attribute, default } => {
                let key = self.claims[0];
                let value = draft.flag(key);
                if value == default {
                    draft.set_default(key);
                } else {
                    draft.set(attribute, Value::Boolean(value));
                }
            }
            Target::AlwaysFlag(attribute) => {
                let value = draft.flag(self.claims[0]);
                draft.set(attribute, Value::Boolean(value));
            }
            Target::Custom(emit) => emit(draft),
            Target::Checked(emit) => emit(draft)?,
            Target::Volatile => self.set_fates(draft, &|_, _| Fate::Volatile),
            Target::Ansible(reason) => {
                let object = draft.object;
                let keys = object.keys.keys().filter(|key| self.claims(key) && !draft.fates.contains_key(*key));
                for key in keys.collect::<Vec<_>>() {
                    if draft.is_default(key) {
                        draft.set_default(key);
                    } else {
                        draft.not_in_provider(key, reason);
                    }
                }
            }
            Target::NotExpressible(reason) => self.set_fates(draft, &|draft, key| {
                if draft.is_default(key) { Fate::Default } else { Fate::NotExpressible(reason.into()) }
            }),
        }
        Ok(())
    }

    /// Marks the remaining keys of a row that an obstacle has ended as not expressible, for the same reason.
    pub fn refused(&self, draft: &mut Draft<'_>, reason: &str) {
        let object = draft.object;
        for key in object.keys.keys().filter(|key| self.claims(key)) {
            draft.fates.entry(key.clone()).or_insert_with(|| Fate::NotExpressible(reason.to_owned().into()));
        }
    }

    fn set_fates(&self, draft: &mut Draft<'_>, fate: &dyn Fn(&Draft<'_>, &str) -> Fate) {
        let object = draft.object;
        for key in object.keys.keys().filter(|key| self.claims(key)) {
            let fate = fate(draft, key);
            draft.set_fate(key, fate);
        }
    }
}
