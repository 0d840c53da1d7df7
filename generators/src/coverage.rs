//! What became of every key of every object: code, default, volatile, not expressible, not covered.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::ops::Deref;
use std::sync::Arc;

use proxmox_mpc_model::Identity;
use serde::{Serialize, Serializer};

/// What became of one key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It stands in the code.
    Code,
    /// It has the value that it would have without code.
    Default,
    /// It is a measurement, a checksum or a moment: never configuration.
    Volatile,
    /// It is configuration that Terraform's provider cannot say; why.
    NotExpressible(Cow<'static, str>),
    /// Nobody has said what it is.
    NotCovered,
}

impl Fate {
    /// The word of reports.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Default => "default",
            Self::Volatile => "volatile",
            Self::NotExpressible(_) => "not expressible",
            Self::NotCovered => "not covered",
        }
    }
}

impl Serialize for Fate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::NotExpressible(reason) => serializer.serialize_str(&format!("not expressible: {reason}")),
            other => serializer.serialize_str(other.word()),
        }
    }
}

/// What became of one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It is code at this address.
    Code {
        /// The Terraform address.
        address: String,
    },
    /// Terraform's provider cannot import it.
    SetAside {
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
}

/// How many keys had which fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Objects counted.
    pub objects: usize,
    /// Objects that are code.
    pub imported: usize,
    /// Keys in the code.
    pub code: usize,
    /// Keys at their default.
    pub default: usize,
    /// Keys that are no configuration.
    pub volatile: usize,
    /// Keys that the provider cannot say.
    pub not_expressible: usize,
    /// Keys that nobody has said anything of.
    pub not_covered: usize,
}

impl Counts {
    fn add(&mut self, object: &ObjectCoverage) {
        self.objects += 1;
        self.imported += usize::from(matches!(object.outcome, Outcome::Code { .. }));
        for fate in object.keys.values() {
            *match fate {
                Fate::Code => &mut self.code,
                Fate::Default => &mut self.default,
                Fate::Volatile => &mut self.volatile,
                Fate::NotExpressible(_) => &mut self.not_expressible,
                Fate::NotCovered => &mut self.not_covered,
            } += 1;
        }
    }

    /// (code + default) / (all − volatile) in percent, so that nothing is gained by calling a key volatile.
    pub fn percent(&self) -> f64 {
        let all = self.code + self.default + self.not_expressible + self.not_covered;
        if all == 0 {
            return 100.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "a percentage of far fewer than 2^52 keys")]
        let percent = 100.0 * (self.code + self.default) as f64 / all as f64;
        percent
    }
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
