//! The proof: the real Terraform with the real provider plans the code, and nothing may be left to do.
//!
//! Neither a cluster nor a state is ever written to.

mod code;
mod error;
mod explain;
mod known;
mod proof;
mod record;
mod report;
mod scratch;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proxmox_mpc_generators::manifest::Manifest;
use proxmox_mpc_model::Cluster;
use proxmox_mpc_twin::server::{self, AgentPolicy, Options, Twin};
use proxmox_mpc_twin::{Credentials, Recording};
use secrecy::SecretString;

pub use error::VerifyError;
pub use explain::Explanation;
pub use proof::{Against, AnswerCounts, ExplainedDifference, ExplainedError, LiveRefusal, Proof};
pub use record::{Mismatch, ProofRecord, RecordError, digest, generated};

use crate::event::{Diagnostic, Event, Severity, Sink, Work};
use crate::import::rights;
use crate::toolchain::invocation::Invocation;
use crate::toolchain::process::{self, Stream};
use crate::toolchain::terraform::{self, Difference, Environment, Plan, PlanReader, Tool};
use proof::Run;
use scratch::Scratch;

/// Where the code is in a workspace.
pub const CODE: &str = "terraform";
/// The manifest of a workspace.
pub const MANIFEST: &str = "manifest.json";

/// Proves the code of `workspace` against a twin of `recording`, on a copy of the code without state, backend and
/// variables of the user.
///
/// # Panics
///
/// Inside of an asynchronous task: it blocks for as long as Terraform runs.
pub fn against_twin(
    workspace: &Path,
    recording: Arc<Recording>,
    tool: &Tool,
    sink: &dyn Sink,
) -> Result<Proof, VerifyError> {
    let folder = workspace.join(CODE);
    let code = code::read(&folder)?;
    let manifest = manifest(workspace)?;
    let live_refusals = live_refusals(&recording)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(VerifyError::Runtime)?;
    let (twin, token) = {
        let _inside = runtime.enter();
        twin(recording)?
    };
    let scratch = Scratch::new()?;
    scratch.copy(&folder)?;
    scratch.point_at(&twin.endpoint(), code.provider)?;
    let placed = manifest.objects.values().filter(|place| !place.skip);
    let without_block: Vec<(&str, &str)> = placed
        .clone()
        .filter(|place| !code.imports.contains(&place.address) && !place.import_id.is_empty())
        .map(|place| (place.address.as_str(), place.import_id.as_str()))
        .collect();
    scratch.import(&without_block)?;
    let mut expected = code.imports.clone();
    expected.extend(placed.map(|place| place.address.clone()));
    let session = Session {
        tool,
        folder: scratch.code(),
        data: Some(scratch.data()),
        environment: Environment::Clean,
        token,
        variables: code.variables.iter().map(|found| (found.name.clone(), found.placeholder())).collect(),
        sink,
    };
    session.init(&scratch.data())?;
    let mut proof = session.prove(Against::Twin, &scratch.plan(), &expected)?;
    let counts = twin.counts();
    runtime.block_on(twin.stop());
    proof.answers = Some(AnswerCounts { recorded: counts.recorded, derived: counts.derived, unknown: counts.unknown });
    proof.live_refusals = live_refusals;
    Ok(proof)
}

/// Proves the code of `workspace` against the cluster, with the user's own state, credentials and variables.
///
/// With the last `recording` at hand it warns of guests whose agent Terraform would wait for.
pub fn live(
    workspace: &Path,
    recording: Option<&Recording>,
    tool: &Tool,
    sink: &dyn Sink,
) -> Result<Proof, VerifyError> {
    let folder = workspace.join(CODE);
    let code = code::read(&folder)?;
    let mut expected = code.imports;
    expected.extend(manifest(workspace)?.objects.into_values().filter(|place| !place.skip).map(|place| place.address));
    if let Some(recording) = recording {
        warn_of_agents(recording, sink)?;
    }
    let scratch = Scratch::new()?;
    // What the user has set up already knows their backend and workspace. Where nothing is, it is set up aside.
    let initialised = folder.join(".terraform").is_dir();
    let session = Session {
        tool,
        folder: folder.clone(),
        data: (!initialised).then(|| scratch.data()),
        environment: Environment::Users,
        token: None,
        variables: Vec::new(),
        sink,
    };
    let _lock_file = LockFile::watch(&folder);
    if !initialised {
        session.init(&scratch.data())?;
    }
    session.prove(Against::Cluster, &scratch.plan(), &expected)
}

