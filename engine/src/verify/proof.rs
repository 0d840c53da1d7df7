//! Proof: the report of a run of Terraform.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operation::event::{Diagnostic, Severity};
use crate::operation::report::ReportType;
use crate::operation::{FaultKind, Report};
use crate::toolchain::terraform::{Counts, Difference, Plan};
use crate::verify::explain::{Explainer, Explanation};

/// Report of a proof that the code is the cluster.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Proof {
    /// The side that the code was planned against.
    pub against: Against,
    /// The counts of Terraform; none if it stopped before it had any.
    pub counts: Option<Counts>,
    /// True if the plan covers everything. Terraform may fail on one object and still count the others.
    pub complete: bool,
    /// True if the code is the cluster.
    pub clean: bool,
    /// The number of objects in the workspace.
    pub expected: usize,
    /// The number of them that Terraform has in its state already (`--live`); 0 for an incomplete plan, which does not
    /// distinguish them from failed ones.
    pub managed: usize,
    /// The addresses of objects in the workspace that are not in the plan.
    pub missing: Vec<String>,
    /// Those of the missing ones whose block is no longer in the code.
    pub removed: Vec<String>,
    /// Those of the missing ones that the code imports to another address: the old address and the new one.
    pub renamed: Vec<(String, String)>,
    /// Differences that the plan would change, by address.
    pub differences: Vec<ExplainedDifference>,
    /// Errors, in order.
    pub errors: Vec<ExplainedError>,
    /// Warnings, in order.
    pub warnings: Vec<Diagnostic>,
    /// The counts of the twin's answers, for a proof against a twin.
    pub answers: Option<AnswerCounts>,
    /// Objects that a plan against the cluster could not read with the login of the recording.
    pub live_refusals: Vec<LiveRefusal>,
    /// The commands that grant the missing privileges, for root on a node.
    pub grants: Vec<String>,
    /// The program and its version: `Terraform 1.11.4`.
    pub tool: String,
    /// The version of the provider, from the lock file.
    pub provider: Option<String>,
    /// The version of the provider that the workspace pins.
    pub pinned: Option<String>,
}

/// The side that the code was planned against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Against {
    /// A twin of the recording.
    Twin,
    /// The cluster itself, with the user's state and variables.
    Cluster,
}

/// Difference with its explanations.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ExplainedDifference {
    /// The address, the action, and the attributes.
    #[serde(flatten)]
    pub difference: Difference,
    /// The explanations, in the order of the attributes.
    pub explanations: Vec<Explanation>,
    /// The names of attributes that differ only because the object would be replaced.
    #[serde(skip)]
    pub following: BTreeSet<String>,
}

/// Error with its explanation.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ExplainedError {
    /// The error in Terraform's words.
    #[serde(flatten)]
    pub diagnostic: Diagnostic,
    /// The explanation, if the cause is known.
    pub explanation: Option<Explanation>,
}

/// Counts of the twin's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AnswerCounts {
    /// Answers as the cluster gave them.
    pub recorded: u64,
    /// Answers that a rule derived from recorded ones.
    pub derived: u64,
    /// Requests that the recording has no answer for, answered as Proxmox does for missing objects.
    pub unknown: u64,
}

/// An object that a plan against the cluster could not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LiveRefusal {
    /// The object: `storage/local`.
    pub identity: String,
    /// The privilege that the login lacks.
    pub privilege: String,
    /// The path that it lacks the privilege on.
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

/// Run of a plan, with the objects that it should contain.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlanRun<'a> {
    pub(super) against: Against,
    pub(super) code: Option<i32>,
    pub(super) plan: &'a Plan,
    pub(super) expected: &'a BTreeSet<String>,
    /// The addresses of the blocks in the code.
    pub(super) blocks: &'a BTreeSet<String>,
}

impl PlanRun<'_> {
    /// Reports whether the plan covers everything. Terraform's exit code is 2 for a plan that only imports, and an incomplete
    /// plan has clean counts, so that none of the three conditions is enough.
    fn complete(&self) -> bool {
        matches!(self.code, Some(0 | 2)) && !self.plan.errored() && self.plan.counts.is_some()
    }

    fn imports(&self) -> BTreeSet<&String> {
        let importing = self.plan.changes.values().filter(|change| change.importing.is_some());
        importing.map(|change| &change.address).collect()
    }

    /// The proof, given the differences in the plan file.
    pub(super) fn proof(&self, differences: Vec<Difference>, explainer: &Explainer<'_>) -> Proof {
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
            differences: differences.into_iter().map(|difference| explainer.difference(difference)).collect(),
            errors: errors.into_iter().map(|error| explainer.error(error)).collect(),
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
    /// The kind of failure that the command ends with; `None` for a clean proof.
    pub fn fault_kind(&self) -> Option<FaultKind> {
        match (self.clean, self.complete) {
            (true, _) => None,
            (false, true) => Some(FaultKind::Differences),
            (false, false) => Some(FaultKind::Failed),
        }
    }
}
