//! Event: one thing that happens while an operation runs, as data. Sentences are the printers'.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Mutex;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::clock::{self, Clock as _, SystemClock};
use super::fault::{self, Fault};
use crate::settings::Caution;
use crate::workspace::Holder;

/// An event, which names its operation. As JSON: one flat object with a `type`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// The operation in which it happened; `None` before there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationId>,
    /// The time, in UTC and milliseconds: `2026-11-23T00:50:00.250Z`.
    pub time: String,
    /// The step during which it happened; `None` outside of every step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<StepId>,
    /// The event itself.
    #[serde(flatten)]
    pub kind: EventKind,
}

impl Event {
    /// An event outside of every operation, now.
    pub fn outside(kind: EventKind) -> Self {
        let time = clock::milliseconds(SystemClock.now());
        Self { operation: None, time, parent: None, kind }
    }

    /// The fault event of an error.
    pub fn fault(fault: &dyn Fault) -> Self {
        let (message, causes, hints) = (fault.to_string(), fault::causes(fault), fault.hints());
        Self::outside(EventKind::Fault { message, causes, hints, exit_code: fault.kind().exit_code() })
    }
}

/// An operation: 32 hexadecimal digits, in the order of the operations' beginnings. It is a valid W3C trace id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct OperationId(String);

impl OperationId {
    /// A new one.
    pub(super) fn new() -> Self {
        Self(uuid::Uuid::now_v7().simple().to_string())
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A step of an operation, numbered from 1 within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct StepId(pub u64);

/// Kind of an event, with its data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventKind {
    /// A step began that a person may have to wait for.
    Started {
        /// The step.
        step: StepId,
        /// Its kind.
        what: StepKind,
    },
    /// A step has come so far.
    Progress {
        /// The step.
        step: StepId,
        /// The amount that is done, in the step's own unit (answers, objects).
        done: u64,
        /// The whole amount, as far as it is known now.
        total: Option<u64>,
    },
    /// A step is over.
    Finished {
        /// The step.
        step: StepId,
    },
    /// A line of a program that means nothing more to us.
    Text {
        /// The program: `terraform`.
        program: String,
        /// The line without its end.
        line: String,
    },
    /// Something that a program found wrong with what it was given.
    Diagnostic(Diagnostic),
    /// Something that a person who waits should know now.
    Message(Message),
    /// The operation failed, or there was none: the command line makes no sense.
    Fault {
        /// The error.
        message: String,
        /// The messages of its causes, outermost first.
        causes: Vec<String>,
        /// Remedies, most likely one first.
        hints: Vec<String>,
        /// The exit code of the process.
        exit_code: u8,
    },
    /// An entry of the program's own log.
    Log {
        /// `error`, `warn`, `info`, `debug` or `trace`.
        level: String,
        /// The part of the program: `proxmox_mpc_engine::client`.
        target: String,
        /// The sentence.
        message: String,
        /// The entry's other fields.
        fields: BTreeMap<String, String>,
    },
}

/// Kind of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Reaches a node and logs in.
    TestConnection,
    /// Reads the cluster through its API.
    ReadCluster,
    /// Reads the answers of a recording.
    ReadRecording,
    /// Makes the code from the answers.
    GenerateCode,
    /// Makes up a cluster.
    Synthesize,
    /// Installs the provider: `terraform init`.
    InstallProvider,
    /// Reads the state of the workspace: `terraform state pull`.
    ReadState,
    /// Plans the code.
    Plan,
    /// Reads the differences out of a plan.
    ReadDifferences,
    /// Plans the imports that a rehearsed destroy begins with.
    PlanImports,
    /// Applies those imports.
    ApplyImports,
    /// Applies the plan to the twin.
    RehearseApply,
    /// Plans again after the apply.
    PlanAgain,
    /// Runs the playbooks against the twin.
    RehearsePlaybooks,
    /// Compares the twin with what it was.
    CompareTwin,
}

