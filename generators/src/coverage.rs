//! What became of every key of every object: Terraform, Ansible, default, volatile, not expressible, not covered.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::ops::Deref;
use std::sync::Arc;

use proxmox_mpc_model::Identity;
use serde::{Serialize, Serializer};

/// What became of one key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It stands in the Terraform code.
    Terraform,
    /// It stands in the Ansible code; why there.
    Ansible(Cow<'static, str>),
    /// It has the value that it would have without code.
    Default,
    /// It is a measurement, a checksum, a moment, or what Proxmox changes by itself: never configuration.
    Volatile,
    /// It is configuration that no code can say; why.
    NotExpressible(Cow<'static, str>),
    /// It is of an object that the user leaves out, and that no code has.
    Excluded,
    /// Nobody has said what it is.
    NotCovered,
}

impl Fate {
    /// The word of reports.
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

/// What became of one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It is Terraform code at this address.
    Terraform {
        /// The Terraform address.
        address: String,
    },
    /// It is Ansible code.
    Ansible {
        /// The role's tasks, relative to the workspace: `ansible/roles/realms/tasks/main.yml`.
        file: String,
        /// Why it is not Terraform's, with the fact.
        reason: String,
        /// What the user can do, where Terraform could have it.
        remedy: Option<String>,
    },
    /// It comes with Proxmox and is as it came: there is nothing to write.
    BuiltIn,
    /// It is no configuration: a snapshot, a volume.
    Fact,
    /// The user leaves it out, and no code has it.
    Excluded,
    /// Nothing can say it.
    NotImportable {
        /// Why, with the fact.
        reason: String,
        /// What the user can do.
        remedy: Option<String>,
    },
}

/// The fate of every key of an object. Many objects of a cluster are alike: equal ones are held once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

/// The fates that objects have had so far.
#[derive(Debug, Default)]
pub(crate) struct KnownFates(BTreeSet<Arc<BTreeMap<String, Fate>>>);

impl KnownFates {
    /// These fates, shared with every object that has had the same.
    pub(crate) fn share(&mut self, fates: BTreeMap<String, Fate>) -> Fates {
        if let Some(known) = self.0.get(&fates) {
            return Fates(Arc::clone(known));
        }
        let fates = Arc::new(fates);
        self.0.insert(Arc::clone(&fates));
        Fates(fates)
    }
}

/// One object and its keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ObjectCoverage {
    /// The kind's word: `vm`.
    pub kind: &'static str,
    /// Its name in Proxmox.
    pub name: Option<String>,
    /// Code or set aside.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Every key that Proxmox shows of it; an option inside a value as `scsi1.wwn`.
    pub keys: Fates,
}

/// What became of everything that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Coverage {
    /// By identity.
    pub objects: BTreeMap<Identity, ObjectCoverage>,
    /// The kinds that were not read, since the user leaves them out.
    #[serde(skip)]
    pub not_read: Vec<&'static str>,
}

/// How many keys had which fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Objects counted.
    pub objects: usize,
    /// Objects that are Terraform code.
    pub imported: usize,
    /// Objects that are Ansible code.
    pub entrusted: usize,
    /// Objects that nothing can say.
    pub set_aside: usize,
    /// Objects that the user leaves out, and that no code has.
    pub left_out: usize,
    /// Keys in the Terraform code.
    pub terraform: usize,
    /// Keys in the Ansible code.
    pub ansible: usize,
    /// Keys at their default.
    pub default: usize,
    /// Keys that are no configuration.
    pub volatile: usize,
    /// Keys that no code can say.
    pub not_expressible: usize,
    /// Keys of objects that the user leaves out.
    pub excluded: usize,
    /// Keys that nobody has said anything of.
    pub not_covered: usize,
}

impl Counts {
    /// The counts of one object.
    pub fn of(object: &ObjectCoverage) -> Self {
        let mut counts = Self::default();
        counts.add(object);
        counts
    }

    fn add(&mut self, object: &ObjectCoverage) {
        self.objects += 1;
        match object.outcome {
            Outcome::Terraform { .. } => self.imported += 1,
            Outcome::Ansible { .. } => self.entrusted += 1,
            Outcome::NotImportable { .. } => self.set_aside += 1,
            Outcome::Excluded => self.left_out += 1,
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

    /// (Terraform + Ansible + default) / (all − volatile) in percent, so that nothing is gained by calling a key volatile.
    pub fn percent(&self) -> f64 {
        let covered = self.terraform + self.ansible + self.default;
        let all = covered + self.not_expressible + self.excluded + self.not_covered;
        if all == 0 {
            // Of what is left out and was not read, nothing is known to be code.
            return if self.left_out == 0 { 100.0 } else { 0.0 };
        }
        #[expect(clippy::cast_precision_loss, reason = "a percentage of far fewer than 2^52 keys")]
        let percent = 100.0 * covered as f64 / all as f64;
        percent
    }

    /// The percentage for people, see [`percentage()`].
    pub fn percentage(&self) -> String {
        percentage(self.percent())
    }
}

/// A percentage for people, with one decimal and rounded down: what is not whole never reads `100.0 %`.
pub fn percentage(percent: f64) -> String {
    // A number that binary fractions miss by a hair is not taken for less than it is.
    format!("{:.1} %", (percent * 10.0 + 1e-6).floor() / 10.0)
}

impl Coverage {
    /// The counts by kind.
    pub fn counts(&self) -> BTreeMap<&'static str, Counts> {
        let mut counts: BTreeMap<&'static str, Counts> = BTreeMap::new();
        for object in self.objects.values() {
            counts.entry(object.kind).or_default().add(object);
        }
        counts
    }

    /// The counts over everything.
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
        assert_eq!(Counts { left_out: 1, volatile: 5, ..Counts::default() }.percentage(), "0.0 %");
        assert_eq!(Counts { default: 9, excluded: 1, ..Counts::default() }.percentage(), "90.0 %");
        check((9999, 0, 1, 0), "99.9 %");
        check((982, 0, 18, 0), "98.2 %");
        check((0, 9, 1, 0), "0.0 %");
    }
}
