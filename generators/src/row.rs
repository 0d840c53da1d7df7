//! One line of a kind's table: the Proxmox keys that it claims, and where they go.

use proxmox_mpc_model::kinds::matches;

use crate::coverage::Fate;
use crate::draft::{Draft, RowResult};
use crate::hcl::Value;

/// A row: what no row claims is by definition not covered.
pub struct Row {
    /// The keys, families as `net[n]`.
    pub claims: &'static [&'static str],
    /// Where they go.
    pub target: Target,
}

/// Where the keys of a row go.
pub enum Target {
    /// A text attribute, written where the key holds a text that is not blank.
    Text(&'static str),
    /// A switch: written where it differs from the provider's default.
    Flag {
        /// The attribute.
        attribute: &'static str,
        /// The provider's default.
        default: bool,
    },
    /// A switch that is always written, since the provider's default would change the guest.
    AlwaysFlag(&'static str),
    /// Whatever the function makes of them.
    Custom(fn(&mut Draft<'_>)),
    /// The same, where the provider may not be able to read the object at all.
    Checked(fn(&mut Draft<'_>) -> RowResult),
    /// A measurement, a checksum, a moment, or what Proxmox changes by itself.
    Volatile,
    /// Configuration that the provider has no attribute for, and that Ansible keeps; where to read about it.
    Ansible(&'static str),
    /// Configuration that no code can say; where to read about it.
    NotExpressible(&'static str),
}

impl Row {
    /// A text attribute.
    pub const fn text(claims: &'static [&'static str], attribute: &'static str) -> Self {
        Self { claims, target: Target::Text(attribute) }
    }

    /// A switch with the provider's default.
    pub const fn flag(claims: &'static [&'static str], attribute: &'static str, default: bool) -> Self {
        Self { claims, target: Target::Flag { attribute, default } }
    }

    /// A switch that is always written.
    pub const fn always(claims: &'static [&'static str], attribute: &'static str) -> Self {
        Self { claims, target: Target::AlwaysFlag(attribute) }
    }

    /// A function.
    pub const fn custom(claims: &'static [&'static str], emit: fn(&mut Draft<'_>)) -> Self {
        Self { claims, target: Target::Custom(emit) }
    }

    /// A function that may find that the object must stay out.
    pub const fn checked(claims: &'static [&'static str], emit: fn(&mut Draft<'_>) -> RowResult) -> Self {
        Self { claims, target: Target::Checked(emit) }
    }

    /// What is no configuration.
    pub const fn volatile(claims: &'static [&'static str]) -> Self {
        Self { claims, target: Target::Volatile }
    }

    /// What the provider cannot say, and Ansible can.
    pub const fn ansible(claims: &'static [&'static str], reason: &'static str) -> Self {
        Self { claims, target: Target::Ansible(reason) }
    }

    /// What no code can say.
    pub const fn not_expressible(claims: &'static [&'static str], reason: &'static str) -> Self {
        Self { claims, target: Target::NotExpressible(reason) }
    }

    /// Whether the row claims the key.
    pub fn claims(&self, key: &str) -> bool {
        self.claims.iter().any(|pattern| matches(pattern, key))
    }

    /// Writes what the row says of the draft's object.
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
            Target::Volatile => self.say(draft, &|_, _| Fate::Volatile),
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
            Target::NotExpressible(reason) => self.say(draft, &|draft, key| {
                if draft.is_default(key) { Fate::Default } else { Fate::NotExpressible(reason.into()) }
            }),
        }
        Ok(())
    }

    /// The row ended early: what it had not come to is out of reach for the same reason.
    pub fn refused(&self, draft: &mut Draft<'_>, reason: &str) {
        let object = draft.object;
        for key in object.keys.keys().filter(|key| self.claims(key)) {
            draft.fates.entry(key.clone()).or_insert_with(|| Fate::NotExpressible(reason.to_owned().into()));
        }
    }

    fn say(&self, draft: &mut Draft<'_>, fate: &dyn Fn(&Draft<'_>, &str) -> Fate) {
        let object = draft.object;
        for key in object.keys.keys().filter(|key| self.claims(key)) {
            let fate = fate(draft, key);
            draft.set_fate(key, fate);
        }
    }
}