/// What every command of one proof has in common.
struct Session<'a> {
    tool: &'a Tool,
    folder: PathBuf,
    data: Option<PathBuf>,
    environment: Environment,
    token: Option<SecretString>,
    variables: Vec<(String, String)>,
    sink: &'a dyn Sink,
}

impl Session<'_> {
    fn init(&self, data: &Path) -> Result<(), VerifyError> {
        let _work = Work::start(self.sink, "installing the provider");
        let invocation = self.dressed(terraform::init(self.tool, &self.folder, data, self.environment));
        let mut said = Said::default();
        let ended = process::run(&invocation, self.sink, |_, line| said.line(&invocation.name(), &line, self.sink))?;
        if ended.code == Some(0) { Ok(()) } else { Err(said.fault(invocation.name())) }
    }

    fn prove(&self, against: Against, out: &Path, expected: &BTreeSet<String>) -> Result<Proof, VerifyError> {
        let data = self.data.as_deref();
        let invocation = self.dressed(terraform::plan(self.tool, &self.folder, data, out, self.environment));
        let total = u64::try_from(expected.len()).ok();
        let mut reader = PlanReader::new(&invocation.name(), "planning", total, self.sink);
        let ended = process::run(&invocation, self.sink, |_, line| reader.line(&line))?;
        let plan = reader.finish();
        let differences = if only_imports(&plan) || !out.exists() { Vec::new() } else { self.differences(out)? };
        let mut proof = Run { against, code: ended.code, plan: &plan, expected }.judge(differences);
        proof.tool = self.tool.to_string();
        proof.provider = provider_version(&self.folder);
        Ok(proof)
    }

    fn differences(&self, plan: &Path) -> Result<Vec<Difference>, VerifyError> {
        let _work = Work::start(self.sink, "reading the differences");
        let shown = terraform::show(self.tool, &self.folder, self.data.as_deref(), plan, self.environment);
        let shown = self.dressed(shown);
        let mut json = String::new();
        process::run(&shown, self.sink, |stream, line| {
            if stream == Stream::Output {
                json.push_str(&line);
            }
        })?;
        terraform::differences(&json).map_err(|source| VerifyError::Show { tool: shown.name(), source })
    }

    /// The invocation with the token and the placeholders in its environment.
    fn dressed(&self, invocation: Invocation) -> Invocation {
        let mut invocation = invocation;
        for (name, value) in &self.variables {
            invocation = invocation.env(format!("TF_VAR_{name}"), value);
        }
        match &self.token {
            Some(token) => invocation.secret("PROXMOX_VE_API_TOKEN", token.clone()),
            None => invocation,
        }
    }
}

/// Whether the messages alone say that nothing but imports is planned: reading the file back takes a while.
fn only_imports(plan: &Plan) -> bool {
    plan.counts.is_some_and(terraform::Counts::changes_nothing)
        && plan.changes.values().all(|change| change.action == "import")
}

/// What `init` said, which older versions say in plain text.
#[derive(Default)]
struct Said {
    diagnostics: Vec<Diagnostic>,
    text: Vec<String>,
}

/// How Terraform and OpenTofu begin to say that a provider cannot be had.
const NO_PROVIDER: [&str; 4] = [
    "Failed to query available provider packages",
    "Failed to install provider",
    "Could not retrieve the list of available versions",
    "Failed to resolve provider packages",
];

impl Said {
    fn line(&mut self, source: &str, line: &str, sink: &dyn Sink) {
        match terraform::message(line) {
            terraform::Message::Diagnostic(diagnostic) => self.diagnostics.push(diagnostic),
            terraform::Message::Text(line) if !line.trim().is_empty() => {
                self.text.push(line.clone());
                sink.event(Event::Text { source: source.to_owned(), line });
            }
            _ => {}
        }
    }

