//! The table of commands: what every face can ask the engine for.

use std::fmt::Debug;
use std::pin::Pin;

use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::coverage::CoverageRequest;
use crate::demo::DemoRequest;
use crate::explain::ExplainRequest;
use crate::import::ImportRequest;
use crate::operation::report::{self, ReportType};
use crate::operation::{Context, Failure, Fault, FaultKind, Question, Report};
use crate::rehearse::RehearseRequest;
use crate::schema::SchemaRequest;
use crate::twins::{LimitsRequest, ServeRequest, SynthesizeRequest};
use crate::verify::VerifyRequest;
use crate::version::VersionRequest;

/// What a command changes.
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
    /// What it changes.
    const EFFECT: Effect;
    /// What it ends with.
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

/// A row of the table.
#[derive(Clone, Copy)]
pub struct Command {
    /// The words of the command: `twin serve`.
    pub name: &'static str,
    /// What it changes.
    pub effect: Effect,
    /// The kind of its report.
    pub report: &'static str,
    /// The JSON Schema of its request.
    pub request_schema: fn() -> Schema,
    /// The JSON Schema of its report.
    pub report_schema: fn() -> Schema,
    /// Runs the command with a request in JSON.
    pub run: fn(Context, Value) -> Running,
    /// Reads the JSON of a report and writes it again.
    pub read_back: fn(&str) -> Result<Box<dyn Report>, report::DocumentError>,
}

/// A command that runs.
pub type Running = Pin<Box<dyn Future<Output = Result<Box<dyn Report>, Failure>> + Send>>;

/// A request in JSON that the command does not take.
#[derive(Debug, thiserror::Error)]
#[error("this is not a request for `{command}`")]
pub struct NotARequest {
    command: &'static str,
    source: serde_json::Error,
}

impl Fault for NotARequest {
    fn kind(&self) -> FaultKind {
        FaultKind::Usage
    }
}

impl Command {
    const fn of<R: Request>() -> Self {
        Self {
            name: R::NAME,
            effect: R::EFFECT,
            report: <R::Report as ReportType>::KIND,
            request_schema: || schemars::schema_for!(R),
            report_schema: report::schema::<R::Report>,
            run: |context, request| {
                Box::pin(async move {
                    let request: R =
                        serde_json::from_value(request).map_err(|source| NotARequest { command: R::NAME, source })?;
                    run(&context, request).await
                })
            },
            read_back: |json| Ok(Box::new(report::read::<R::Report>(json)?)),
        }
    }
}

/// Every command of the engine. A face may have commands of its own, where they make sense in that face alone.
pub const COMMANDS: [Command; 11] = [
    Command::of::<DemoRequest>(),
    Command::of::<ImportRequest>(),
    Command::of::<VerifyRequest>(),
    Command::of::<RehearseRequest>(),
    Command::of::<CoverageRequest>(),
    Command::of::<ExplainRequest>(),
    Command::of::<ServeRequest>(),
    Command::of::<SynthesizeRequest>(),
    Command::of::<LimitsRequest>(),
    Command::of::<SchemaRequest>(),
    Command::of::<VersionRequest>(),
];
