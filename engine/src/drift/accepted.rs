//! Accepted drift: a list in the workspace of what somebody has seen and leaves as it is, until it changes again.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use proxmox_mpc_model::Identity;
use proxmox_mpc_model::observation::ObjectState;
use serde::{Deserialize, Serialize};

use super::DriftError;
use super::comparison::Comparison;
use super::report::Drift;
use crate::workspace::Workspace;

/// The file of accepted drift in a workspace. It is committed like the code.
pub(super) const FILE: &str = "drift-accepted.json";

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

    /// Adds the present drift of an object.
    pub(super) fn add(&mut self, drift: &Drift, comparison: &Comparison) {
        self.format = FORMAT;
        self.objects.insert(drift.identity.clone(), digest_of(drift, comparison));
    }

    /// The text of the file.
    pub(super) fn text(&self) -> String {
        serde_json::to_string_pretty(self).expect("identities and digests are texts") + "\n"
    }
}

/// The digest of an object's present state.
fn digest_of(drift: &Drift, comparison: &Comparison) -> String {
    let state = comparison.observation.objects.get(&drift.identity);
    state.map(ObjectState::digest).unwrap_or_default()
}
