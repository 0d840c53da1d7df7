//! What a run of Terraform proves about the code, and how that is said.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operation::event::{Diagnostic, Severity};
use crate::operation::report::ReportType;
use crate::operation::{FaultKind, Report};
use crate::toolchain::terraform::{Counts, Difference, Plan};
use crate::verify::explain::{Explainer, Explanation};

/// Whether the code is the cluster, in Terraform's own words and numbers.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Proof {
    /// What the code was held against.
    pub against: Against,
    /// Terraform's numbers; `None` where it stopped before it had any.
    pub counts: Option<Counts>,
    /// Whether the plan covers everything: Terraform may fail on one object and still count the rest.
    pub complete: bool,
    /// Whether the code is the cluster.
    pub clean: bool,
    /// How many objects the workspace says it has.
    pub expected: usize,
    /// How many of them Terraform has in its state already (`--live`); 0 where the plan is incomplete, which cannot
    /// tell them from those that failed.
    pub managed: usize,
    /// Objects that the workspace says it has and that the plan does not speak of at all.
    pub missing: Vec<String>,
    /// Those of them whose block is no longer in the code.
    pub removed: Vec<String>,
    /// Those of them that the code imports to another address: what it was, what it is.
    pub renamed: Vec<(String, String)>,
    /// What the plan would change, by address.
    pub differences: Vec<ExplainedDifference>,
    /// Errors, in order, each with what we know about it.
    pub errors: Vec<ExplainedError>,
    /// Warnings, in order.
    pub warnings: Vec<Diagnostic>,
    /// Where the answers came from, for a proof against the twin.
    pub answers: Option<AnswerCounts>,
    /// What a plan against the cluster would be refused to the login that made the recording.
    pub live_refusals: Vec<LiveRefusal>,
    /// The lines for the shell of a node, as root, that grant what is missing for that.
    pub grants: Vec<String>,
    /// `Terraform 1.11.4`.
    pub tool: String,
    /// The provider's version, from the lock file.
    pub provider: Option<String>,
    /// The version that the workspace pins.
    pub pinned: Option<String>,
}

/// What the code was held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Against {
    /// A twin of the recording.
    Twin,
    /// The cluster itself, with the user's state and variables.
    Cluster,
}

/// A difference and what we make of it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ExplainedDifference {
    /// The address, what would be done, and the attributes.
    #[serde(flatten)]
    pub difference: Difference,
    /// For each attribute that we know something about, in the order of the attributes.
    pub explanations: Vec<Explanation>,
    /// The names of attributes that differ only since the object would be replaced.
    #[serde(skip)]
    pub following: BTreeSet<String>,
}

/// An error and what we make of it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ExplainedError {
    /// In Terraform's words.
    #[serde(flatten)]
    pub diagnostic: Diagnostic,
    /// What it means, where we know.
    pub explanation: Option<Explanation>,
}

/// Where the twin's answers came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AnswerCounts {
    /// Given as the cluster gave them.
    pub recorded: u64,
    /// Made by a rule from what is on record.
    pub derived: u64,
    /// Not known: answered as Proxmox answers what is not there.
    pub unknown: u64,
}

/// An object that a plan against the cluster could not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LiveRefusal {
    /// The object: `storage/local`.
    pub identity: String,
    /// The privilege that the login lacks.
    pub privilege: String,
    /// Where it lacks it.
    pub path: String,
}

impl Report for Proof {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn ended(&self) -> Option<FaultKind> {
        self.fault_kind()
    }
}

impl ReportType for Proof {
    const KIND: &'static str = "proof";
}

/// What a run is judged by, besides what it said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run<'a> {
    pub(super) against: Against,
    pub(super) code: Option<i32>,
    pub(super) plan: &'a Plan,
    pub(super) expected: &'a BTreeSet<String>,
    /// The addresses of the blocks in the code.
    pub(super) blocks: &'a BTreeSet<String>,
}

impl Run<'_> {
    /// Terraform's exit code is 2 for a plan that only imports, and an incomplete plan shows clean numbers: none of
    /// the three is enough by itself.
    fn complete(&self) -> bool {
        matches!(self.code, Some(0 | 2)) && !self.plan.errored() && self.plan.counts.is_some()
    }

    fn imports(&self) -> BTreeSet<&String> {
        let importing = self.plan.changes.values().filter(|change| change.importing.is_some());
        importing.map(|change| &change.address).collect()
    }

    /// The proof, given what the plan file says of the differences.
    pub(super) fn judge(&self, differences: Vec<Difference>, explainer: &Explainer<'_>) -> Proof {
        let imports = self.imports();
        let counts = self.plan.counts.unwrap_or_default();
        let as_many = counts.import == u64::try_from(imports.len()).unwrap_or(u64::MAX);
        let complete = self.complete() && as_many;
        let managed = |address: &String| {
            complete
                && self.against == Against::Cluster
                && self.plan.read.contains(address)
                && !imports.contains(address)
        };
        let missing: Vec<String> =
            self.expected.iter().filter(|address| !imports.contains(address) && !managed(address)).cloned().collect();
        let (mut removed, mut renamed) = (Vec::new(), Vec::new());
        for address in missing.iter().filter(|address| !self.blocks.contains(*address)) {
            match explainer.renamed(address) {
                Some(now) => renamed.push((address.clone(), now)),
                None => removed.push(address.clone()),
            }
        }
        let (errors, warnings) = self
            .plan
            .diagnostics
            .iter()
            .cloned()
            .partition::<Vec<_>, _>(|diagnostic| diagnostic.severity == Severity::Error);
        Proof {
            against: self.against,
            counts: self.plan.counts,
            complete,
            clean: complete && counts.changes_nothing() && differences.is_empty() && missing.is_empty(),
            expected: self.expected.len(),
            managed: self.expected.iter().filter(|address| managed(address)).count(),
            removed,
            renamed,
            missing,
            differences: differences.into_iter().map(|found| explainer.difference(found)).collect(),
            errors: errors.into_iter().map(|found| explainer.error(found)).collect(),
            warnings,
            answers: None,
            live_refusals: Vec::new(),
            grants: Vec::new(),
            tool: String::new(),
            provider: None,
            pinned: None,
        }
    }
}

impl Proof {
    /// What the command ends with: `None` for a clean proof.
    pub fn fault_kind(&self) -> Option<FaultKind> {
        match (self.clean, self.complete) {
            (true, _) => None,
            (false, true) => Some(FaultKind::Differences),
            (false, false) => Some(FaultKind::Failed),
        }
    }
}
