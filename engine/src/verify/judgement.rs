//! Judgement of a plan: whether it proves that the code is the cluster.

use std::collections::BTreeSet;

use crate::operation::event::Severity;
use crate::toolchain::terraform::{Difference, Plan};
use crate::verify::explain::Explainer;
use crate::verify::proof::{Against, Proof};

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
            proved: self.expected.len(),
            unchanged: 0,
            chosen: Vec::new(),
            whole: None,
        }
    }
}