    fn fault(mut self, tool: String) -> VerifyError {
        self.diagnostics.retain(|diagnostic| diagnostic.severity == Severity::Error);
        let is_missing = |text: &str| NO_PROVIDER.iter().any(|beginning| text.contains(beginning));
        if let Some(missing) = self.diagnostics.iter().find(|diagnostic| is_missing(&diagnostic.summary)) {
            return VerifyError::Provider { why: first_line(&missing.detail, &missing.summary) };
        }
        if let Some(missing) = self.text.iter().find(|line| is_missing(line)) {
            return VerifyError::Provider { why: missing.trim_start_matches(['│', ' ']).to_owned() };
        }
        if self.diagnostics.is_empty() {
            let detail = self.text.join("\n");
            let summary = "it said:".to_owned();
            self.diagnostics.push(Diagnostic { severity: Severity::Error, summary, detail, address: None });
        }
        VerifyError::Init { tool, diagnostics: self.diagnostics }
    }
}

fn first_line(text: &str, otherwise: &str) -> String {
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or(otherwise).trim().to_owned()
}

/// The lock file of the user's folder, which `init` would leave behind where there was none.
struct LockFile(Option<PathBuf>);

impl LockFile {
    fn watch(folder: &Path) -> Self {
        let path = folder.join(".terraform.lock.hcl");
        Self((!path.exists()).then_some(path))
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        let Some(path) = &self.0 else { return };
        if let Err(error) = fs::remove_file(path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, path = %path.display(), "could not be removed");
        }
    }
}

/// The version of the one provider whose source ends like ours, from the lock file that `init` wrote.
fn provider_version(folder: &Path) -> Option<String> {
    let text = fs::read_to_string(folder.join(".terraform.lock.hcl")).ok()?;
    let body = text.parse::<hcl_edit::structure::Body>().ok()?;
    let ours = |block: &&hcl_edit::structure::Block| {
        block.labels.first().is_some_and(|label| label.as_str().ends_with("/bpg/proxmox"))
    };
    let block = body.get_blocks("provider").find(ours)?;
    Some(block.body.get_attribute("version")?.value.as_str()?.to_owned())
}

/// The manifest of a workspace; empty for code that somebody else wrote, whose `import` blocks say what it imports.
pub fn manifest(workspace: &Path) -> Result<Manifest, VerifyError> {
    let path = workspace.join(MANIFEST);
    match fs::read_to_string(&path) {
        Ok(text) => Manifest::parse(&text).map_err(|source| VerifyError::Manifest { path, source }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Manifest::default()),
        Err(source) => Err(VerifyError::read(&path, source)),
    }
}

/// Starts the twin; agents never wait, and nobody but this run knows its token.
fn twin(recording: Arc<Recording>) -> Result<(Twin, Option<SecretString>), VerifyError> {
    let credentials = Credentials::fresh();
    let token = credentials.token();
    let options = Options { agent: AgentPolicy::RefuseUnlessUsable, enforced: false, ..Options::new(credentials) };
    Ok((server::serve(recording, options)?, token))
}

fn live_refusals(recording: &Recording) -> Result<Vec<LiveRefusal>, VerifyError> {
    let refusals = rights::refusals(&Cluster::read(recording)?)?;
    Ok(refusals
        .into_iter()
        .map(|refusal| LiveRefusal {
            identity: refusal.identity.to_string(),
            privilege: refusal.privilege.to_owned(),
            path: refusal.path,
        })
        .collect())
}

fn warn_of_agents(recording: &Recording, sink: &dyn Sink) -> Result<(), VerifyError> {
    let agents = rights::agents(&Cluster::read(recording)?)?;
    if !agents.is_empty() {
        let guests: Vec<String> = agents.iter().map(ToString::to_string).collect();
        let text = format!(
            "Terraform asks the guest agents of {}, and waits 15 minutes for each that is silent; a token whose role \
             lacks VM.GuestAgent.Audit (VM.Monitor on PVE 8) is not kept waiting",
            guests.join(", ")
        );
        sink.event(Event::Message { text });
    }
    Ok(())
}
