//! Report: what an operation ends with, the same value for people and for programs.

use std::any::Any;
use std::fmt::Debug;
use std::pin::Pin;

use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::FaultKind;

/// The version of the form of reports. It changes when a field goes or means something else, not when one is added.
pub const FORMAT: u32 = 1;

/// The report of an operation, of any type. Every [`ReportType`] is one.
pub trait Report: erased_serde::Serialize + Any + Debug + Send {
    /// The kind of the report: `import`.
    fn kind(&self) -> &'static str;

    /// The exit code of a report that is not what its reader hoped for.
    fn ended(&self) -> Option<FaultKind>;

    /// The work that goes on after the report was shown, until it is cancelled: a server.
    fn service(&mut self) -> Option<Service>;
}

/// Work that goes on after a report.
pub type Service = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A type of reports. Its document is `{"format": 1, "kind": …}` and its own fields, in their order.
pub trait ReportType: Serialize + DeserializeOwned + JsonSchema + Any + Debug + Send {
    /// The kind of all its reports: `import`.
    const KIND: &'static str;

    /// See [`Report::ended`].
    fn ended(&self) -> Option<FaultKind> {
        None
    }

    /// See [`Report::service`].
    fn service(&mut self) -> Option<Service> {
        None
    }
}

impl<R: ReportType> Report for R {
    fn kind(&self) -> &'static str {
        R::KIND
    }

    fn ended(&self) -> Option<FaultKind> {
        ReportType::ended(self)
    }

    fn service(&mut self) -> Option<Service> {
        ReportType::service(self)
    }
}

/// A report with its envelope, ready for a serialiser.
#[derive(Serialize)]
pub struct Document<'r> {
    format: u32,
    kind: &'static str,
    #[serde(flatten)]
    report: Erased<'r>,
}

impl<'r> Document<'r> {
    /// The document of a report.
    pub fn of(report: &'r dyn Report) -> Self {
        Self { format: FORMAT, kind: report.kind(), report: Erased(report) }
    }
}

struct Erased<'r>(&'r dyn Report);

impl Serialize for Erased<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        erased_serde::serialize(self.0, serializer)
    }
}

/// The reason why a document is not the report that was expected.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Another program's file, or a newer form.
    #[error("the document is `{kind}` of format {format}, not `{expected}` of format {FORMAT}")]
    Other {
        /// Its kind.
        kind: String,
        /// Its format.
        format: u32,
        /// The kind that was expected.
        expected: &'static str,
    },
    /// Not JSON, or not of the form.
    #[error("the document is not a report")]
    Json(#[from] serde_json::Error),
}

/// Reads a document back.
pub fn read<R: ReportType>(json: &str) -> Result<R, DocumentError> {
    #[derive(Deserialize)]
    struct Envelope {
        format: u32,
        kind: String,
    }
    let Envelope { format, kind } = serde_json::from_str(json)?;
    if (format, kind.as_str()) != (FORMAT, R::KIND) {
        return Err(DocumentError::Other { kind, format, expected: R::KIND });
    }
    Ok(serde_json::from_str(json)?)
}

/// The JSON Schema of the documents of a report, envelope included.
pub fn schema<R: ReportType>() -> Schema {
    let mut schema = schemars::schema_for!(R);
    let envelope = [("format", json!({"const": FORMAT})), ("kind", json!({"const": R::KIND}))];
    let object = schema.ensure_object();
    for (name, form) in envelope {
        if let Some(properties) = object.entry("properties").or_insert_with(|| json!({})).as_object_mut() {
            properties.insert(name.to_owned(), form);
        }
        if let Some(required) = object.entry("required").or_insert_with(|| json!([])).as_array_mut() {
            required.push(json!(name));
        }
    }
    schema
}
