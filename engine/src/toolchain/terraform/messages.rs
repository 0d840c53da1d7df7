//! Messages of Terraform: one JSON object on each line, and other text that it or a plugin writes.
//!
//! The format is Terraform's "machine-readable UI", version 1.x. Unknown types and keys are ignored.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operation::event::{Diagnostic, EventKind, Severity, StepKind};
use crate::operation::{Context, Step};
use crate::toolchain::terraform::AppliedStep;

/// Message of Terraform, as far as we need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UiMessage {
    /// The first message, with the version of Terraform.
    Version(String),
    /// An object is being read.
    Reading(String),
    /// An object was read.
    Read(String),
    /// A change of an object is planned.
    Planned(PlannedChange),
    /// An action on an object has ended.
    Ended(AppliedStep),
    /// An object differs from Terraform's state.
    Drift(String),
    /// The counts of the plan.
    Summary(Counts),
    /// An error or a warning.
    Diagnostic(Diagnostic),
    /// A message for people.
    Text(String),
}

/// Planned change of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedChange {
    /// The address of the object.
    pub address: String,
    /// The action, in Terraform's words: `import`, `create`, `update`, `replace`, `delete`, `move`, `forget`.
    pub action: String,
    /// The id that the object is imported by, if it is (an import may come with an update or a replacement).
    pub importing: Option<String>,
}

/// Counts of a plan, as Terraform gives them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Objects that would be imported.
    pub import: u64,
    /// Objects that would be created; a replacement counts here and in `destroy`.
    pub add: u64,
    /// Objects that would be changed in place.
    pub change: u64,
    /// Objects that would be destroyed.
    pub destroy: u64,
}

impl Counts {
    /// Reports whether the plan leaves the cluster unchanged.
    pub fn changes_nothing(self) -> bool {
        self.add == 0 && self.change == 0 && self.destroy == 0
    }
}

/// Formats the counts as Terraform does.
impl std::fmt::Display for Counts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { import, add, change, destroy } = self;
        write!(formatter, "{import} to import, {add} to add, {change} to change, {destroy} to destroy")
    }
}

/// Result of a run of `plan`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The version in the first message.
    pub version: Option<String>,
    /// The counts of the last summary; `None` if the run stopped before one.
    pub counts: Option<Counts>,
    /// The planned changes, by address.
    pub changes: BTreeMap<String, PlannedChange>,
    /// The addresses of objects that were read.
    pub read: BTreeSet<String>,
    /// The addresses of objects that differ from the state.
    pub drift: BTreeSet<String>,
    /// Errors and warnings, in order.
    pub diagnostics: Vec<Diagnostic>,
}

