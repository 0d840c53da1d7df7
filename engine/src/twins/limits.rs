//! The limits of a twin: Proxmox's writing methods that it answers with 501.

use proxmox_mpc_twin::writes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operation::report::ReportType;
use crate::operation::{Context, Effect, Failure, Report, Request};

/// Lists what Proxmox can do and a twin cannot.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsRequest {}

/// What a twin does, and what it does not do.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LimitsReport {
    /// How many writing methods a twin does.
    pub done: usize,
    /// Those that it does not do: `POST /nodes/{node}/ceph/init`.
    pub limits: Vec<String>,
}

impl Report for LimitsReport {
    fn kind(&self) -> &'static str {
        Self::KIND
    }
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
