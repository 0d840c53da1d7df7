//! Acceptance of drift as it is, so that only what changes from now on is told.

use std::collections::BTreeMap;
use std::path::PathBuf;

use proxmox_mpc_model::Identity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::accepted::{self, Accepted};
use super::comparison::{self, DriftSource};
use super::rules::Rules;
use super::{DriftError, classification};
use crate::operation::report::ReportType;
use crate::operation::{Context, Effect, Failure, Request};
use crate::timeline::restore;

/// Request to accept drift as it is, so that only what changes from now on is told.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AcceptRequest {
    /// The workspace and the cluster.
    pub source: DriftSource,
    /// The objects: identities, or names or VMIDs of guests.
    pub objects: Vec<String>,
    /// Accept the drift of all objects.
    pub all: bool,
}

/// Report of accepted drift.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AcceptReport {
    /// The file with the list.
    pub file: PathBuf,
    /// The objects whose drift was accepted.
    pub accepted: Vec<Identity>,
}

impl ReportType for AcceptReport {
    const KIND: &'static str = "drift_accept";
}

impl Request for AcceptRequest {
    const NAME: &'static str = "drift accept";
    const EFFECT: Effect = Effect::EditsCode;
    type Report = AcceptReport;

    async fn run(self, context: Context) -> Result<AcceptReport, Failure> {
        if self.all != self.objects.is_empty() {
            return Err(DriftError::NoChoice.into());
        }
        let comparison = comparison::compare(&self.source, &context).await?;
        let work = move |context: &Context| -> Result<AcceptReport, DriftError> {
            let _lock = restore::locked(&comparison.workspace, context)?;
            let mut accepted = Accepted::read(&comparison.workspace)?;
            let rules = Rules::read(&comparison.workspace, context.seconds())?;
            let report = classification::report(&comparison, &rules, &accepted);
            let chosen = classification::choose(&report.drift, &self.objects)?;
            for drift in &chosen {
                accepted.add(drift, &comparison);
            }
            let files = BTreeMap::from([(accepted::FILE.to_owned(), Some(accepted.text()))]);
            restore::write(&comparison.workspace, &files)?;
            Ok(AcceptReport {
                file: comparison.workspace.root().join(accepted::FILE),
                accepted: chosen.into_iter().map(|drift| drift.identity.clone()).collect(),
            })
        };
        Ok(context.block(work).await?)
    }
}