impl Plan {
    /// Reports whether Terraform printed an error, whatever its summary says.
    pub fn errored(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// Reader of the output of `plan`, which sends events while it reads.
pub struct PlanReader {
    plan: Plan,
    program: String,
    context: Context,
    step: Step,
    expected: Option<u64>,
}

impl PlanReader {
    /// Creates a reader for the output of `program`, and starts the step `what` on `expected` objects.
    pub fn new(program: &str, what: StepKind, expected: Option<u64>, context: &Context) -> Self {
        let step = Step::start(context, what);
        Self { plan: Plan::default(), program: program.to_owned(), context: step.context(), step, expected }
    }

    /// Takes the next line.
    pub fn line(&mut self, line: &str) {
        match message(line) {
            UiMessage::Version(version) => self.plan.version = Some(version),
            UiMessage::Reading(_) | UiMessage::Ended(_) => {}
            UiMessage::Read(address) => {
                self.plan.read.insert(address);
                let done = u64::try_from(self.plan.read.len()).unwrap_or(u64::MAX);
                self.step.progress(done, self.expected.map(|expected| expected.max(done)));
            }
            UiMessage::Planned(change) => {
                self.plan.changes.insert(change.address.clone(), change);
            }
            UiMessage::Drift(address) => {
                self.plan.drift.insert(address);
            }
            UiMessage::Summary(counts) => self.plan.counts = Some(counts),
            UiMessage::Diagnostic(diagnostic) => {
                self.context.event(EventKind::Diagnostic(diagnostic.clone()));
                self.plan.diagnostics.push(diagnostic);
            }
            UiMessage::Text(line) if line.trim().is_empty() => {}
            UiMessage::Text(line) => self.context.event(EventKind::Text { program: self.program.clone(), line }),
        }
    }

    /// The result of the run.
    pub fn finish(self) -> Plan {
        self.plan
    }
}

/// Reads one line. A line that is not a message of Terraform's is text, never an error.
pub fn message(line: &str) -> UiMessage {
    let Ok(raw) = serde_json::from_str::<Raw>(line) else { return UiMessage::Text(line.to_owned()) };
    let text = raw.message.unwrap_or_default();
    let known = match raw.kind.as_str() {
        "version" => raw.terraform.or(raw.tofu).map(UiMessage::Version),
        "refresh_start" => raw.hook.map(|hook| UiMessage::Reading(hook.resource.addr)),
        "refresh_complete" => raw.hook.map(|hook| UiMessage::Read(hook.resource.addr)),
        "apply_complete" | "apply_errored" => {
            raw.hook.map(|hook| UiMessage::Ended(hook.step(raw.kind == "apply_complete")))
        }
        "planned_change" => raw.change.map(|change| UiMessage::Planned(change.into())),
        "resource_drift" => raw.change.map(|change| UiMessage::Drift(change.resource.addr)),
        "change_summary" => raw.changes.map(|changes| UiMessage::Summary(changes.into())),
        "diagnostic" => raw.diagnostic.map(|diagnostic| UiMessage::Diagnostic(diagnostic.into())),
        _ => None,
    };
    known.unwrap_or(UiMessage::Text(text))
}

#[derive(Deserialize)]
struct Raw {
    #[serde(rename = "type")]
    kind: String,
    #[serde(rename = "@message")]
    message: Option<String>,
    terraform: Option<String>,
    tofu: Option<String>,
    hook: Option<RawHook>,
    change: Option<RawChange>,
    changes: Option<RawCounts>,
    diagnostic: Option<RawDiagnostic>,
}

#[derive(Deserialize)]
struct RawHook {
    resource: RawResource,
    #[serde(default)]
    action: String,
}

impl RawHook {
    fn step(self, done: bool) -> AppliedStep {
        AppliedStep { address: self.resource.addr, action: self.action, done }
    }
}

#[derive(Deserialize)]
struct RawResource {
    addr: String,
}

#[derive(Deserialize)]
struct RawChange {
    resource: RawResource,
    #[serde(default)]
    action: String,
    importing: Option<RawImporting>,
}

#[derive(Deserialize)]
struct RawImporting {
    #[serde(default)]
    id: String,
}

impl From<RawChange> for PlannedChange {
    fn from(raw: RawChange) -> Self {
        Self { address: raw.resource.addr, action: raw.action, importing: raw.importing.map(|importing| importing.id) }
    }
}

#[derive(Deserialize)]
struct RawCounts {
    #[serde(default)]
    import: u64,
    add: u64,
    change: u64,
    remove: u64,
}

impl From<RawCounts> for Counts {
    fn from(raw: RawCounts) -> Self {
        Self { import: raw.import, add: raw.add, change: raw.change, destroy: raw.remove }
    }
}

#[derive(Deserialize)]
struct RawDiagnostic {
    severity: String,
    summary: String,
    #[serde(default)]
    detail: String,
    address: Option<String>,
    snippet: Option<RawSnippet>,
}

#[derive(Deserialize)]
struct RawSnippet {
    context: Option<String>,
}

impl From<RawDiagnostic> for Diagnostic {
    fn from(raw: RawDiagnostic) -> Self {
        let context = raw.snippet.and_then(|snippet| snippet.context);
        Self {
            severity: if raw.severity == "error" { Severity::Error } else { Severity::Warning },
            summary: raw.summary,
            detail: raw.detail,
            address: raw.address.or_else(|| block_address(context.as_deref()?)),
        }
    }
}

/// The address in a snippet's context: `resource "proxmox_pool" "prod"` is `proxmox_pool.prod`.
fn block_address(context: &str) -> Option<String> {
    let mut labels = context.strip_prefix("resource \"")?.strip_suffix('"')?.split("\" \"");
    Some(format!("{}.{}", labels.next()?, labels.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::StepId;
    use crate::operation::testing::followed;

    fn read(lines: &str) -> (Plan, Vec<EventKind>) {
        let followed = followed();
        let mut reader = PlanReader::new("terraform", StepKind::Plan, None, &followed.context);
        lines.lines().for_each(|line| reader.line(line));
        let plan = reader.finish();
        (plan, followed.kinds())
    }

    /// A run of Terraform 1.11.4 that imports, changes, replaces and creates.
    #[test]
    fn a_recorded_run_is_understood() {
        let (plan, events) = read(include_str!("../../../../tests/terraform/differences.jsonl"));
        assert_eq!(plan.version.as_deref(), Some("1.11.4"));
        assert_eq!(plan.counts, Some(Counts { import: 3, add: 2, change: 1, destroy: 1 }));
        assert_eq!(plan.read.len(), 3);
        assert!(!plan.errored());
        let changes: Vec<_> = plan
            .changes
            .values()
            .map(|change| (change.address.as_str(), change.action.as_str(), change.importing.as_deref()))
            .collect();
        assert_eq!(
            changes,
            [
                ("proxmox_storage_cifs.smb", "replace", Some("smb")),
                ("proxmox_virtual_environment_pool.dev", "import", Some("dev")),
                ("proxmox_virtual_environment_pool.neu", "create", None),
                ("proxmox_virtual_environment_pool.prod", "update", Some("prod")),
            ]
        );
        assert!(events.contains(&EventKind::Progress { step: StepId(1), done: 3, total: None }));
    }

    #[test]
    fn a_line_is_text_unless_it_is_a_message() {
        let check = |line: &str, expected: UiMessage| assert_eq!(message(line), expected, "{line}");
        check("panic: oh no", UiMessage::Text("panic: oh no".to_owned()));
        check("{\"half\":", UiMessage::Text("{\"half\":".to_owned()));
        check("[1]", UiMessage::Text("[1]".to_owned()));
        check(r#"{"type":"log","@message":"Installing"}"#, UiMessage::Text("Installing".to_owned()));
        check(
            r#"{"type":"planned_change","@message":"of a newer form"}"#,
            UiMessage::Text("of a newer form".to_owned()),
        );
        check(r#"{"type":"version","tofu":"1.8.0","ui":"1.2"}"#, UiMessage::Version("1.8.0".to_owned()));
        check(
            r#"{"type":"change_summary","changes":{"add":1,"change":0,"remove":2,"operation":"plan"}}"#,
            UiMessage::Summary(Counts { import: 0, add: 1, change: 0, destroy: 2 }),
        );
    }

    #[test]
    fn a_diagnostic_names_its_resource_where_it_can() {
        let check = |line: &str, expected: Option<&str>| {
            let UiMessage::Diagnostic(diagnostic) = message(line) else { panic!("{line} is a diagnostic") };
            assert_eq!(diagnostic.severity, Severity::Error);
            assert_eq!(diagnostic.address.as_deref(), expected);
        };
        check(
            r#"{"type":"diagnostic","diagnostic":{"severity":"error","summary":"no","detail":"","address":"a.b"}}"#,
            Some("a.b"),
        );
        check(
            r#"{"type":"diagnostic","diagnostic":{"severity":"error","summary":"no","snippet":{"context":"resource \"a\" \"b\""}}}"#,
            Some("a.b"),
        );
        check(
            r#"{"type":"diagnostic","diagnostic":{"severity":"error","summary":"no","snippet":{"context":null}}}"#,
            None,
        );
    }
}
