//! Coverage: the fate of every key of every object (Terraform, Ansible, default, volatile, not expressible, not covered).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::ops::Deref;
use std::sync::Arc;

use proxmox_mpc_model::Identity;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Fate of a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(with = "String")]
pub enum Fate {
    /// In the Terraform code.
    Terraform,
    /// In the Ansible code, for this reason; empty if the reason is that of the object.
    Ansible(Cow<'static, str>),
    /// At its default: it has the value that it would have without code.
    Default,
    /// No configuration: a measurement, a checksum, a time, or something that Proxmox changes by itself.
    Volatile,
    /// Configuration that no code can express, for this reason.
    NotExpressible(Cow<'static, str>),
    /// Part of an object that the user excludes and that has no code.
    Excluded,
    /// Unknown to every row: a defect of this program.
    NotCovered,
}

impl Fate {
    /// Word for the fate in reports.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Terraform => "Terraform",
            Self::Ansible(_) => "Ansible",
            Self::Default => "default",
            Self::Volatile => "volatile",
            Self::NotExpressible(_) => "not expressible",
            Self::Excluded => "excluded",
            Self::NotCovered => "not covered",
        }
    }
}

impl Serialize for Fate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Ansible(reason) if !reason.is_empty() => serializer.serialize_str(&format!("Ansible: {reason}")),
            Self::NotExpressible(reason) => serializer.serialize_str(&format!("not expressible: {reason}")),
            other => serializer.serialize_str(other.word()),
        }
    }
}

impl<'de> Deserialize<'de> for Fate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (word, reason) = text.split_once(": ").unwrap_or((&text, ""));
        let reason = || Cow::Owned(reason.to_owned());
        let fates = [
            Self::Terraform,
            Self::Ansible(reason()),
            Self::Default,
            Self::Volatile,
            Self::NotExpressible(reason()),
            Self::Excluded,
            Self::NotCovered,
        ];
        let fate = fates.into_iter().find(|fate| fate.word() == word);
        fate.ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not the fate of a key")))
    }
}

/// Outcome for an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Terraform code at this address.
    Terraform {
        /// The Terraform address.
        address: String,
    },
    /// Ansible code.
    Ansible {
        /// File of the role's tasks, relative to the workspace: `ansible/roles/realms/tasks/main.yml`.
        file: String,
        /// The reason why it is not in Terraform, with the fact behind it.
        reason: String,
        /// The remedy after which Terraform can have it.
        remedy: Option<String>,
    },
    /// No code: it comes with Proxmox and is unchanged.
    BuiltIn,
    /// No code: it is not configuration (a snapshot, a volume).
    Fact,
    /// No code: the user excludes it.
    Excluded,
    /// No code: neither Terraform's provider nor Ansible can keep it.
    NotImportable {
        /// The reason, with the fact behind it.
        reason: String,
        /// The remedy.
        remedy: Option<String>,
    },
}

/// Fates of all keys of an object. Many objects of a cluster are alike, so equal fates are stored once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(transparent)]
pub struct Fates(Arc<BTreeMap<String, Fate>>);

impl Deref for Fates {
    type Target = BTreeMap<String, Fate>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'f> IntoIterator for &'f Fates {
    type Item = (&'f String, &'f Fate);
    type IntoIter = btree_map::Iter<'f, String, Fate>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl Serialize for Fates {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Fates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(deserializer).map(|fates| Self(Arc::new(fates)))
    }
}

/// Fates of the objects so far, for sharing.
#[derive(Debug, Default)]
pub(crate) struct KnownFates(BTreeSet<Arc<BTreeMap<String, Fate>>>);

impl KnownFates {
    /// Returns the fates, shared with every object that has the same ones.
    pub(crate) fn share(&mut self, fates: BTreeMap<String, Fate>) -> Fates {
        if let Some(known) = self.0.get(&fates) {
            return Fates(Arc::clone(known));
        }
        let fates = Arc::new(fates);
        self.0.insert(Arc::clone(&fates));
        Fates(fates)
    }
}

/// An object and its keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectCoverage {
    /// Id of the kind: `vm`.
    pub kind: Cow<'static, str>,
    /// Its name in Proxmox.
    pub name: Option<String>,
    /// The outcome.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Every key that Proxmox shows; an option in a value as `scsi1.wwn`.
    pub keys: Fates,
}

/// Coverage of everything that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Coverage {
    /// Objects by identity.
    pub objects: BTreeMap<Identity, ObjectCoverage>,
    /// Ids of the kinds that were not read, because the user excludes them.
    #[serde(skip)]
    pub not_read: Vec<&'static str>,
}

