//! Schema: JSON Schemas of reports, requests and events.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::COMMANDS;
use crate::operation::report::ReportType;
use crate::operation::{Context, Effect, Event, Failure, Fault, FaultKind, Request};

/// Request to print the JSON Schemas.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SchemaRequest {
    /// The name of one schema: `report/import`. Without it, all schemas.
    pub name: Option<String>,
}

/// Report of the JSON Schemas, by name: `report/KIND`, `request/COMMAND` and `event`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Schemas {
    /// The name that was requested; none if all schemas were.
    pub name: Option<String>,
    /// The schemas.
    pub schemas: BTreeMap<String, Value>,
}

impl ReportType for Schemas {
    const KIND: &'static str = "schema";
}

/// No schema has this name.
#[derive(Debug, thiserror::Error)]
#[error("there is no schema `{name}`")]
struct NoSchema {
    name: String,
}

impl Fault for NoSchema {
    fn kind(&self) -> FaultKind {
        FaultKind::Usage
    }

    fn hints(&self) -> Vec<String> {
        vec!["`proxmox-mpc schema` lists the names of all schemas.".to_owned()]
    }
}

impl Request for SchemaRequest {
    const NAME: &'static str = "schema";
    const EFFECT: Effect = Effect::Reads;
    type Report = Schemas;

    async fn run(self, _: Context) -> Result<Schemas, Failure> {
        let mut schemas = all();
        if let Some(name) = &self.name {
            schemas.retain(|known, _| known == name);
            if schemas.is_empty() {
                return Err(NoSchema { name: name.clone() }.into());
            }
        }
        Ok(Schemas { name: self.name, schemas })
    }
}

fn all() -> BTreeMap<String, Value> {
    let mut schemas = BTreeMap::from([("event".to_owned(), schemars::schema_for!(Event).into())]);
    for command in &COMMANDS {
        schemas.insert(format!("report/{}", command.report), (command.report_schema)().into());
        schemas.insert(format!("request/{}", command.name.replace(' ', "-")), (command.request_schema)().into());
    }
    schemas
}
