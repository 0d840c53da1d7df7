//! Request for the drift of a cluster, and where its present state is read.

use std::path::PathBuf;
use std::time::Duration;

use proxmox_mpc_twin::recording::Recording;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::acceptance::Accepted;
use super::rules::Rules;
use super::watch::Watch;
use super::{DriftError, DriftReport, classification, comparison};
use crate::client::Client;
use crate::import::{ImportError, Source};
use crate::operation::{Context, Effect, Failure, Request};
use crate::settings::{self, Connection};
use crate::workspace::Workspace;

/// A workspace, and the cluster that it is compared with.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DriftSource {
    /// The workspace, or a folder in it.
    pub workspace: PathBuf,
    /// The connection to the cluster; unused if `from` is given.
    pub connection: Connection,
    /// The recording to take for the cluster.
    pub from: Option<PathBuf>,
    /// The number of requests that may be sent at once; that of the settings without it.
    pub concurrency: Option<u16>,
}

/// Request for the drift of a cluster from the code of a workspace.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DriftRequest {
    /// The workspace and the cluster.
    pub source: DriftSource,
    /// Look again and again at this interval in seconds, and tell what is new and what has cleared.
    pub watch: Option<u32>,
}

impl DriftSource {
    /// The workspace, the source of the answers, and the number of requests at once.
    pub(super) async fn open(&self, context: &Context) -> Result<(Workspace, Source, usize), Failure> {
        let workspace = settings::workspace(context, &self.workspace)?;
        if let Some(path) = self.from.clone() {
            let opened = context.compute(move || Recording::open(&path)).await;
            // A recording is read without requests.
            return Ok((workspace, Source::Recording(opened.map_err(ImportError::from)?), 1));
        }
        let concurrency = settings::concurrency(context, self.concurrency, Some(&workspace))?;
        let (connection, place) = (self.connection.clone(), workspace.clone());
        let settings = context.block(move |context| settings::of(context, connection, Some(&place))).await?;
        Ok((workspace, Source::Cluster(Box::new(Client::new(settings)?)), concurrency))
    }
}

impl Request for DriftRequest {
    const NAME: &'static str = "drift";
    const EFFECT: Effect = Effect::Reads;
    type Report = DriftReport;

    async fn run(self, context: Context) -> Result<DriftReport, Failure> {
        let mut report = look(&self.source, &context).await?;
        if let Some(seconds) = self.watch {
            let interval = Duration::from_secs(u64::from(seconds.max(1)));
            report.watch = Watch::new(self.source, interval, &report.drift, context);
        }
        Ok(report)
    }
}

/// Looks at the cluster once.
pub(super) async fn look(source: &DriftSource, context: &Context) -> Result<DriftReport, Failure> {
    let comparison = comparison::compare(source, context).await?;
    let work = move |context: &Context| -> Result<DriftReport, DriftError> {
        let rules = Rules::read(&comparison.workspace, context.seconds())?;
        let accepted = Accepted::read(&comparison.workspace)?;
        Ok(classification::report(&comparison, &rules, &accepted))
    };
    Ok(context.block(work).await?)
}
