//! The table of commands: what every face can ask the engine for.

mod schema;

use std::pin::Pin;

use schemars::Schema;
use serde_json::Value;

pub use schema::{SchemaRequest, Schemas};

use crate::check::{CheckRequest, CheckRulesRequest};
use crate::coverage::CoverageRequest;
use crate::demo::DemoRequest;
use crate::drift::{AcceptRequest, AdoptRequest, DriftRequest};
use crate::explain::ExplainRequest;
use crate::extract::ExtractRequest;
use crate::hooks::{HooksInstallRequest, HooksUninstallRequest};
use crate::import::ImportRequest;
use crate::init::InitRequest;
use crate::operation::report::{self, ReportType};
use crate::operation::{Context, Effect, Failure, Fault, FaultKind, Report, Request, run};
use crate::rehearse::RehearseRequest;
use crate::settings::config::{ConfigGetRequest, ConfigListRequest, ConfigSetRequest, ConfigUnsetRequest};
use crate::settings::contexts::{ContextListRequest, ContextShowRequest, ContextUseRequest};
use crate::sync::SyncRequest;
use crate::timeline::{DiffRequest, HistoryRequest, RestoreRequest, StatusRequest};
use crate::twins::{LimitsRequest, ServeRequest, SynthesizeRequest};
use crate::verify::VerifyRequest;
use crate::version::VersionRequest;

/// A row of the table.
#[derive(Clone, Copy)]
pub struct Command {
    /// The words of the command: `twin serve`.
    pub name: &'static str,
    /// Its effect.
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
pub const COMMANDS: [Command; 32] = [
    Command::of::<DemoRequest>(),
    Command::of::<InitRequest>(),
    Command::of::<ImportRequest>(),
    Command::of::<SyncRequest>(),
    Command::of::<StatusRequest>(),
    Command::of::<DiffRequest>(),
    Command::of::<DriftRequest>(),
    Command::of::<AdoptRequest>(),
    Command::of::<AcceptRequest>(),
    Command::of::<HistoryRequest>(),
    Command::of::<RestoreRequest>(),
    Command::of::<ExtractRequest>(),
    Command::of::<CheckRequest>(),
    Command::of::<CheckRulesRequest>(),
    Command::of::<HooksInstallRequest>(),
    Command::of::<HooksUninstallRequest>(),
    Command::of::<VerifyRequest>(),
    Command::of::<RehearseRequest>(),
    Command::of::<CoverageRequest>(),
    Command::of::<ExplainRequest>(),
    Command::of::<ServeRequest>(),
    Command::of::<SynthesizeRequest>(),
    Command::of::<LimitsRequest>(),
    Command::of::<ConfigListRequest>(),
    Command::of::<ConfigGetRequest>(),
    Command::of::<ConfigSetRequest>(),
    Command::of::<ConfigUnsetRequest>(),
    Command::of::<ContextListRequest>(),
    Command::of::<ContextShowRequest>(),
    Command::of::<ContextUseRequest>(),
    Command::of::<SchemaRequest>(),
    Command::of::<VersionRequest>(),
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::operation::{Cancel, Face};

    /// A face without types of its own, such as a server, hands requests over as JSON.
    #[tokio::test]
    async fn a_command_runs_with_a_request_in_json() {
        let context = || Face::unattended(tokio::runtime::Handle::current()).operation(Cancel::default());
        let explain = COMMANDS.iter().find(|command| command.name == "explain").unwrap();
        let report = (explain.run)(context(), json!({"rule": "K1"})).await.unwrap();
        assert_eq!(report.kind(), explain.report);
        let refused = (explain.run)(context(), json!({"rules": "K1"})).await.unwrap_err();
        assert_eq!(refused.fault().to_string(), "this is not a request for `explain`");
        assert_eq!(refused.fault().kind(), FaultKind::Usage);
    }
}
