//! Request for the drift of a cluster from the code of a workspace.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::comparison::DriftSource;
use super::look::look;
use super::report::DriftReport;
use super::watch;
use crate::operation::{Context, Effect, Failure, Request};

/// Request for the drift of a cluster from the code of a workspace.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DriftRequest {
    /// The workspace and the cluster.
    pub source: DriftSource,
    /// Look again and again at this interval in seconds, and tell what is new and what has cleared.
    pub watch: Option<u32>,
}

impl Request for DriftRequest {
    const NAME: &'static str = "drift";
    const EFFECT: Effect = Effect::Reads;
    type Report = DriftReport;

    async fn run(self, context: Context) -> Result<DriftReport, Failure> {
        let mut report = look(&self.source, &context).await?;
        if let Some(seconds) = self.watch {
            let interval = Duration::from_secs(u64::from(seconds.max(1)));
            report.watch.begin(watch::service(self.source, interval, &report.drift, context));
        }
        Ok(report)
    }
}
