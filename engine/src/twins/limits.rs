//! Limits of a twin: the writing methods of Proxmox that it answers with 501.

use proxmox_mpc_twin::writes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operation::report::ReportType;
use crate::operation::{Context, Effect, Failure, Request};

/// Request to list the writing methods of Proxmox that a twin cannot answer.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsRequest {}

/// Report of the writing methods that a twin cannot answer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LimitsReport {
    /// The number of writing methods that a twin can answer.
    pub done: usize,
    /// The methods that it cannot answer: `POST /nodes/{node}/ceph/init`.
    pub limits: Vec<String>,
}

impl ReportType for LimitsReport {
    const KIND: &'static str = "twin_limits";
}

impl Request for LimitsRequest {
    const NAME: &'static str = "twin limits";
    const EFFECT: Effect = Effect::Reads;
    type Report = LimitsReport;

    async fn run(self, _: Context) -> Result<LimitsReport, Failure> {
        Ok(LimitsReport { done: writes::done(), limits: writes::limits() })
    }
}
