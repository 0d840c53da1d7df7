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
