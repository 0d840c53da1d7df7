//! Report of drift: each object, in Proxmox's words and in those of the code.

use std::fmt;
use std::path::PathBuf;

use proxmox_mpc_generators::bpg::impact::Impact;
use proxmox_mpc_model::Identity;
use proxmox_mpc_model::observation::{AttributeChange, Event, ObjectChange, Origin, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules::IgnoreRule;
use super::severity::Severity;
use crate::operation::FaultKind;
use crate::operation::report::{ReportType, Service};

/// Report of the drift of a cluster from the code of a workspace.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DriftReport {
    /// The workspace.
    pub workspace: PathBuf,
    /// The time of the last sync that the code has, in seconds since 1970 (UTC): drift is what changed since.
    pub since: i64,
    /// The time of the look at the cluster, in seconds since 1970 (UTC).
    pub time: i64,
    /// What has drifted, by object.
    pub drift: Vec<Drift>,
    /// Objects whose code is ahead of the cluster: edited, and not applied yet. They have not drifted.
    pub ahead: Vec<Identity>,
    /// Drift that a rule ignores or that somebody has accepted.
    pub silenced: Vec<Silenced>,
    /// Rules whose end has passed: they ignore nothing any more.
    pub expired: Vec<IgnoreRule>,
    /// Objects that no code has.
    pub without_code: Vec<Identity>,
    /// The part of the cluster's configuration that is code, in percent.
    pub coverage: f64,
    /// Objects and lists that could not be read: nothing is known of drift there.
    pub not_read: usize,
    #[serde(skip)]
    pub(super) watch: Watch,
}

impl ReportType for DriftReport {
    const KIND: &'static str = "drift";

    fn ended(&self) -> Option<FaultKind> {
        (!self.drift.is_empty()).then_some(FaultKind::Differences)
    }

    fn service(&mut self) -> Option<Service> {
        self.watch.0.take()
    }
}

/// A watch that has not begun. Its report takes it along.
#[derive(Default)]
pub(super) struct Watch(Option<Service>);

impl Watch {
    /// Goes on with this once the report was shown.
    pub(super) fn begin(&mut self, service: Service) {
        self.0 = Some(service);
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_some() { "Watch" } else { "Once" })
    }
}

/// Drift of one object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Drift {
    /// The object: `qemu/101`.
    pub identity: Identity,
    /// Its name in Proxmox.
    pub name: Option<String>,
    /// What happened to it.
    pub kind: DriftKind,
    /// Its address in the code, where it has Terraform code.
    pub address: Option<String>,
    /// The name before and after, of a guest that was renamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed: Option<Step>,
    /// The node before and after, where it moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<Step>,
    /// The settings that changed since the last sync, in Proxmox's words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<AttributeChange>,
    /// The places in the code that say something else than the cluster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub code: Vec<CodeDifference>,
    /// Its severity: that of the worst change.
    pub severity: Severity,
    /// What putting the cluster back would do to the object; `None` where no Terraform code has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revert: Option<Impact>,
    /// Who changed it, as far as the cluster's task log tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

impl Drift {
    /// What happened to the object, in Proxmox's words: `qemu/101 web: memory 4096 → 8192`.
    pub fn lines(&self) -> Vec<String> {
        let event = match self.kind {
            DriftKind::Gone => Event::Gone,
            DriftKind::New => Event::New,
            DriftKind::Changed | DriftKind::Moved => Event::Changed,
        };
        let change = ObjectChange {
            identity: self.identity.clone(),
            name: self.name.clone(),
            node: None,
            event,
            renamed: self.renamed.clone(),
            moved: self.moved.clone(),
            attributes: self.settings.clone(),
            origin: self.origin.clone(),
        };
        change.lines()
    }
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DriftKind {
    /// It is gone from the cluster, and has code.
    Gone,
    /// It has other settings than its code says.
    Changed,
    /// It is new in the cluster, and no code has it.
    New,
    /// It is on another node, where Proxmox itself or a migration put it. Nothing else changed.
    Moved,
}

/// Place in the code that says something else than the cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct CodeDifference {
    /// Path of the attribute in its block: `memory.dedicated`; empty for the whole block or file.
    pub attribute: String,
    /// The file, by path relative to the workspace.
    pub file: String,
    /// The line, counted from 1; `None` for a whole file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The code as it is; `None` where it says nothing.
    pub code: Option<String>,
    /// The code of the cluster as it is now; `None` where it would say nothing.
    pub cluster: Option<String>,
    /// True if the code has changed as well since the last sync, to something else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_conflict: bool,
    /// A reason why `drift adopt` cannot write it here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_told: Option<String>,
}

/// Drift of an object that is not to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Silenced {
    /// The object.
    pub identity: Identity,
    /// The reason of the rule; `None` for drift that was accepted.
    pub reason: Option<String>,
}
