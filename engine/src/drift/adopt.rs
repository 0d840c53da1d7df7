//! Adoption of drift: the values of the cluster are written where the code has its own.

use proxmox_mpc_code::merge::{Conflict, MergeEdit, Notice};
use proxmox_mpc_model::Identity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::accepted::Accepted;
use super::comparison::{self, Comparison, DriftSource};
use super::rules::Rules;
use super::{Drift, DriftError, DriftKind, classification};
use crate::operation::report::ReportType;
use crate::operation::{Context, Effect, Failure, FaultKind, Request};
use crate::timeline::generated_tree::GeneratedTree;
use crate::timeline::restore;
use crate::workspace::patch::patch;

/// Request to write what the cluster has into the code.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdoptRequest {
    /// The workspace and the cluster.
    pub source: DriftSource,
    /// The objects: identities, or names or VMIDs of guests.
    pub objects: Vec<String>,
    /// Adopt the drift of all objects.
    pub all: bool,
    /// Write nothing.
    pub dry_run: bool,
}

/// Report of an adoption.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AdoptReport {
    /// The objects whose drift is in the code now.
    pub objects: Vec<Identity>,
    /// True if nothing was written.
    pub dry_run: bool,
    /// The files that were written, by path relative to the workspace.
    pub files: Vec<String>,
    /// The edits of files that somebody has edited before.
    pub edits: Vec<MergeEdit>,
    /// The conflicts, which stand in the files with their markers.
    pub conflicts: Vec<Conflict>,
    /// What was not edited, and why.
    pub notices: Vec<Notice>,
    /// The change of the files, as a unified difference.
    pub patch: String,
}

impl ReportType for AdoptReport {
    const KIND: &'static str = "drift_adopt";

    fn ended(&self) -> Option<FaultKind> {
        (!self.conflicts.is_empty()).then_some(FaultKind::Differences)
    }
}

impl Request for AdoptRequest {
    const NAME: &'static str = "drift adopt";
    const EFFECT: Effect = Effect::EditsCode;
    type Report = AdoptReport;

    async fn run(self, context: Context) -> Result<AdoptReport, Failure> {
        if self.all != self.objects.is_empty() {
            return Err(DriftError::NoChoice.into());
        }
        let comparison = comparison::compare(&self.source, &context).await?;
        Ok(context.block(move |context| self.adopt(comparison, context)).await?)
    }
}

impl AdoptRequest {
    fn adopt(self, comparison: Comparison, context: &Context) -> Result<AdoptReport, DriftError> {
        let workspace = comparison.workspace.clone();
        let _lock = if self.dry_run { None } else { Some(restore::locked(&workspace, context)?) };
        let rules = Rules::read(&workspace, context.seconds())?;
        let drift = classification::report(&comparison, &rules, &Accepted::read(&workspace)?).drift;
        let chosen = classification::choose(&drift, &self.objects)?;
        let objects = chosen.iter().map(|drift| drift.identity.clone()).collect();
        let (merge, ours) = if self.all {
            (comparison.merge, comparison.ours)
        } else {
            let theirs = partly(&comparison, &chosen)?;
            comparison::merged(&workspace, &comparison.base, &theirs)?
        };
        let patch = patch(&ours, &merge.files, &comparison.prefix);
        if !self.dry_run {
            restore::write(&workspace, &merge.files)?;
        }
        Ok(AdoptReport {
            objects,
            dry_run: self.dry_run,
            files: merge.files.into_keys().collect(),
            edits: merge.edits,
            conflicts: merge.conflicts,
            notices: merge.notices,
            patch,
        })
    }
}

/// The generated code of the last sync, with these objects as they are now.
fn partly(comparison: &Comparison, chosen: &[&Drift]) -> Result<GeneratedTree, DriftError> {
    let mut tree = comparison.base.clone();
    for drift in chosen {
        let identity = &drift.identity;
        let only_sync = |state| DriftError::OnlySync { identity: identity.clone(), state };
        match drift.kind {
            DriftKind::New => return Err(only_sync("new")),
            DriftKind::Gone => return Err(only_sync("gone")),
            DriftKind::Changed | DriftKind::Moved => {}
        }
        if let Some(now) = tree.with_former(&comparison.theirs, identity) {
            tree = now;
        }
        tree.import_as_in(&comparison.theirs, identity);
        tree.tasks_as_in(&comparison.theirs, identity);
    }
    Ok(tree)
}