/// A message for a person who waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "message", rename_all = "snake_case")]
pub enum Message {
    /// A twin answers here.
    TwinStarted {
        /// Its URL.
        endpoint: String,
    },
    /// A copy of `/etc/pve` was read.
    EtcPveRead {
        /// The number of its guests, all of them stopped.
        guests: usize,
        /// Its nodes.
        nodes: Vec<String>,
        /// The version of Proxmox VE that it is taken for.
        version: String,
    },
    /// The operation was asked to stop, and waits for a program that runs.
    WaitingForProgram {
        /// The program.
        program: String,
        /// True if a second request kills it.
        kills: bool,
    },
    /// The operation waits for another one that changes the same workspace.
    WaitingForLock {
        /// The workspace.
        folder: PathBuf,
        /// The holder of the lock, if its file names one.
        holder: Option<Holder>,
    },
    /// Terraform asks the agents of these guests, and waits for each that is silent.
    AgentsAsked {
        /// The guests: `qemu/101`.
        guests: Vec<String>,
    },
    /// An object drifted from the code while somebody watched.
    Drifted {
        /// The object: `qemu/101`.
        object: String,
        /// What happened to it, in Proxmox's words.
        lines: Vec<String>,
    },
    /// The drift of an object has cleared.
    DriftCleared {
        /// The object.
        object: String,
    },
    /// The cluster could not be looked at this time. The watch goes on.
    WatchFailed {
        /// The error, as a sentence.
        error: String,
    },
    /// Settings that are used as they are, although they are risky or without effect.
    Caution(Caution),
}

/// An error or a warning of Terraform, in its words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Diagnostic {
    /// The severity: an error stops the run.
    pub severity: Severity,
    /// One line.
    pub summary: String,
    /// The rest, of any length; empty where there is none.
    pub detail: String,
    /// The resource that it speaks of, where it names one.
    pub address: Option<String>,
}

/// Severity of a diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The run goes on.
    Warning,
    /// The run fails.
    Error,
}

/// A listener to events. Called from any thread, in the order in which things happen on that thread.
pub trait Sink: Send + Sync {
    /// Takes one event; never fails, since nobody could do anything about it.
    fn event(&self, event: &Event);
}

/// Keeps every event, for tests and for reports.
impl Sink for Mutex<Vec<Event>> {
    fn event(&self, event: &Event) {
        self.lock().expect("no listener panics while it holds the list").push(event.clone());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_one_flat_object_and_is_read_back() {
        let check = |kind: EventKind, fields: serde_json::Value| {
            let operation = Some(OperationId("0".repeat(32)));
            let event = Event { operation, time: "2026-11-23T00:50:00.000Z".to_owned(), parent: Some(StepId(1)), kind };
            let mut expected = json!({
                "operation": "0".repeat(32), "time": "2026-11-23T00:50:00.000Z", "parent": 1,
            });
            expected.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            let written = serde_json::to_value(&event).unwrap();
            assert_eq!(written, expected);
            assert_eq!(serde_json::from_value::<Event>(written).unwrap(), event);
        };
        check(
            EventKind::Diagnostic(Diagnostic {
                severity: Severity::Error,
                summary: "no".to_owned(),
                detail: String::new(),
                address: None,
            }),
            json!({"type": "diagnostic", "severity": "error", "summary": "no", "detail": "", "address": null}),
        );
        check(
            EventKind::Text { program: "terraform".to_owned(), line: "hello".to_owned() },
            json!({"type": "text", "program": "terraform", "line": "hello"}),
        );
        check(
            EventKind::Started { step: StepId(2), what: StepKind::ReadCluster },
            json!({"type": "started", "step": 2, "what": "read_cluster"}),
        );
        check(
            EventKind::Message(Message::TwinStarted { endpoint: "https://127.0.0.1:1".to_owned() }),
            json!({"type": "message", "message": "twin_started", "endpoint": "https://127.0.0.1:1"}),
        );
        check(
            EventKind::Message(Message::Caution(Caution::UnusedProxy {
                variable: "ALL_PROXY".to_owned(),
                host: "pve".to_owned(),
            })),
            json!({"type": "message", "message": "caution", "caution": "unused_proxy", "variable": "ALL_PROXY", "host": "pve"}),
        );
    }
}
