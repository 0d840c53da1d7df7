//! Accepted drift: a list in the workspace of what somebody has seen and leaves as it is, until it changes again.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use proxmox_mpc_model::Identity;
use proxmox_mpc_model::observation::ObjectState;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::comparison::{self, Comparison};
use super::rules::Rules;
use super::{Drift, DriftError, DriftSource, classification};
use crate::operation::report::ReportType;
use crate::operation::{Context, Effect, Failure, Request};
use crate::timeline::restore;
use crate::workspace::Workspace;

/// The file of accepted drift in a workspace. It is committed like the code.
const FILE: &str = "drift-accepted.json";

/// The version of its form.
const FORMAT: u32 = 1;

/// The accepted drift of a workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Accepted {
    format: u32,
    /// The digest of an object's state that was accepted, by identity; empty for one that is gone.
    objects: BTreeMap<Identity, String>,
}

impl Accepted {
    /// Reads the list; an empty one where there is none.
    pub(super) fn read(workspace: &Workspace) -> Result<Self, DriftError> {
        let path = workspace.root().join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(DriftError::Accepted { path, source }),
        };
        serde_json::from_str(&text).map_err(|error| DriftError::Accepted { path, source: error.into() })
    }

    /// Reports whether the drift of an object was accepted, and the object has not changed since.
    pub(super) fn has(&self, drift: &Drift, comparison: &Comparison) -> bool {
        self.objects.get(&drift.identity).is_some_and(|digest| *digest == digest_of(drift, comparison))
    }

    fn text(&self) -> String {
        serde_json::to_string_pretty(self).expect("identities and digests are texts") + "\n"
    }
}

/// The digest of an object's present state.
fn digest_of(drift: &Drift, comparison: &Comparison) -> String {
    let state = comparison.observation.objects.get(&drift.identity);
    state.map(ObjectState::digest).unwrap_or_default()
}

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
            accepted.format = FORMAT;
            let rules = Rules::read(&comparison.workspace, context.seconds())?;
            let report = classification::report(&comparison, &rules, &accepted);
            let chosen = classification::choose(&report.drift, &self.objects)?;
            for drift in &chosen {
                accepted.objects.insert(drift.identity.clone(), digest_of(drift, &comparison));
            }
            let files = BTreeMap::from([(FILE.to_owned(), Some(accepted.text()))]);
            restore::write(&comparison.workspace, &files)?;
            Ok(AcceptReport {
                file: comparison.workspace.root().join(FILE),
                accepted: chosen.into_iter().map(|drift| drift.identity.clone()).collect(),
            })
        };
        Ok(context.block(work).await?)
    }
}