/// Numbers of objects by outcome and of keys by fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Objects counted.
    pub objects: usize,
    /// Objects that are Terraform code.
    pub imported: usize,
    /// Objects that are Ansible code.
    pub in_ansible: usize,
    /// Objects that neither Terraform nor Ansible can keep.
    pub not_importable: usize,
    /// Objects that the user excludes and that have no code.
    pub excluded_objects: usize,
    /// Keys in the Terraform code.
    pub terraform: usize,
    /// Keys in the Ansible code.
    pub ansible: usize,
    /// Keys at their default.
    pub default: usize,
    /// Keys that are no configuration.
    pub volatile: usize,
    /// Keys that no code can express.
    pub not_expressible: usize,
    /// Keys of excluded objects.
    pub excluded: usize,
    /// Keys that no row knows.
    pub not_covered: usize,
}

impl Counts {
    /// Counts of one object.
    pub fn of(object: &ObjectCoverage) -> Self {
        let mut counts = Self::default();
        counts.add(object);
        counts
    }

    fn add(&mut self, object: &ObjectCoverage) {
        self.objects += 1;
        match object.outcome {
            Outcome::Terraform { .. } => self.imported += 1,
            Outcome::Ansible { .. } => self.in_ansible += 1,
            Outcome::NotImportable { .. } => self.not_importable += 1,
            Outcome::Excluded => self.excluded_objects += 1,
            Outcome::BuiltIn | Outcome::Fact => {}
        }
        for fate in object.keys.values() {
            *match fate {
                Fate::Terraform => &mut self.terraform,
                Fate::Ansible(_) => &mut self.ansible,
                Fate::Default => &mut self.default,
                Fate::Volatile => &mut self.volatile,
                Fate::NotExpressible(_) => &mut self.not_expressible,
                Fate::Excluded => &mut self.excluded,
                Fate::NotCovered => &mut self.not_covered,
            } += 1;
        }
    }

    /// Share of covered keys in percent: (Terraform + Ansible + default) / (all − volatile). Calling a key volatile does not raise
    /// it.
    pub fn percent(&self) -> f64 {
        let covered = self.terraform + self.ansible + self.default;
        let all = covered + self.not_expressible + self.excluded + self.not_covered;
        if all == 0 {
            // Of excluded objects that were not read, nothing is known to be code.
            return if self.excluded_objects == 0 { 100.0 } else { 0.0 };
        }
        #[expect(clippy::cast_precision_loss, reason = "a percentage of far fewer than 2^52 keys")]
        let percent = 100.0 * covered as f64 / all as f64;
        percent
    }

    /// The share of covered keys as text, see [`percentage()`].
    pub fn percentage(&self) -> String {
        percentage(self.percent())
    }
}

/// A percentage as text with one decimal, rounded down, so that `100.0 %` means all.
pub fn percentage(percent: f64) -> String {
    // The small addend makes up for numbers that binary fractions miss by a little.
    format!("{:.1} %", (percent * 10.0 + 1e-6).floor() / 10.0)
}

impl Coverage {
    /// Counts by kind.
    pub fn counts(&self) -> BTreeMap<Cow<'static, str>, Counts> {
        let mut counts: BTreeMap<Cow<'static, str>, Counts> = BTreeMap::new();
        for object in self.objects.values() {
            counts.entry(object.kind.clone()).or_default().add(object);
        }
        counts
    }

    /// Counts over all objects.
    pub fn total(&self) -> Counts {
        let mut total = Counts::default();
        self.objects.values().for_each(|object| total.add(object));
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_of_configuration_and_round_down() {
        let check = |(covered, volatile, lost, unknown): (usize, usize, usize, usize), expected: &str| {
            let counts =
                Counts { default: covered, volatile, not_expressible: lost, not_covered: unknown, ..Counts::default() };
            assert_eq!(counts.percentage(), expected);
        };
        check((0, 0, 0, 0), "100.0 %");
        check((0, 5, 0, 0), "100.0 %");
        check((9, 0, 1, 0), "90.0 %");
        check((9, 90, 0, 1), "90.0 %");
        assert_eq!(Counts { excluded_objects: 1, volatile: 5, ..Counts::default() }.percentage(), "0.0 %");
        assert_eq!(Counts { default: 9, excluded: 1, ..Counts::default() }.percentage(), "90.0 %");
        check((9999, 0, 1, 0), "99.9 %");
        check((982, 0, 18, 0), "98.2 %");
        check((0, 9, 1, 0), "0.0 %");
    }
}
