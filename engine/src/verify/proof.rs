//! Proof: the report of a run of Terraform.

use std::borrow::Cow;
use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operation::FaultKind;
use crate::operation::event::Diagnostic;
use crate::operation::report::ReportType;
use crate::toolchain::terraform::{Counts, Difference};
use crate::verify::changed::Chosen;

/// Report of a proof that the code is the cluster.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Proof {
    /// The side that the code was planned against.
    pub against: Against,
    /// The counts of Terraform; none if it stopped before it had any, or if nothing had to be planned.
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
    /// The number of objects that this plan covers.
    #[serde(default)]
    pub proved: usize,
    /// The number of objects that an earlier plan proved, and that have not changed since: neither their code nor the answers
    /// that the provider reads for them.
    #[serde(default)]
    pub unchanged: usize,
    /// The parts of the code that had to be planned, and why; empty where all was asked for.
    #[serde(default)]
    pub chosen: Vec<Chosen>,
    /// The reason why all of the code has to be planned each time, as the end of a sentence.
    #[serde(default)]
    pub whole: Option<String>,
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

/// Explanation of a difference or an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Explanation {
    /// The attribute that it is about, without indexes; empty for an error or for a whole object.
    pub attribute: Cow<'static, str>,
    /// The reason, as a sentence.
    pub why: Cow<'static, str>,
    /// The remedy, as a sentence.
    pub what_to_do: Cow<'static, str>,
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

impl ReportType for Proof {
    const KIND: &'static str = "proof";

    fn ended(&self) -> Option<FaultKind> {
        self.fault_kind()
    }
}

impl Proof {
    /// The proof of code that has not changed since its last proof, without a plan.
    pub(super) fn unchanged(objects: usize, tool: String, provider: Option<String>, pinned: Option<String>) -> Self {
        Self {
            against: Against::Twin,
            counts: None,
            complete: true,
            clean: true,
            expected: objects,
            managed: 0,
            missing: Vec::new(),
            removed: Vec::new(),
            renamed: Vec::new(),
            differences: Vec::new(),
            errors: Vec::new(),
            warnings: Vec::new(),
            answers: None,
            live_refusals: Vec::new(),
            grants: Vec::new(),
            tool,
            provider,
            pinned,
            proved: 0,
            unchanged: objects,
            chosen: Vec::new(),
            whole: None,
        }
    }

    /// The kind of failure that the command ends with; `None` for a clean proof.
    pub fn fault_kind(&self) -> Option<FaultKind> {
        match (self.clean, self.complete) {
            (true, _) => None,
            (false, true) => Some(FaultKind::Differences),
            (false, false) => Some(FaultKind::Failed),
        }
    }
}
