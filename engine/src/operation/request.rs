//! Request: what a face asks the engine for, as plain data.

use std::fmt::Debug;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::report::ReportType;
use super::{Context, Failure, Fault, FaultKind, Question, Report};

/// Effect of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing but what it reports.
    Reads,
    /// Files of a workspace.
    EditsCode,
    /// Files that are named in the request, outside of any workspace.
    WritesElsewhere,
    /// A cluster.
    ActsOnCluster,
}

/// The request for one command: everything that its user can choose, as plain data.
pub trait Request: Serialize + DeserializeOwned + JsonSchema + Debug + Send + 'static {
    /// The words of the command: `twin serve`.
    const NAME: &'static str;
    /// Its effect.
    const EFFECT: Effect;
    /// The type of its report.
    type Report: ReportType;

    /// Runs the command.
    fn run(self, context: Context) -> impl Future<Output = Result<Self::Report, Failure>> + Send;

    /// The question that whoever may agree to changes of a cluster is asked before the command runs.
    fn question(&self) -> Question {
        Question { action: Self::NAME.to_owned(), consequences: Vec::new() }
    }
}

/// Runs a request. A command that acts on a cluster runs only where that is agreed to.
pub async fn run<R: Request>(context: &Context, request: R) -> Result<Box<dyn Report>, Failure> {
    if R::EFFECT == Effect::ActsOnCluster && !context.confirm(&request.question()) {
        return Err(Declined { command: R::NAME }.into());
    }
    tracing::debug!(command = R::NAME, operation = %context.operation(), actor = %context.actor(), "running");
    Ok(Box::new(request.run(context.clone()).await?))
}

/// Nobody agreed to a command that acts on a cluster.
#[derive(Debug, thiserror::Error)]
#[error("`{command}` changes the cluster, and nobody agreed to that")]
pub struct Declined {
    command: &'static str,
}

impl Fault for Declined {
    fn kind(&self) -> FaultKind {
        FaultKind::Usage
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::operation::confirmation::Always;
    use crate::operation::{Cancel, Face};

    /// A command that acts on a cluster.
    #[derive(Debug, Serialize, Deserialize, JsonSchema)]
    struct StopRequest {}

    #[derive(Debug, Serialize, Deserialize, JsonSchema)]
    struct Stopped {}

    impl ReportType for Stopped {
        const KIND: &'static str = "stopped";
    }

    impl Request for StopRequest {
        const NAME: &'static str = "stop";
        const EFFECT: Effect = Effect::ActsOnCluster;
        type Report = Stopped;

        async fn run(self, _: Context) -> Result<Stopped, Failure> {
            Ok(Stopped {})
        }
    }

    #[tokio::test]
    async fn a_cluster_is_changed_only_where_somebody_agrees() {
        let nobody = Face::unattended(tokio::runtime::Handle::current());
        let declined = run(&nobody.operation(Cancel::default()), StopRequest {}).await.unwrap_err();
        assert_eq!(declined.fault().to_string(), "`stop` changes the cluster, and nobody agreed to that");
        let everybody = Face { confirmation: Arc::new(Always), ..nobody };
        let report = run(&everybody.operation(Cancel::default()), StopRequest {}).await.unwrap();
        assert_eq!(report.kind(), "stopped");
    }
}
